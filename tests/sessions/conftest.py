"""Two server processes behind one port, with a Redis between them and without one, and a client at each."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import pytest

from tests.races.client import Api
from tests.races.serving import Service, served
from tests.services.databases import Databases, TestDatabase
from tests.sessions.devices import Devices

IDLE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Stage:
    """A running service, and the database it works on."""

    service: Service
    database: TestDatabase


@pytest.fixture(scope="module", params=["with a Redis", "without a Redis"])
def stage(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The service, whose sessions last half a minute unused."""
    redis_url = request.getfixturevalue("redis_server") if request.param == "with a Redis" else ""
    log = tmp_path_factory.mktemp("service") / "service.log"
    with (
        databases.database() as database,
        served(log, database=database.dsn, redis_url=redis_url, SESSION_IDLE_SECONDS=str(IDLE_SECONDS)) as service,
    ):
        yield Stage(service, database)


@pytest.fixture
async def clients(stage: Stage) -> AsyncIterator[list[Api]]:
    """One at each process."""
    async with AsyncExitStack() as stack:
        yield await stage.service.clients_at_each_process(stack, 1)


@pytest.fixture
def here(clients: list[Api]) -> Api:
    """A client at one process."""
    return clients[0]


@pytest.fixture
def there(clients: list[Api]) -> Api:
    """A client at the other one."""
    return clients[1]


@pytest.fixture
def devices(here: Api) -> Devices:
    """People's devices, logged in at one process."""
    return Devices(here)


@pytest.fixture
async def owner(stage: Stage) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The owner's connection to the database, for what no client may do."""
    connection = await asyncpg.connect(stage.database.owner_dsn, timeout=10)
    yield connection
    await asyncio.wait_for(connection.close(), 10)
