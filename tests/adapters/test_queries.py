"""Every query fits the schema, takes the arguments it names, and reads history by index."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from adapters.postgres.queries import SQL_DIRECTORY, Query, load_queries
from wallet_core.testing.builders import new_id

SUBJECTS = sorted(path.stem for path in (SQL_DIRECTORY / "queries").glob("*.sql"))
QUERIES = [(f"{subject}.{name}", query) for subject in SUBJECTS for name, query in load_queries(subject).items()]


def test_there_are_queries_for_every_repository() -> None:
    assert {"ledger", "limits", "statements", "users", "wallets"} <= set(SUBJECTS)
    assert all(load_queries(subject) for subject in SUBJECTS)


async def test_every_query_fits_the_migrated_schema(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    async with pool.acquire() as connection:
        for name, query in QUERIES:
            try:
                prepared = await connection.prepare(query.sql)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{name}: {error}")
            assert len(prepared.get_parameters()) == len(query.parameters), name


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_query_has_one_statement(name: str, query: Query) -> None:
    without_comments = "\n".join(line.partition("--")[0] for line in query.sql.splitlines())

    assert ";" not in without_comments.rstrip().removesuffix(";")


async def test_an_argument_that_is_missing_or_unknown_is_an_error(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    query = load_queries("users")["find_user_by_address"]

    async with pool.acquire() as connection:
        for arguments in ({"email": "a@example.org"}, {"email": None, "phone": None, "name": None}):
            with pytest.raises(TypeError):
                await query.fetch(connection, **arguments)
        with pytest.raises(KeyError):
            await query.fetch(connection, email=None, telephone=None)


async def test_a_page_of_a_long_history_is_read_by_index_and_no_further_than_the_page(owner_database: str) -> None:
    connection = await asyncpg.connect(owner_database)
    try:
        wallet_id = await _a_long_history(connection)
        query = load_queries("statements")["lines"]
        arguments = _page_arguments(wallet_id)

        rows = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", *(arguments[name] for name in query.parameters)
        )
    finally:
        await connection.close()

    scans = [node for node in _nodes(json.loads(rows)[0]["Plan"]) if node.get("Relation Name") == "transactions"]
    assert {scan.get("Index Name") for scan in scans} == {
        "transactions_source_history",
        "transactions_destination_history",
    }
    assert max(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) for scan in scans) <= 60


async def _a_long_history(connection: "asyncpg.Connection[asyncpg.Record]") -> object:
    """Transfers from one wallet to another and back, five thousand of each."""
    one, other, user_id = new_id(), new_id(), new_id()
    await connection.execute(
        """
        INSERT INTO transactions (id, kind, status, user_id, currency, amount, source_account_id, source_wallet_id,
                                  source_balance_after, destination_account_id, destination_wallet_id,
                                  destination_balance_after, business_date, created_at, completed_at)
        SELECT gen_random_uuid(), 'transfer', 'COMPLETED', $1, 'USD', 1, w.source, w.source, 0, w.destination,
               w.destination, 0, '2026-01-15', w.at, w.at
          FROM (SELECT CASE n % 2 WHEN 0 THEN $2::uuid ELSE $3::uuid END AS source,
                       CASE n % 2 WHEN 0 THEN $3::uuid ELSE $2::uuid END AS destination,
                       timestamptz '2026-01-15' + n * interval '1 second' AS at
                  FROM generate_series(1, 10000) AS n) AS w
        """,
        user_id,
        one,
        other,
    )
    await connection.execute("ANALYZE transactions")
    return one


def _page_arguments(wallet_id: object) -> dict[str, Any]:
    """The second page: what came before it is thousands of lines back."""
    after = datetime(2026, 1, 15, tzinfo=UTC) + timedelta(seconds=5_000)
    kinds, beginning, end = ["deposit", "withdraw", "transfer"], datetime(1, 1, 2, tzinfo=UTC), after.replace(year=9999)
    return {
        "wallet_ids": [wallet_id],
        "created_from": beginning,
        "created_before": end,
        "outgoing_kinds": kinds,
        "incoming_kinds": kinds,
        "statuses": ["PENDING", "COMPLETED", "FAILED", "EXPIRED"],
        "currency": None,
        "bound_currencies": None,
        "bound_mins": None,
        "bound_maxs": None,
        "after_created_at": after,
        "after_id": new_id(),
        "after_rank": 1,
        "line_limit": 50,
    }


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
