"""What operators do from the command line about people, wallets and the audit, as admins do over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

from marshmallow import ValidationError

from entrypoints.administration import AdminRefused
from entrypoints.container import Container, opened
from entrypoints.http.idempotency import LENGTH_MAX, is_key
from entrypoints.http.schemas.administration import Reason
from entrypoints.http.schemas.fields import written_timestamp
from entrypoints.http.views import line_view
from entrypoints.settings import Settings
from wallet_core.administration.administration import OPERATORS, Deposit
from wallet_core.administration.audit import OPERATOR, REASON_LENGTH_MAX, AuditEntry, AuditQuery
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.administration.ports import PeopleQuery
from wallet_core.identity.entities import User
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.ledger.outcomes import Declined, Posted
from wallet_core.ledger.statements import StatementQuery
from wallet_core.money import Currency, InvalidAmountError
from wallet_core.wallets.entities import Wallet

T = TypeVar("T")

AUDIT_READ: Final = 500
"""How many entries are read at a time."""

_REFUSALS: Final = {
    ChangeRefusal.NOT_FOUND: "There is no such thing.",
    ChangeRefusal.UNCHANGED: "It stands so already.",
    ChangeRefusal.LAST_ADMIN: "Nobody would be left who administers the service.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximums:
    """What somebody may move out, in words such as "12.50"; None says nothing."""

    daily: str | None = None
    monthly: str | None = None


class Desk:
    """Each method does one thing and says what came of it, a line each. Raises AdminRefused where that is nothing."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._settings = container.settings()
        self._administration = container.administration()

    async def people(self, query: PeopleQuery) -> list[str]:
        """Who fits, the newest first."""
        found: list[User] = []
        while True:
            page = await self._container.directory().page(replace(query, limit=query.limit - len(found)))
            found += page.people
            if page.next_before is None or len(found) >= query.limit:
                return [_person_line(user) for user in found]
            query = replace(query, before=page.next_before)

    async def person(self, user_id: UUID) -> list[str]:
        """Somebody with their wallets and what these hold."""
        user = await self._found(user_id)
        wallets = await self._container.wallets().of(user.id)
        return [_person_line(user), *(line for wallet in wallets for line in self._wallet_lines(wallet))]

    async def history(self, user_id: UUID, limit: int) -> list[str]:
        """What happened in somebody's wallets, the newest first."""
        user = await self._found(user_id)
        wallets = await self._container.wallets().of(user.id)
        query = StatementQuery(wallet_ids=tuple(wallet.id for wallet in wallets), limit=limit)
        page = await self._container.statements().page(query)
        shown = [line_view(line, self._settings.currencies) for line in page.lines]
        return [
            f"{line['created_at']}  {line['id']}  {line['type']:<12}  {line['status']:<9}  "
            f"{line['amount']} {line['currency']}  {line['failure_reason'] or ''}".rstrip()
            for line in shown
        ]

    async def freeze(self, wallet_id: UUID, reason: str) -> list[str]:
        """Let no money move in or out of a wallet."""
        changed = await self._administration.freeze(WalletId(wallet_id), by=OPERATOR, reason=_reason(reason))
        return self._wallet_lines(_done(changed))

    async def unfreeze(self, wallet_id: UUID, reason: str) -> list[str]:
        """Let money move again."""
        changed = await self._administration.unfreeze(WalletId(wallet_id), by=OPERATOR, reason=_reason(reason))
        return self._wallet_lines(_done(changed))

    async def activate(self, user_id: UUID, reason: str) -> list[str]:
        """Let somebody act again."""
        changed = await self._administration.activate(UserId(user_id), by=OPERATOR, reason=_reason(reason))
        return [_person_line(_done(changed))]

    async def deactivate(self, user_id: UUID, reason: str) -> list[str]:
        """Let somebody act no more."""
        changed = await self._administration.deactivate(UserId(user_id), by=OPERATOR, reason=_reason(reason))
        return [_person_line(_done(changed))]

    async def deposit(
        self, wallet_id: UUID, written: str, *, code: str | None, key: str | None, reason: str
    ) -> list[str]:
        """Credit somebody's wallet."""
        why = _reason(reason)
        if key is not None and not is_key(key):
            raise AdminRefused(f"A key has 1 to {LENGTH_MAX} visible ASCII characters.")
        wallet = await self._container.directory().wallet(WalletId(wallet_id))
        if wallet is None:
            raise AdminRefused(_REFUSALS[ChangeRefusal.NOT_FOUND])
        currency = self._currency(code or wallet.currency)
        asked = Deposit(
            asked_by=OPERATORS,
            wallet_id=wallet.id,
            currency=currency.code,
            amount=_amount(currency, written),
            key=key,
        )
        outcome = await self._administration.deposit(asked, by=OPERATOR, reason=why)
        match outcome:
            case Posted():
                again = " already" if outcome.replayed else ""
                amount = currency.format(outcome.transaction.amount)
                return [f"{outcome.transaction.id}  {amount} {currency.code} deposited{again}"]
            case Declined():
                raise AdminRefused(f"Nothing is deposited: {outcome.reason}.")

    async def limits(self, user_id: UUID, code: str, wanted: Mapping[LimitKind, Maximums], *, reason: str) -> list[str]:
        """Say how much somebody may move out."""
        currency, why = self._currency(code), _reason(reason)
        caps = {
            kind: ChosenCaps(
                daily=None if said.daily is None else _amount(currency, said.daily, zero_allowed=True),
                monthly=None if said.monthly is None else _amount(currency, said.monthly, zero_allowed=True),
            )
            for kind, said in wanted.items()
        }
        refused = await self._administration.grant(UserId(user_id), currency.code, caps, by=OPERATOR, reason=why)
        if refused is ChangeRefusal.NOT_FOUND:
            raise AdminRefused(_REFUSALS[refused])
        user = await self._found(user_id)
        limits = await self._container.allowances().of(user.id, currency.code, time_zone=user.time_zone)
        return [
            f"{limit.kind:<10}  {currency.format(limit.granted.daily)} a day  "
            f"{currency.format(limit.granted.monthly)} a month  {currency.code}"
            for limit in limits
        ]

    async def sessions(self, user_id: UUID) -> list[str]:
        """Where somebody is logged in."""
        user = await self._found(user_id)
        return [
            f"{each.id}  last seen {written_timestamp(each.last_seen_at)}  {each.address or '-'}  {each.device}"
            for each in await self._container.sessions().of(user.id)
        ]

    async def end_sessions(self, user_id: UUID, session_id: UUID | None, reason: str) -> list[str]:
        """Log somebody out."""
        ended = await self._administration.end_sessions(
            UserId(user_id),
            by=OPERATOR,
            reason=_reason(reason),
            session_id=None if session_id is None else SessionId(session_id),
        )
        if ended is ChangeRefusal.UNCHANGED:
            return ["0 sessions ended"]
        return [f"{_done(ended)} sessions ended"]

    async def audit(self, query: AuditQuery) -> AsyncIterator[AuditEntry]:
        """The changes that fit, the last one first, at most `limit` of them."""
        left = query.limit
        while left > 0:
            page = await self._container.audit_trail().page(replace(query, limit=min(left, AUDIT_READ)))
            for entry in page.entries:
                yield entry
            left -= len(page.entries)
            if page.next_before is None:
                return
            query = replace(query, before_place=page.next_before)

    async def seal(self) -> list[str]:
        """Seal what of the audit is not sealed yet."""
        sealing = self._container.audit_sealing()
        number, head = await sealing.seal(), await sealing.head()
        last = "there is none" if head is None else f"the last is {head.seq}, {head.hash.hex()}"
        return [f"{number} entries sealed; of all seals {last}"]

    async def _found(self, user_id: UUID) -> User:
        user = await self._container.people().find(UserId(user_id))
        if user is None:
            raise AdminRefused(_REFUSALS[ChangeRefusal.NOT_FOUND])
        return user

    def _currency(self, code: str) -> Currency:
        currency = self._settings.currencies.get(code)
        if currency is None:
            raise AdminRefused(f"{code} is not dealt in here.")
        return currency

    def _wallet_lines(self, wallet: Wallet) -> list[str]:
        known = self._settings.currencies
        balances = [
            f"    {known[account.currency].format(account.balance)} {account.currency}  {account.status}"
            for account in wallet.accounts
            if account.currency in known
        ]
        return [f"  {wallet.id}  {wallet.status:<6}  {wallet.name}", *balances]


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """A desk over open connections. Raises Unavailable when the database is away."""
    async with opened(settings) as container:
        yield Desk(container)


def audit_line(entry: AuditEntry) -> str:
    """A change, for people to read."""
    actor = entry.actor.kind if entry.actor.id is None else f"{entry.actor.kind} {entry.actor.id}"
    after = "" if entry.after is None else f"  {json.dumps(dict(entry.after), sort_keys=True)}"
    target = f"{entry.target_kind} {entry.target_id}"
    return f"{written_timestamp(entry.at)}  {actor}  {entry.action}  {target}  {entry.reason!r}{after}"


def _person_line(user: User) -> str:
    address = user.email or user.phone or ""
    return f"{user.id}  {user.status:<11}  {user.role:<5}  {user.name}  {address}".rstrip()


def _done(changed: T | ChangeRefusal) -> T:
    if isinstance(changed, ChangeRefusal):
        raise AdminRefused(_REFUSALS[changed])
    return changed


def _reason(written: str) -> str:
    try:
        return Reason(max=REASON_LENGTH_MAX).read(written)
    except ValidationError as error:
        raise AdminRefused("A reason: " + " ".join(map(str, error.messages))) from None


def _amount(currency: Currency, written: str, *, zero_allowed: bool = False) -> int:
    try:
        return currency.parse(written, zero_allowed=zero_allowed)
    except InvalidAmountError as error:
        raise AdminRefused(str(error)) from None
