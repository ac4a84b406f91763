"""Real servers and databases for whoever asks; a test that does not ask starts nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import redis

from tests.services.databases import Databases, TestDatabase
from tests.services.servers import postgres_service, redis_service

# They are imported by tests, not collected as such: without this their asserts would show no values.
pytest.register_assert_rewrite("wallet_core.testing.contracts")

_CLOSE_SECONDS_MAX = 10.0
_SERVER_FIXTURES = {"postgres_server", "redis_server"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: uses PostgreSQL or Redis; set by what the test asks for")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that a run without any is one option away: -m "not servers"."""
    for item in items:
        if _SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server for this test process: the DSN of a role that may create roles and databases."""
    with postgres_service() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def databases(postgres_server: str) -> Iterator[Databases]:
    """Copies of a database to which the project's migrations were applied."""
    made = Databases(postgres_server)
    try:
        made.prepare()
        yield made
    finally:
        made.close()


@pytest.fixture
def migrated_database(databases: Databases) -> Iterator[TestDatabase]:
    """One such copy, for this test alone."""
    with databases.database() as database:
        yield database


@pytest.fixture
def database(migrated_database: TestDatabase) -> str:
    """The DSN by which the application reaches this test's database, with the application's rights."""
    return migrated_database.dsn


@pytest.fixture
def owner_database(migrated_database: TestDatabase) -> str:
    """The DSN by which its owner reaches the same database, to look behind what the application may see."""
    return migrated_database.owner_dsn


@pytest.fixture
async def pool(database: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """The application's connections to this test's database."""
    pool = await asyncpg.create_pool(database, min_size=1, max_size=5, timeout=10, command_timeout=30)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), _CLOSE_SECONDS_MAX)
        except TimeoutError:
            # A test kept a connection: let it fail for that, at once.
            pool.terminate()
            raise


@pytest.fixture(scope="session")
def redis_server(worker_number: int) -> Iterator[str]:
    """A Redis or Valkey server: the URL of a logical database for this test process alone."""
    with redis_service(worker_number) as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty logical database."""
    with redis.Redis.from_url(redis_server, socket_timeout=5) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """Which of the parallel test processes this is, from 0."""
    worker: dict[str, str] = getattr(request.config, "workerinput", {})
    return int(worker.get("workerid", "gw0").removeprefix("gw"))
