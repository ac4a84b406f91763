"""What throttling counts in PostgreSQL: by its clock, in one statement each, so that no two callers count as one."""

from collections.abc import Sequence
from typing import Final

from adapters.postgres.database import Database
from adapters.postgres.queries import Query, load_queries
from wallet_core.identity.throttling import DOUBLINGS_MAX, Backoff, Rate

STALE_SECONDS: Final = 86_400
CALLS_BETWEEN_SWEEPS: Final = 200
SWEPT_MAX: Final = 1_000
"""More than are added between two sweeps, so that rows do not pile up however many addresses are tried."""


class _Sweeping:
    """Every so many calls, drops what has grown stale: it does not pile up where no worker runs."""

    def __init__(self, query: Query, *, stale_seconds: int) -> None:
        self._query = query
        self._stale_seconds = stale_seconds
        self._calls = 0

    async def after_a_call(self, database: Database) -> None:
        self._calls += 1
        if self._calls % CALLS_BETWEEN_SWEEPS == 0:
            await self.sweep(database)

    async def sweep(self, database: Database) -> None:
        async with database.change() as connection:
            await self._query.execute(connection, older_than_seconds=self._stale_seconds, row_limit=SWEPT_MAX)


class PostgresFailureCounters:
    """FailureCounters over the table `failed_attempts`."""

    def __init__(self, database: Database, backoff: Backoff) -> None:
        self._database = database
        self._backoff = backoff
        self._queries = load_queries("throttling")
        stale_seconds = backoff.forgotten_seconds + backoff.seconds_max
        self._sweeping = _Sweeping(self._queries["drop_stale_attempts"], stale_seconds=stale_seconds)

    async def take(self, key: bytes) -> int | None:
        """As FailureCounters.take."""
        async with self._database.change() as connection:
            taken = await self._queries["take_attempt"].fetch_row(
                connection,
                key=key,
                free=self._backoff.free,
                seconds_max=self._backoff.seconds_max,
                doublings_max=DOUBLINGS_MAX,
                forgotten_seconds=self._backoff.forgotten_seconds,
            )
            wait: int | None = None
            if taken is None:
                # Forgotten in between, it may be tried again at once: that is soon enough to be asked again.
                wait = await self._queries["attempt_wait"].fetch_value(connection, key=key) or 1
        await self._sweeping.after_a_call(self._database)
        return wait

    async def forget(self, keys: Sequence[bytes]) -> None:
        """As FailureCounters.forget."""
        async with self._database.change() as connection:
            await self._queries["forget_attempts"].execute(connection, keys=list(keys))

    async def drop_stale(self) -> None:
        """Forget what means nothing any more, where few calls come by that do it. Raises Unavailable."""
        await self._sweeping.sweep(self._database)


class PostgresMessageCounters:
    """MessageCounters over the table `sent_messages`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("throttling")
        self._sweeping = _Sweeping(self._queries["drop_stale_messages"], stale_seconds=STALE_SECONDS)

    async def take(self, key: bytes, rate: Rate) -> int | None:
        """As MessageCounters.take."""
        async with self._database.change() as connection:
            taken = await self._queries["take_message"].fetch_row(
                connection, key=key, most=rate.most, seconds=rate.seconds
            )
            wait: int | None = None
            if taken is None:
                found = self._queries["message_wait"].fetch_value(
                    connection, key=key, most=rate.most, seconds=rate.seconds
                )
                wait = await found or 1
        await self._sweeping.after_a_call(self._database)
        return wait

    async def drop_stale(self) -> None:
        """As PostgresFailureCounters.drop_stale."""
        await self._sweeping.sweep(self._database)
