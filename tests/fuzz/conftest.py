"""A running service of two processes, and people who ask it everything."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.fuzz.askers import Asker, Askers
from tests.races.client import Api
from tests.races.serving import Service, served
from tests.services.databases import Databases, run

TWO_CURRENCIES = {
    "CURRENCIES": "USD,EUR",
    "TRANSFER_LIMITS": "USD=5000.00/20000.00,EUR=5000.00/20000.00",
    "WITHDRAWAL_LIMITS": "USD=5000.00/20000.00,EUR=5000.00/20000.00",
}

AskerOf: TypeAlias = Callable[[str], Asker]


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
            **TWO_CURRENCIES,
        ) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def asker_of(service: Service) -> AskerOf:
    """Somebody new for an operation."""
    number = 0

    async def meet(operation: str) -> Asker:
        nonlocal number
        number += 1
        async with Api.at(service.url) as api:
            return await Askers(api, service, number).asker_of(operation)

    return lambda operation: run(meet(operation))
