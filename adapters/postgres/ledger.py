"""The ledger over PostgreSQL: lock, decide, record, commit; one transaction for a whole batch."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from adapters.postgres.database import (
    ACQUIRE_SECONDS,
    RACES_LOST,
    NotBegun,
    borrowed,
    commit,
    faults,
    in_transaction,
    is_link_error,
)
from adapters.postgres.ledger_record import recorded_rows
from adapters.postgres.queries import Connection, load_queries
from adapters.postgres.rows import account_of, limit_of, transaction_of
from wallet_core.clock import Clock
from wallet_core.faults import OutcomeUnknown, Unavailable
from wallet_core.ids import IdGenerator, UserId, WalletId
from wallet_core.ledger.accounts import ADJUSTMENTS, PAYOUT, AccountKey, gateway_wallet, system_wallet_id
from wallet_core.ledger.commands import Command
from wallet_core.ledger.decide import decide_batch
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.state import LockedState

ATTEMPTS_MAX: Final = 5
"""How often a batch is tried that lost a race (in a deadlock or for an idempotency key) or met a broken connection."""

_KEY_INDEX: Final = "transactions_user_key"
"""Violated by whoever settles the same idempotency key from other accounts at the same moment."""


class PostgresLedger:
    """A Ledger whose books are tables.

    The business date comes from the database's clock, read after the locks are held; a `clock` is handed in only where
    a test sets the date.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, clock: Clock | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._queries = load_queries("ledger")

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post."""
        if not commands:
            return []
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._post_once(commands)
            except NotBegun as error:
                if attempt == ATTEMPTS_MAX:
                    raise Unavailable("The database does not answer.") from error
            except asyncpg.PostgresError as error:
                if not _is_lost_race(error):
                    raise
                # A lock that was waited for in vain is not waited for again: the whole batch stands behind it.
                if attempt == ATTEMPTS_MAX or isinstance(error, asyncpg.LockNotAvailableError):
                    raise Unavailable("The accounts are too busy.") from error
        raise AssertionError("The last attempt returns or raises.")

    async def post_within(self, connection: Connection, commands: Sequence[Command]) -> list[Outcome]:
        """Decide and record in a transaction that the caller holds, who commits it or rolls it back.

        Raises what asyncpg raises; a lost race has broken the caller's transaction and is the caller's to repeat.
        """
        state, now = await self._lock(connection, commands)
        outcomes = decide_batch(commands, state, now)
        rows = recorded_rows(outcomes, now)
        if rows is not None:
            await self._queries["record"].execute(connection, **rows)
        return outcomes

    async def open_system_accounts(
        self, *, gateways: Iterable[str], currencies: Iterable[str], ids: IdGenerator
    ) -> None:
        """Open the accounts that money comes from and goes to, where they are not open yet. Raises Unavailable."""
        names = [PAYOUT, ADJUSTMENTS, *map(gateway_wallet, gateways)]
        asked = [(name, currency) for name in names for currency in currencies]
        with faults():
            async with borrowed(self._pool) as connection:
                await self._queries["open_system_accounts"].execute(
                    connection,
                    account_ids=[ids() for _ in asked],
                    wallet_ids=[system_wallet_id(name) for name, _ in asked],
                    names=[name for name, _ in asked],
                    currencies=[currency for _, currency in asked],
                    created_at=datetime.now(UTC),
                )

    async def _post_once(self, commands: Sequence[Command]) -> list[Outcome]:
        try:
            async with borrowed(self._pool) as connection:
                async with in_transaction(connection) as transaction:
                    outcomes = await self.post_within(connection, commands)
                lost = await commit(transaction)
        except NotBegun:
            raise
        except Exception as error:
            if is_link_error(error):
                raise Unavailable("The database does not answer.") from error
            raise
        return outcomes if lost is None else await self._find_out(outcomes, lost)

    async def _lock(self, connection: Connection, commands: Sequence[Command]) -> tuple[LockedState, datetime]:
        asked = list({key: None for command in commands for key in (command.own, command.other) if key is not None})
        limited = list({(c.user_id, c.limit_kind, c.currency): None for c in commands if c.limit_kind is not None})
        keyed = [command for command in commands if command.key is not None]
        [row] = await self._queries["lock_batch"].fetch(
            connection,
            wallet_ids=[key[0] for key in asked],
            currencies=[key[1] for key in asked],
            limit_user_ids=[key[0] for key in limited],
            limit_kinds=[key[1] for key in limited],
            limit_currencies=[key[2] for key in limited],
            key_user_ids=[command.user_id for command in keyed],
            keys=[command.key for command in keyed],
        )
        accounts = [account_of(each) for each in row["accounts"]]
        zones = {each["user_id"]: each["time_zone"] for each in row["accounts"]}
        state = LockedState(
            accounts=accounts,
            # Whose own account is not there moves nothing, and needs no limit.
            limits=[limit_of(each, zones[each["user_id"]]) for each in row["limits"] if each["user_id"] in zones],
            settled=[transaction_of(each) for each in row["settled"]],
            owners=await self._owners(connection, set(asked) - {account.key for account in accounts}),
        )
        return state, row["now_locked"] if self._clock is None else self._clock()

    async def _owners(self, connection: Connection, missing: set[AccountKey]) -> dict[WalletId, UserId]:
        if not missing:
            return {}
        rows = await self._queries["read_owners"].fetch(connection, wallet_ids=[key[0] for key in missing])
        return {row["id"]: row["user_id"] for row in rows}

    async def _find_out(self, outcomes: list[Outcome], lost: Exception) -> list[Outcome]:
        """What became of a commit whose answer was lost: look for its transactions on a fresh connection.

        Finding them proves it. Not finding them proves nothing while the server may still be at it.
        """
        ids = [o.transaction.id for o in outcomes if o.transaction is not None and not o.replayed]
        if not ids:
            return outcomes
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS), borrowed(self._pool) as connection:
                found = await self._queries["find_recorded"].fetch(connection, ids=ids)
        except Exception as error:
            raise OutcomeUnknown("The answer to the commit was lost.") from error
        if not found:
            raise OutcomeUnknown("The answer to the commit was lost.") from lost
        return outcomes


def _is_lost_race(error: asyncpg.PostgresError) -> bool:
    """Whether the same batch may succeed when it is tried again. An id given twice, say, never does."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return error.constraint_name == _KEY_INDEX
    return isinstance(error, RACES_LOST)
