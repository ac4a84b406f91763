"""No query reads what grows from end to end, however it is planned, and the books go by the indexes made for them.

A new query is asked about by itself. One of the books needs a line in INDEXES, one that reads a whole table needs a
line in READ_WHOLE that says why it may, and a new table needs rows in full_books.py.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.queries import Query
from adapters.postgres.statements import PostgresStatementRepository
from tests.adapters.busy_book import Connection
from tests.adapters.full_books import BUSY, BUSY_LINES, PEOPLE, QUIET, fill, movement_at
from tests.adapters.plans import MODES, Plan, plan_of, statements_of, tables_of_indexes
from tests.adapters.test_queries import QUERIES
from tests.services.databases import Databases, run
from wallet_core.ids import TransactionId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.ledger.statements import Direction, Position, StatementQuery

DO_NOT_GROW: Final = {"schema_migrations", "scheduled_work"}
HAVE_NO_PLAN: Final = {"incremental_verification.lock_marks"}  # it locks a table

READ_WHOLE: Final[Mapping[str, set[str]]] = {
    # One pass over the accounts and how far each was verified; never over the entries.
    "incremental_verification.accounts": {"accounts", "verified_accounts"},
    "incremental_verification.transactions": {"accounts", "verified_accounts"},
    "incremental_verification.remember": {"accounts", "verified_accounts"},
    # By those who administer: from the newest on, until a page is full or so many were read as may be.
    "administration.find_people": {"users"},
    "audit.page": {"audit"},
    # The last of them, by their number.
    "audit.last_seal": {"audit_seals"},
    # When an admin goes, for none may be the last.
    "administration.lock_admins": {"users"},
    # By the worker each minute, and by the verification each night.
    "audit.unsealed": {"audit", "audit_seals"},
    "audit.chain": {"audit", "audit_seals"},
    # When keys change, by hand.
    "second_factors.count_without": {"second_factors"},
    "second_factors.page_without": {"second_factors"},
    # By the worker and by who watches it: indexes that hold nothing but what is not relayed, due or parked.
    "events.take_events": {"events"},
    "events.read_backlog": {"events", "deliveries"},
    "deliveries.find_parked": {"deliveries"},
}
"""The full verification apart, which reads everything each night: that is what it is for."""

BOOKS: Final = ("incremental_verification", "ledger", "limits", "live", "statements", "wallets")
INDEXES: Final[Mapping[str, set[str]]] = {
    "incremental_verification.accounts": {"entries_pkey"},
    "incremental_verification.remember": set(),
    "incremental_verification.transactions": {"entries_pkey", "transactions_pkey"},
    "ledger.find_recorded": {"transactions_pkey"},
    "ledger.lock_batch": set(),  # the function's statements stand below
    "ledger.open_system_accounts": set(),
    "ledger.read_owners": {"wallets_pkey"},
    "ledger.record": {"accounts_pkey", "transfer_limits_pkey"},
    "limits.add_limits": set(),
    "limits.choose": {"transfer_limits_pkey"},
    "limits.find_limits": {"transfer_limits_pkey", "users_pkey"},
    "limits.lock_limits_of": {"transfer_limits_pkey"},
    "live.lines": {"entries_pkey", "transactions_pkey"},
    "live.notifications": {"notifications_pkey"},
    "live.standings": {"accounts_wallet_id_currency_key", "notifications_inbox", "wallets_user_name_key"},
    "statements.line": {"transactions_pkey", "wallets_user_name_key"},
    "statements.page": {"transactions_source_history", "transactions_destination_history"},
    "wallets.add_account": {"users_pkey", "wallets_pkey"},
    "wallets.add_wallet": set(),
    "wallets.clear_default": {"wallets_user_default_key"},
    "wallets.count_wallets": {"wallets_user_name_key"},
    "wallets.find_account": {"accounts_wallet_id_currency_key", "wallets_user_name_key"},
    "wallets.find_recipient": {"users_email_key", "users_phone_key", "wallets_user_default_key"},
    "wallets.find_wallets": {"accounts_wallet_id_currency_key", "wallets_user_name_key"},
    "wallets.is_settled": {"transactions_user_key"},
    "wallets.lock_owner": {"users_pkey"},
    "wallets.rename": {"wallets_pkey"},
    "wallets.set_default": {"wallets_pkey"},
}

INDEXES_OF_LOCKING: Final[Mapping[str, set[str]]] = {
    "accounts": {"accounts_wallet_id_currency_key", "users_pkey"},
    "limits": {"transfer_limits_pkey"},
    "settled": {"transactions_user_key"},
}

# A batch, as far as an argument is a list: of so many the planner makes the plan that it makes for few.
_BATCH: Final = 20
_SAMPLES: Final[Mapping[str, object]] = {
    "bool": True,
    "bytea": b"a hash",
    "date": date(2026, 1, 1),
    "float8": 1.0,
    "interval": timedelta(minutes=1),
    "int4": 50,
    "int8": 50,
    "jsonb": "{}",
    "text": "USD",
    "timestamptz": movement_at(BUSY_LINES),
    "uuid": UUID(int=5),
    "moved_account": (None,) * 6,
    "counted_limit": (None,) * 7,
    "kept_transaction": (None,) * 22,
    "posted_entry": (None,) * 5,
}

PAGE: Final = 50
LAST_MOVEMENT: Final = 2 * BUSY_LINES
PLACES: Final = {"the newest end": LAST_MOVEMENT + 1, "the middle": BUSY_LINES, "the oldest end": 4_000}
BOTH_WAYS: Final = {"transactions_source_history", "transactions_destination_history"}
DENSE: Final[Mapping[str, tuple[dict[str, Any], set[str]]]] = {
    "everything": ({}, BOTH_WAYS),
    "what went out": ({"direction": Direction.OUT}, {"transactions_source_history"}),
    "what came in": ({"direction": Direction.IN}, {"transactions_destination_history"}),
    "a period": ({"created_from": movement_at(1), "created_before": movement_at(LAST_MOVEMENT - 100)}, BOTH_WAYS),
    "several wallets": ({"wallet_ids": (BUSY, QUIET)}, BOTH_WAYS),
}
SPARSE: Final[Mapping[str, tuple[dict[str, Any], set[str]]]] = {
    "refused": ({"statuses": frozenset({TransactionStatus.FAILED})}, BOTH_WAYS),
    "pending": ({"statuses": frozenset({TransactionStatus.PENDING})}, BOTH_WAYS),
    "deposits": ({"kinds": frozenset({(TransactionKind.DEPOSIT, Direction.IN)})}, {"transactions_destination_history"}),
    "withdrawals": ({"kinds": frozenset({(TransactionKind.WITHDRAW, Direction.OUT)})}, {"transactions_source_history"}),
    "a currency": ({"currency": "EUR"}, BOTH_WAYS),
    "an amount": ({"amounts": {"USD": (2_000, 3_000)}}, BOTH_WAYS),
    "several at once": ({"currency": "EUR", "amounts": {"EUR": (1, 2)}, "created_from": movement_at(1)}, BOTH_WAYS),
}


@pytest.fixture(scope="module")
def full_books(databases: Databases) -> Iterator[str]:
    """A database with full tables: the DSN of its owner."""
    with databases.database() as database:
        run(_filled(database.owner_dsn))
        yield database.owner_dsn


@pytest.fixture
async def connection(full_books: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(full_books, timeout=10, command_timeout=60, server_settings={"jit": "off"})
    yield connection
    await connection.close()


async def test_every_table_that_grows_is_full_here(connection: Connection) -> None:
    rows = await connection.fetch(
        "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )

    assert {row["relname"] for row in rows if row["reltuples"] < PEOPLE} == DO_NOT_GROW


@pytest.mark.parametrize("mode", MODES)
async def test_no_query_reads_a_table_that_grows_from_end_to_end(connection: Connection, mode: str) -> None:
    tables = await tables_of_indexes(connection)

    read_whole = {
        name: set((await _plan(connection, query, mode)).read_whole(tables))
        for name, query in QUERIES
        if not name.startswith(("verification.", "audit_verification.")) and name not in HAVE_NO_PLAN
    }

    assert {name: found for name, found in read_whole.items() if not found <= READ_WHOLE.get(name, set())} == {}
    assert READ_WHOLE.keys() <= read_whole.keys()


@pytest.mark.parametrize("mode", MODES)
async def test_the_books_go_by_the_indexes_made_for_them(connection: Connection, mode: str) -> None:
    found = {
        name: set((await _plan(connection, query, mode)).indexes)
        for name, query in QUERIES
        if name.partition(".")[0] in BOOKS and name not in HAVE_NO_PLAN
    }

    assert found == INDEXES


@pytest.mark.parametrize("mode", MODES)
async def test_the_statements_that_lock_a_batch_go_by_indexes_alone(connection: Connection, mode: str) -> None:
    tables = await tables_of_indexes(connection)

    plans = {
        name: await _plan(connection, query, mode)
        for name, query in (await statements_of(connection, "lock_batch")).items()
    }

    assert {name: set(plan.indexes) for name, plan in plans.items()} == INDEXES_OF_LOCKING
    assert {name: set(plan.read_whole(tables)) for name, plan in plans.items()} == {name: set() for name in plans}


async def test_no_index_holds_what_a_movement_changes(connection: Connection) -> None:
    """So that the new version of a row finds room beside the old one, and no index hears of it."""
    indexed = await connection.fetch(
        """
        SELECT DISTINCT d.refobjid::regclass::text || '.' || a.attname AS name
          FROM pg_index x
          JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                          AND d.refobjid = x.indrelid AND d.refobjsubid > 0
                          AND (d.objid = x.indexrelid OR d.objid IN (
                               SELECT oid FROM pg_constraint WHERE conindid = x.indexrelid))
          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE x.indrelid IN ('accounts'::regclass, 'transfer_limits'::regclass)
         UNION
        SELECT x.indrelid::regclass::text || '.' || a.attname
          FROM pg_index x
          JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY(x.indkey)
         WHERE x.indrelid IN ('accounts'::regclass, 'transfer_limits'::regclass)
        """
    )

    assert {row["name"] for row in indexed} == {
        "accounts.id",
        "accounts.wallet_id",
        "accounts.currency",
        "transfer_limits.user_id",
        "transfer_limits.kind",
        "transfer_limits.currency",
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", DENSE)
async def test_a_page_reads_its_own_lines_and_no_more_wherever_it_begins(
    connection: Connection, wanted: str, mode: str
) -> None:
    filters, indexes = DENSE[wanted]
    for place, number in PLACES.items():
        query = StatementQuery(**{"wallet_ids": (BUSY,), "after": _behind(number), "limit": PAGE} | filters)

        plan = await _page_plan(connection, query, mode)

        # Of each wallet and direction a page and one line more, which tells whether there is a next page.
        assert (place, set(plan.indexes)) == (place, indexes)
        assert (place, plan.rows_read) <= (place, len(query.wallet_ids) * len(indexes) * (PAGE + 2))
        assert plan.blocks_read <= _blocks_max(plan), place


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", SPARSE)
async def test_a_page_that_passes_over_lines_reads_no_more_of_them_than_it_may(
    connection: Connection, wanted: str, mode: str
) -> None:
    filters, indexes = SPARSE[wanted]
    for place, number in PLACES.items():
        query = StatementQuery(**{"wallet_ids": (BUSY,), "after": _behind(number), "limit": PAGE} | filters)

        plan = await _page_plan(connection, query, mode)

        assert (place, set(plan.indexes)) == (place, indexes)
        assert plan.rows_read <= query.read_max + len(indexes), place
        assert plan.blocks_read <= _blocks_max(plan), place


async def _filled(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        await fill(connection)
    finally:
        await connection.close()


async def _plan(connection: Connection, query: Query, mode: str) -> Plan:
    """The plan of a query for arguments of the right types."""
    types = [parameter.name for parameter in (await connection.prepare(query.sql)).get_parameters()]
    return await plan_of(connection, query.sql, [_sample(kind) for kind in types], mode=mode)


def _sample(kind: str) -> object:
    if kind == "uuid[]":
        return [UUID(int=5 + number) for number in range(_BATCH)]
    return [_SAMPLES[kind.removesuffix("[]")]] * _BATCH if kind.endswith("[]") else _SAMPLES[kind]


class _Listener:
    """In place of a database: hears what a repository asks it."""

    def __init__(self) -> None:
        self.asked: tuple[str, Sequence[object]] = ("", ())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["_Listener"]:
        yield self

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        self.asked = (sql, arguments)
        return []


async def _page_plan(connection: Connection, query: StatementQuery, mode: str) -> Plan:
    """How the page is read, from reading it."""
    listener = _Listener()
    await PostgresStatementRepository(cast(Database, listener)).page(query)
    sql, arguments = listener.asked
    return await plan_of(connection, sql, arguments, mode=mode, carry_out=True)


def _behind(number: int) -> Position:
    """The place behind that movement."""
    return Position(
        created_at=movement_at(number), transaction_id=TransactionId(UUID(int=number)), direction=Direction.IN
    )


def _blocks_max(plan: Plan) -> int:
    """A block for each row at most, some of the index for many, and the way down to where the page begins."""
    return plan.rows_read + plan.rows_read // 20 + 20
