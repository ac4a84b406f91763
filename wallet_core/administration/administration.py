"""What admins and operators do about other people's accounts, and people to end their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from wallet_core.administration.audit import Act, Actor
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.administration.ports import AdministrationRepository
from wallet_core.identity.entities import User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.ids import AuditId, IdGenerator, SessionId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import system_wallet_id
from wallet_core.ledger.caching import AccountCache
from wallet_core.ledger.commands import Adjustment, LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.ledger.outcomes import Outcome
from wallet_core.wallets.entities import Wallet, WalletStatus
from wallet_core.wallets.ports import GrantedCaps

OPERATORS: Final = UserId(system_wallet_id("operator"))
"""Whose movements those are that operators make by the command line: nobody's who could log in."""


class SessionsAnnounced(Protocol):
    """Lets every process look at once for sessions that somebody else has changed."""

    async def announce(self) -> None:
        """Say that some have."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Money to credit to somebody's wallet. `amount` is in minor units, `key` the idempotency key of whoever asks.

    `asked_by` is whose keys it is one of, and whose decision it is.
    """

    asked_by: UserId
    wallet_id: WalletId
    currency: str
    amount: int
    key: str | None = None


class Administration:
    """Changes of state, each with its reason. A reason that is none is a ValueError."""

    def __init__(
        self,
        repository: AdministrationRepository,
        cache: AccountCache,
        sessions: SessionsAnnounced,
        *,
        granted: Mapping[str, GrantedCaps],
        ids: IdGenerator,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._sessions = sessions
        self._granted = granted
        self._ids = ids

    async def freeze(self, wallet_id: WalletId, *, by: Actor, reason: str) -> Wallet | ChangeRefusal:
        """Let no money move in or out of a wallet."""
        return await self._repository.set_wallet_status(wallet_id, WalletStatus.FROZEN, self._act(by, reason))

    async def unfreeze(self, wallet_id: WalletId, *, by: Actor, reason: str) -> Wallet | ChangeRefusal:
        """Let money move again."""
        return await self._repository.set_wallet_status(wallet_id, WalletStatus.ACTIVE, self._act(by, reason))

    async def deactivate(self, user_id: UserId, *, by: Actor, reason: str) -> User | ChangeRefusal:
        """Let a person neither log in nor move money. Their sessions end, everywhere within a second."""
        changed = await self._repository.set_person_status(user_id, UserStatus.DEACTIVATED, self._act(by, reason))
        if isinstance(changed, User):
            await self._sessions.announce()
        return changed

    async def activate(self, user_id: UserId, *, by: Actor, reason: str) -> User | ChangeRefusal:
        """Let a person act again. Wallets of theirs that are frozen stay so."""
        return await self._repository.set_person_status(user_id, UserStatus.ACTIVE, self._act(by, reason))

    async def add_admin(self, user: User, password_hash: str, *, by: Actor, reason: str) -> Taken | None:
        """Keep somebody new who administers, or say which of their addresses is taken."""
        return await self._repository.add_admin(user, password_hash, self._act(by, reason))

    async def grant(
        self, user_id: UserId, currency: str, wanted: Mapping[LimitKind, ChosenCaps], *, by: Actor, reason: str
    ) -> ChangeRefusal | None:
        """Grant a person other limits in an enabled currency, at once. What they chose for themselves stays."""
        return await self._repository.set_limits(
            user_id, currency, wanted, self._act(by, reason), granted=self._granted[currency]
        )

    async def deposit(self, asked: Deposit, *, by: Actor, reason: str) -> Outcome:
        """Credit a wallet for a reason. The same key for the same deposit gives its first outcome again."""
        command = Adjustment(
            id=TransactionId(self._ids()),
            user_id=asked.asked_by,
            key=asked.key,
            wallet_id=asked.wallet_id,
            currency=asked.currency,
            amount=asked.amount,
            request_id=by.request_id,
            because=reason,
        )
        outcome = await self._repository.deposit(command, self._act(by, reason))
        changed = [account for account in outcome.accounts if account.user_id]
        if changed:
            await self._cache.put(changed)
        return outcome

    async def end_sessions(
        self, user_id: UserId, *, by: Actor, reason: str, session_id: SessionId | None = None
    ) -> int | ChangeRefusal:
        """End all sessions of a person, or that one; how many there were."""
        ended = await self._repository.end_sessions(user_id, self._act(by, reason), session_id=session_id)
        if isinstance(ended, int):
            await self._sessions.announce()
        return ended

    async def end_session(self, session_id: SessionId, *, by: Actor, reason: str) -> int | ChangeRefusal:
        """End a session, whosever it is; how many there were that had not ended."""
        user_id = await self._repository.whose_session(session_id)
        if user_id is None:
            return ChangeRefusal.NOT_FOUND
        return await self.end_sessions(user_id, by=by, reason=reason, session_id=session_id)

    def _act(self, by: Actor, reason: str) -> Act:
        return Act(id=AuditId(self._ids()), actor=by, reason=reason)
