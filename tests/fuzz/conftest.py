"""A running service of two processes, and somebody with money who asks it everything."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.races.client import Api, Person
from tests.races.serving import Service, served
from tests.services.databases import Databases, run

TWO_CURRENCIES = {
    "CURRENCIES": "USD,EUR",
    "TRANSFER_LIMITS": "USD=5000.00/20000.00,EUR=5000.00/20000.00",
    "WITHDRAWAL_LIMITS": "USD=5000.00/20000.00,EUR=5000.00/20000.00",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever sends the requests, somebody they may send money to, and a transaction that they find."""

    token: str
    wallet_id: str
    to_wallet_id: str
    transaction_id: str


@pytest.fixture(scope="module")
def service(databases: Databases, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service."""
    log = tmp_path_factory.mktemp("service") / "service.log"
    with (
        databases.database() as database,
        served(log, database=database.dsn, redis_url=redis_server, **TWO_CURRENCIES) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def asker(service: Service) -> Asker:
    """Somebody with 100,000.00 USD and a history."""

    async def meet() -> Asker:
        async with Api.at(service.url) as api:
            alice, bob = await api.person("alice", funds="100000.00"), await api.person("bob")
            return Asker(alice.token, alice.wallet_id, bob.wallet_id, await _transfer(alice, bob))

    return run(meet())


async def _transfer(source: Person, target: Person) -> str:
    answer = await source.transfer(target, "1.00", key="first")
    transaction_id: str = answer.json["id"]
    return transaction_id
