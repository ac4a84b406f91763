"""F9: storms of one request, one wallet that everybody drains, and pairs that pay each other, all at once."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from decimal import Decimal
from itertools import count

import asyncpg
import pytest

from adapters.postgres.verification import verify
from tests.faults.checker import left_open
from tests.faults.conftest import Tell
from tests.faults.history import Row
from tests.faults.profile import often
from tests.faults.stage import Stage
from tests.races.client import Answer, Api, Person
from tests.races.serving import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=1_200))]

CONNECTIONS = 24
STORM = 50
DRAINERS = 80
AFFORDABLE = 30
PAIRS = 20


async def test_f9_storms_of_one_key_hot_wallets_and_opposite_pairs_add_up(
    stage: Stage, service: Service, tell: Tell
) -> None:
    row, until = Row(name="F9"), time.monotonic() + often(quick=15, full=600)
    statuses: Counter[tuple[int, str | None]] = Counter()

    async with AsyncExitStack() as stack:
        clients = await service.clients_at_each_process(stack, CONNECTIONS)
        api = await stack.enter_async_context(Api.at(service.url))
        for number in count():
            for answers in (
                await _storm(row, api, clients, f"storm-{number}"),
                await _drain(row, api, clients, f"drain-{number}"),
                await _opposite(row, api, clients, f"pair-{number}"),
            ):
                row.operations += len(answers)
                statuses.update((answer.status, answer.code) for answer in answers)
            row.faults += 3
            if time.monotonic() > until:
                break
    connection = await asyncpg.connect(stage.dsn)
    row.findings = len(await verify(connection))
    row.leaks = await left_open(connection)
    await connection.close()
    row.declines["insufficient_funds"] = statuses[400, "insufficient_funds"]

    tell(row)
    row.assert_holds()
    assert set(statuses) == {(201, None), (400, "insufficient_funds")}


async def _storm(row: Row, api: Api, clients: list[Api], key: str) -> list[Answer]:
    """The same transfer so many times at each process: it happens once, and everybody hears the same."""
    alice, bob = await api.person("alice", funds="100.00"), await api.person("bob")
    senders = [alice.by(clients[number % len(clients)]) for number in range(2 * STORM)]

    answers = await asyncio.gather(*[sender.transfer(bob, "7.00", key=key) for sender in senders])

    row.retried += 2 * STORM - 1
    row.flipped += len({answer.body for answer in answers}) - 1
    row.doubled += await _holds(alice) != Decimal("93.00") or await _holds(bob) != Decimal("7.00")
    row.doubled += sum(not answer.replayed for answer in answers) != 1
    return answers


async def _drain(row: Row, api: Api, clients: list[Api], key: str) -> list[Answer]:
    """Everybody takes 1.00 from a wallet that can pay for some of them."""
    alice, bob = await api.person("alice", funds=f"{AFFORDABLE}.00"), await api.person("bob")
    senders = [alice.by(clients[number % len(clients)]) for number in range(DRAINERS)]

    answers = await asyncio.gather(
        *[sender.transfer(bob, "1.00", key=f"{key}-{number}") for number, sender in enumerate(senders)]
    )

    paid = sum(answer.status == 201 for answer in answers)
    row.lost += max(AFFORDABLE - paid, 0)
    row.doubled += max(paid - AFFORDABLE, 0)
    row.doubled += await _holds(alice) != 0 or await _holds(bob) != AFFORDABLE
    return answers


async def _opposite(row: Row, api: Api, clients: list[Api], key: str) -> list[Answer]:
    """Two people pay each other at the same moment, many times."""
    alice, bob = await api.person("alice", funds="50.00"), await api.person("bob", funds="50.00")
    asked = []
    for number in range(PAIRS):
        here, there = clients[number % len(clients)], clients[(number + CONNECTIONS) % len(clients)]
        asked.append(alice.by(here).transfer(bob, "0.03", key=f"{key}-there-{number}"))
        asked.append(bob.by(there).transfer(alice, "0.02", key=f"{key}-back-{number}"))

    answers = await asyncio.gather(*asked)

    row.lost += sum(answer.status != 201 for answer in answers)
    row.doubled += await _holds(alice) != Decimal("50.00") - PAIRS * Decimal("0.01")
    return answers


async def _holds(person: Person) -> Decimal:
    return await person.balance()
