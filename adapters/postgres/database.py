"""Connections: a pool with a time-out on every wait, and the driver's errors in the core's words."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
from asyncpg.transaction import Transaction

from adapters.postgres.durability import require_durability
from adapters.postgres.queries import Connection
from wallet_core.faults import OutcomeUnknown, Unavailable

ACQUIRE_SECONDS: Final = 3.0
CONNECT_SECONDS: Final = 3.0
RELEASE_SECONDS: Final = 3.0
COMMAND_SECONDS: Final = 6.0
"""Longer than the server's own limit below, which ends a statement in an orderly way; this one gives up on the link."""

_SERVER_SETTINGS: Final = {
    "application_name": "wallet",
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",  # compiling costs more than any of our short statements
    # One plan for each statement, the one that tests hold: arguments that look rare make a plan that reads all of them.
    "plan_cache_mode": "force_generic_plan",
}

_LINK_ERRORS: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver's word for a server that says goodbye unasked
    OSError,
    TimeoutError,
)
RACES_LOST: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""What a statement fails with when others held what it needed; the same statement may succeed at once."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def opened_pool(dsn: str, *, size: int) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """An open pool of at most `size` connections. Raises Unavailable when the database does not let us in."""
    pool = asyncpg.create_pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings=_SERVER_SETTINGS,
        max_inactive_connection_lifetime=300,
        reset=_leave_as_it_is,
    )
    try:
        with faults():
            await pool
    except asyncpg.PostgresError as error:
        raise Unavailable(f"The database refuses the connection: {error}") from error
    async with pool:
        yield pool


async def _leave_as_it_is(connection: Connection) -> None:
    """Give a connection back without a word to the server, which would cost every borrower a round trip.

    Nothing of ours outlives its transaction (settings are set locally, nobody listens, no advisory lock is taken on a
    pool's connection), and an open transaction the driver rolls back before it asks.
    """


@contextmanager
def faults() -> Iterator[None]:
    """Say Unavailable where the database cannot be reached or is too busy to answer."""
    try:
        yield
    except (*_LINK_ERRORS, *RACES_LOST) as error:
        raise Unavailable("The database does not answer.") from error


@asynccontextmanager
async def borrowed(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Connection]:
    """A connection of the pool for the length of the block. Raises what asyncpg raises.

    A connection that breaks as it is given back fails nobody: what was read or committed over it is known by then.
    """
    connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
    try:
        yield connection
    except (TimeoutError, asyncio.CancelledError):
        # It was left in the middle of something: to wait for the end of that may take for ever.
        connection.terminate()
        raise
    finally:
        try:
            await pool.release(connection, timeout=RELEASE_SECONDS)
        except _LINK_ERRORS as error:
            # The pool has dropped it already.
            _log.info("A connection broke as it was given back: %s: %s", type(error).__name__, error)


def is_link_error(error: BaseException) -> bool:
    """Whether the connection, rather than the statement, failed: what was sent may have been carried out."""
    return isinstance(error, _LINK_ERRORS)


class NotBegun(asyncpg.InterfaceError):
    """The link was broken before the transaction began: nothing was asked, and another connection may be asked it."""


@asynccontextmanager
async def in_transaction(connection: Connection) -> AsyncIterator[Transaction]:
    """A transaction that is open when the block begins, rolled back when it fails, and still open when it is done.

    Raises NotBegun where the connection turns out to have broken since it was last used.
    """
    transaction = connection.transaction()
    try:
        await transaction.start()
    except asyncpg.PostgresConnectionError as error:
        raise NotBegun("The connection was broken.") from error
    try:
        yield transaction
    except BaseException as error:
        # Whoever did not answer in time will not roll back in time either; the server does it in the end.
        if not isinstance(error, TimeoutError) and not connection.is_closed():
            await transaction.rollback()
        raise


async def commit(transaction: Transaction) -> Exception | None:
    """Commit; gives the error back when the link broke, because then the commit may have happened all the same."""
    try:
        await transaction.commit()
    except Exception as error:
        if is_link_error(error):
            return error
        raise
    return None


class Database:
    """Connections for repositories: each wait bounded, each failure to connect said as Unavailable."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool. Raises Unavailable."""
        with faults():
            async with borrowed(self._pool) as connection:
                yield connection

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Connection]:
        """A connection for one statement that changes something and commits itself.

        Raises Unavailable where nothing was changed, OutcomeUnknown where the answer was lost on its way.
        """
        async with self.connection() as connection:
            try:
                yield connection
            except asyncpg.QueryCanceledError:
                raise  # by its time-out, and it changed nothing
            except Exception as error:
                if is_link_error(error):
                    raise OutcomeUnknown("The answer to a change was lost.") from error
                raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, committed at the end of the block.

        Raises Unavailable where nothing was changed, OutcomeUnknown where the answer to the commit was lost.
        """
        async with self.connection() as connection:
            async with in_transaction(connection) as transaction:
                yield connection
            lost = await commit(transaction)
            if lost is not None:
                raise OutcomeUnknown("The answer to the commit was lost.") from lost

    async def require_durability(self) -> None:
        """As `durability.require_durability`. Raises Unavailable too."""
        async with self.connection() as connection:
            await require_durability(connection)
