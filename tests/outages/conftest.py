"""A service whose database, or whose cache, is the test's own to break."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.outages.machines import Machine, own_postgres, own_valkey
from tests.races.client import Api
from tests.races.serving import Service, client_of, served
from tests.services.databases import Databases


@dataclass(frozen=True, slots=True)
class Breakable:
    """A running service, and the server behind it that is about to fail."""

    service: Service
    machine: Machine
    url: str


@pytest.fixture(scope="module")
def on_own_database(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """The service on a PostgreSQL server of its own."""
    log = tmp_path_factory.mktemp("service") / "service.log"
    with own_postgres() as (machine, dsn):
        databases = Databases(dsn)
        databases.prepare()
        with databases.database() as database, served(log, database=database.dsn, redis_url=redis_server) as service:
            yield Breakable(service, machine, dsn)


@pytest.fixture(scope="module")
def on_own_cache(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """The service with a Valkey server of its own."""
    log = tmp_path_factory.mktemp("service") / "service.log"
    with (
        own_valkey() as (machine, url),
        databases.database() as database,
        served(log, database=database.dsn, redis_url=url) as service,
    ):
        yield Breakable(service, machine, url)


@pytest.fixture
def service(database: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """The service, itself about to be stopped."""
    with served(tmp_path / "service.log", database=database, redis_url=redis_url) as service:
        yield service


@pytest.fixture
async def api(service: Service) -> AsyncIterator[Api]:
    """Requests to it."""
    async with client_of(service) as api:
        yield api
