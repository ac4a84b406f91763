"""Every query fits the schema and takes the arguments it names."""

import asyncpg
import pytest

from adapters.postgres.queries import SQL_DIRECTORY, Query, load_queries

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
