"""The connection breaks around a commit. Whoever asked is told the truth, or that it cannot be told."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.proxy import Break, Proxy, proxy_to
from tests.races.books import findings
from tests.races.client import Api
from tests.races.serving import client_of, served


@pytest.fixture
async def wired(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[tuple[Proxy, Api]]:
    """A wire to the database, and requests to the service at its other end."""
    with (
        proxy_to(database) as (wire, dsn),
        served(tmp_path / "service.log", database=dsn, redis_url=redis_url) as service,
    ):
        async with client_of(service) as api:
            yield wire, api


async def test_a_movement_is_told_truly_wherever_the_connection_breaks(wired: tuple[Proxy, Api], database: str) -> None:
    wire, api = wired
    alice = await api.person("alice", funds="100.00")
    bob = await api.person("bob")
    said = {}

    for where in Break:
        wire.break_next(where)
        answer = await alice.transfer(bob, "1.00", key=where.name)
        again = await alice.transfer(bob, "1.00", key=where.name)
        said[where] = (answer.status, answer.code, again.status, again.replayed)

    assert wire.breaks == len(Break)
    assert said == {
        Break.BEFORE_THE_COMMIT_ARRIVES: (503, "outcome_unknown", 201, False),
        Break.BEFORE_ITS_ANSWER_ARRIVES: (201, None, 201, True),
        Break.AFTER_ITS_ANSWER_ARRIVED: (201, None, 201, True),
    }
    assert await alice.balance() == Decimal("97.00")
    assert await bob.balance() == Decimal("3.00")
    assert await findings(database) == []


async def test_what_was_not_committed_is_shown_to_nobody(wired: tuple[Proxy, Api]) -> None:
    wire, api = wired
    alice = await api.person("alice", funds="100.00")
    bob = await api.person("bob")

    wire.break_next(Break.BEFORE_THE_COMMIT_ARRIVES)
    answer = await alice.transfer(bob, "1.00", key="lost")
    shown = await alice.balance(), await bob.balance()

    assert (answer.status, answer.code) == (503, "outcome_unknown")
    assert shown == (Decimal("100.00"), Decimal("0.00"))
