"""Two server processes for each module, on a database of its own; everybody in its tests is new there."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.races.client import Api
from tests.races.serving import Service, client_of, served
from tests.services.databases import Databases


@pytest.fixture(scope="module")
def service(databases: Databases, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service."""
    folder = tmp_path_factory.mktemp("service")
    with (
        databases.database() as database,
        served(
            folder / "service.log",
            database=database.dsn,
            redis_url=redis_server,
            MAILBOX=str(folder / "mailbox"),
        ) as service,
    ):
        yield service


@pytest.fixture
async def api(service: Service) -> AsyncIterator[Api]:
    """Requests to it."""
    async with client_of(service) as api:
        yield api
