"""Changes of state in PostgreSQL: a person, then their wallets, then their accounts, as everybody locks them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import asyncpg

from adapters.postgres.audit import add_entry
from adapters.postgres.database import Database
from adapters.postgres.events import append_events
from adapters.postgres.ledger import ATTEMPTS_MAX, PostgresLedger
from adapters.postgres.limits import open_limits
from adapters.postgres.queries import Connection, load_queries
from adapters.postgres.rows import account_of
from adapters.postgres.users import add_user, taken_of, user_of
from adapters.postgres.wallets import wallets_of
from wallet_core.administration.audit import Act
from wallet_core.administration.changes import (
    Change,
    ChangeRefusal,
    admin_entry,
    deposit_entry,
    granted_anew,
    limits_change,
    person_change,
    sessions_entry,
    wallet_change,
)
from wallet_core.administration.ports import PeoplePage, PeopleQuery
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Adjustment, LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Outcome, Posted
from wallet_core.wallets.entities import Wallet, WalletStatus
from wallet_core.wallets.ports import GrantedCaps

_KEY_INDEX: Final = "transactions_user_key"
"""Violated by whoever makes another deposit under the same key at the same moment."""


class PostgresAdministration:
    """An AdministrationRepository over the tables of people, wallets, sessions and the ledger."""

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger
        self._queries = load_queries("administration")
        self._wallet_queries = load_queries("wallets")
        self._limit_queries = load_queries("limits")

    async def set_wallet_status(self, wallet_id: WalletId, status: WalletStatus, act: Act) -> Wallet | ChangeRefusal:
        """As AdministrationRepository.set_wallet_status."""
        async with self._database.transaction() as connection:
            owner = await self._queries["find_owner"].fetch_value(connection, wallet_id=wallet_id)
            if owner is None:
                return ChangeRefusal.NOT_FOUND
            await self._lock_person(connection, owner)
            await self._lock_accounts(connection, owner, wallet_id)
            wallet = await self._wallet(connection, owner, wallet_id)
            change = wallet_change(wallet, status, act, await self._now(connection))
            if isinstance(change, ChangeRefusal):
                return change
            await self._queries["set_wallet_status"].execute(connection, wallet_id=wallet_id, status=status)
            await self._queries["restate_accounts"].execute(connection, user_id=owner, wallet_id=wallet_id)
            await _keep(connection, change)
            return await self._wallet(connection, owner, wallet_id)

    async def set_person_status(self, user_id: UserId, status: UserStatus, act: Act) -> User | ChangeRefusal:
        """As AdministrationRepository.set_person_status."""
        async with self._database.transaction() as connection:
            role = await self._queries["find_role"].fetch_value(connection, user_id=user_id)
            # Before the person, who may be one of them: all of them are locked in one order.
            admins = await self._queries["lock_admins"].fetch(connection) if role == Role.ADMIN else []
            user = await self._lock_person(connection, user_id)
            if user is None:
                return ChangeRefusal.NOT_FOUND
            accounts = await self._lock_accounts(connection, user_id, None)
            change = person_change(user, accounts, status, act, await self._now(connection), active_admins=len(admins))
            if isinstance(change, ChangeRefusal):
                return change
            row = await self._queries["set_person_status"].fetch_row(connection, user_id=user_id, status=status)
            await self._queries["restate_accounts"].execute(connection, user_id=user_id, wallet_id=None)
            await _keep(connection, change)
        changed = user_of(row)
        return ChangeRefusal.NOT_FOUND if changed is None else changed

    async def add_admin(self, user: User, password_hash: str, act: Act) -> Taken | None:
        """As AdministrationRepository.add_admin."""
        try:
            async with self._database.transaction() as connection:
                await add_user(connection, user, password_hash)
                await add_entry(connection, admin_entry(user, act))
        except asyncpg.UniqueViolationError as error:
            return taken_of(error)
        return None

    async def set_limits(
        self,
        user_id: UserId,
        currency: str,
        wanted: Mapping[LimitKind, ChosenCaps],
        act: Act,
        *,
        granted: GrantedCaps,
    ) -> ChangeRefusal | None:
        """As AdministrationRepository.set_limits."""
        async with self._database.transaction() as connection:
            if await self._lock_person(connection, user_id) is None:
                return ChangeRefusal.NOT_FOUND
            await open_limits(connection, self._limit_queries["add_limits"], user_id, currency, granted)
            rows = await self._limit_queries["lock_limits_of"].fetch(
                connection, user_id=user_id, currency=currency, kinds=list(LimitKind)
            )
            before = {LimitKind(row["kind"]): Caps(daily=row["daily_max"], monthly=row["monthly_max"]) for row in rows}
            after = granted_anew(before, wanted)
            change = limits_change(user_id, currency, before, after, act, await self._now(connection))
            if isinstance(change, ChangeRefusal):
                return change
            for kind, caps in after.items():
                await self._queries["grant"].execute(
                    connection,
                    user_id=user_id,
                    currency=currency,
                    kind=kind,
                    daily_max=caps.daily,
                    monthly_max=caps.monthly,
                )
            await _keep(connection, change)
        return None

    async def deposit(self, command: Adjustment, act: Act) -> Outcome:
        """As AdministrationRepository.deposit."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._database.transaction() as connection:
                    (outcome,) = await self._ledger.post_within(connection, [command])
                    if isinstance(outcome, Posted) and not outcome.replayed:
                        await add_entry(connection, deposit_entry(outcome, act))
                return outcome
            except asyncpg.UniqueViolationError as error:
                if error.constraint_name != _KEY_INDEX or attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("The last attempt returns or raises.")

    async def end_sessions(
        self, user_id: UserId, act: Act, *, session_id: SessionId | None = None
    ) -> int | ChangeRefusal:
        """As AdministrationRepository.end_sessions."""
        async with self._database.transaction() as connection:
            if await self._lock_person(connection, user_id) is None:
                return ChangeRefusal.NOT_FOUND
            if session_id is not None and not await self._queries["has_session"].fetch_value(
                connection, user_id=user_id, session_id=session_id
            ):
                return ChangeRefusal.NOT_FOUND
            rows = await self._queries["end_sessions"].fetch(
                connection, user_id=user_id, session_id=session_id, because=SessionEnd.ENDED_BY_ADMIN
            )
            if not rows:
                return ChangeRefusal.UNCHANGED
            ended = [SessionId(row["id"]) for row in rows]
            await add_entry(connection, sessions_entry(user_id, ended, act, await self._now(connection)))
        return len(ended)

    async def whose_session(self, session_id: SessionId) -> UserId | None:
        """As AdministrationRepository.whose_session."""
        async with self._database.connection() as connection:
            user_id: UserId | None = await self._queries["whose_session"].fetch_value(connection, id=session_id)
            return user_id

    async def _lock_person(self, connection: Connection, user_id: UserId) -> User | None:
        return user_of(await self._queries["lock_person"].fetch_row(connection, user_id=user_id))

    async def _lock_accounts(
        self, connection: Connection, user_id: UserId, wallet_id: WalletId | None
    ) -> list[Account]:
        """Those of all wallets of a person, or of one, after these are locked themselves."""
        await self._queries["lock_wallets"].fetch(connection, user_id=user_id, wallet_id=wallet_id)
        rows = await self._queries["lock_accounts_of"].fetch(connection, user_id=user_id, wallet_id=wallet_id)
        return [account_of(row) for row in rows]

    async def _wallet(self, connection: Connection, user_id: UserId, wallet_id: WalletId) -> Wallet:
        rows = await self._wallet_queries["find_wallets"].fetch(connection, user_id=user_id, wallet_id=wallet_id)
        (wallet,) = wallets_of(rows)
        return wallet

    async def _now(self, connection: Connection) -> datetime:
        now: datetime = await self._queries["now_locked"].fetch_value(connection)
        return now


class PostgresPeopleDirectory:
    """A PeopleDirectory over the tables `users` and `wallets`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("administration")
        self._wallet_queries = load_queries("wallets")

    async def page(self, query: PeopleQuery) -> PeoplePage:
        """As PeopleDirectory.page."""
        async with self._database.connection() as connection:
            rows = await self._queries["find_people"].fetch(
                connection,
                text=query.text,
                role=query.role,
                status=query.status,
                before=query.before,
                read_max=query.read_max,
                line_limit=query.limit + 1,
            )
        people: list[User] = []
        for row in rows:
            user = user_of(row)
            if user is not None and row["is_wanted"] and len(people) == query.limit:
                return PeoplePage(people=tuple(people), next_before=people[-1].id)
            if user is not None and row["is_wanted"]:
                people.append(user)
            if row["is_last_read"]:
                return PeoplePage(people=tuple(people), next_before=UserId(row["id"]))
        return PeoplePage(people=tuple(people), next_before=None)

    async def wallet(self, wallet_id: WalletId) -> Wallet | None:
        """As PeopleDirectory.wallet."""
        async with self._database.connection() as connection:
            owner = await self._queries["find_owner"].fetch_value(connection, wallet_id=wallet_id)
            if owner is None:
                return None
            rows = await self._wallet_queries["find_wallets"].fetch(connection, user_id=owner, wallet_id=wallet_id)
            return next(iter(wallets_of(rows)), None)


async def _keep(connection: Connection, change: Change) -> None:
    await add_entry(connection, change.entry)
    if change.event is not None:
        await append_events(connection, [change.event])
