"""What a request asks of PostgreSQL and of Redis: so much, whoever asks and however long they have been here.

The figures are exact. Whoever lowers one writes the new one down; whoever raises one says what it pays for.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest
import redis

from adapters.redis.connection import RedisConnection
from entrypoints.container import opening
from entrypoints.settings import Settings
from tests.adapters.round_trips import Figures, Wire, wire_to_postgres, wire_to_redis
from tests.adapters.test_round_trips import BATCH, READING
from tests.http.clients import Person

NOTHING: Final = Figures(round_trips=0, statements=0)
ONE_COMMAND: Final = Figures(round_trips=1, statements=1)
TWO_COMMANDS: Final = Figures(round_trips=2, statements=2)
TWO_READINGS: Final = Figures(round_trips=2 * READING.round_trips, statements=2 * READING.statements)

BACKGROUND: Final = frozenset({"sessions.changes", "sessions.touch_sessions"})
"""How a process keeps up with its sessions, whatever is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """The wires of the service that is asked."""

    postgres: Wire
    redis: Wire

    async def asked_by(self, work: Callable[[], Awaitable[object]]) -> tuple[Figures, Figures]:
        """What the work asks of PostgreSQL and of Redis. A connection that is new to it has to prepare its statements:
        the least is what it asks from then on."""
        asked = []
        for _ in range(3):
            self.postgres.clear()
            self.redis.clear()
            await work()
            asked.append((self.postgres.figures, self.redis.figures))
        return min(asked, key=lambda figures: sum(each.round_trips + each.statements for each in figures))


@pytest.fixture
def postgres_wire(environment: dict[str, str]) -> Iterator[tuple[Wire, str]]:
    with wire_to_postgres(environment["DATABASE_URL"], unasked=BACKGROUND) as wired:
        yield wired


@pytest.fixture
def redis_wire(redis_url: str) -> Iterator[tuple[Wire, str]]:
    with wire_to_redis(redis_url) as wired:
        yield wired


@pytest.fixture
def wires(postgres_wire: tuple[Wire, str], redis_wire: tuple[Wire, str]) -> Wires:
    return Wires(postgres=postgres_wire[0], redis=redis_wire[0])


@pytest.fixture
def settings(
    environment: dict[str, str],
    postgres_wire: tuple[Wire, str],
    redis_wire: tuple[Wire, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """The settings of the service, by way of the wires. It waits for Redis however busy the machine is."""
    monkeypatch.setattr(opening, "RedisConnection", partial(RedisConnection, answer_seconds_max=5.0))
    return Settings.from_environment(environment | {"DATABASE_URL": postgres_wire[1], "REDIS_URL": redis_wire[1]})


@pytest.fixture
def forget(redis_url: str) -> Iterator[Callable[[], object]]:
    """Empties the cache."""
    with redis.Redis.from_url(redis_url, socket_timeout=5) as client:
        yield client.flushdb


async def test_a_transfer_is_a_batch_and_one_write_to_the_cache(wires: Wires, ada: Person, bob: Person) -> None:
    figures = await wires.asked_by(lambda: ada.pay(bob, "1.00"))

    assert figures == (BATCH, ONE_COMMAND), (wires.postgres.turns, wires.redis.turns)


async def test_a_transfer_to_an_address_looks_it_up(wires: Wires, ada: Person, bob: Person) -> None:
    figures = await wires.asked_by(lambda: ada.move(ada.own("/transfer"), {"to": bob.email, "amount": "1.00"}))

    assert figures == (
        Figures(round_trips=BATCH.round_trips + READING.round_trips, statements=BATCH.statements + READING.statements),
        ONE_COMMAND,
    ), (wires.postgres.turns, wires.redis.turns)


async def test_a_balance_comes_from_the_cache_alone(wires: Wires, ada: Person) -> None:
    figures = await wires.asked_by(ada.balance)

    assert figures == (NOTHING, ONE_COMMAND), (wires.postgres.turns, wires.redis.turns)


async def test_a_balance_that_is_not_cached_is_read_and_kept(
    wires: Wires, ada: Person, forget: Callable[[], object]
) -> None:
    async def balance() -> None:
        forget()
        await ada.balance()

    figures = await wires.asked_by(balance)

    assert figures == (READING, TWO_COMMANDS), (wires.postgres.turns, wires.redis.turns)


@pytest.mark.parametrize("of", ["one wallet", "all wallets"])
async def test_a_page_of_history_that_is_cached_needs_the_state_of_the_wallets_alone(
    wires: Wires, ada: Person, of: str
) -> None:
    path = ada.own("/transactions") if of == "one wallet" else "/transactions"

    figures = await wires.asked_by(lambda: ada.get(path))

    assert figures == (READING, ONE_COMMAND), (wires.postgres.turns, wires.redis.turns)


@pytest.mark.parametrize("of", ["one wallet", "all wallets"])
async def test_a_page_of_history_that_is_not_cached_is_one_query_more(
    wires: Wires, ada: Person, forget: Callable[[], object], of: str
) -> None:
    path = ada.own("/transactions") if of == "one wallet" else "/transactions"

    async def page() -> None:
        forget()
        await ada.get(path)

    figures = await wires.asked_by(page)

    assert figures == (TWO_READINGS, TWO_COMMANDS), (wires.postgres.turns, wires.redis.turns)
