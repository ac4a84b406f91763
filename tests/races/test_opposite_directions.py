"""Two people who pay each other at the same time: whoever locks first, nobody is locked out."""

import asyncio
import random
import time
from collections import Counter
from decimal import Decimal

from tests.races.books import findings
from tests.races.client import Answer, Api, Person
from tests.races.serving import Service

SECONDS = 10.0
CONNECTIONS = 32


async def test_money_that_crosses_for_ten_seconds_meets_no_deadlock_and_is_all_there(
    service: Service, api: Api
) -> None:
    alice = await api.person("alice", funds="20.00")
    bob = await api.person("bob", funds="20.00")
    spread = await service.spread(api, CONNECTIONS)
    until = time.monotonic() + SECONDS

    async def pay(number: int) -> list[Answer]:
        choice = random.Random(number)
        source, target = (alice, bob) if number % 2 else (bob, alice)
        answers: list[Answer] = []
        while time.monotonic() < until:
            amount = f"{choice.randint(1, 4)}.00"
            answers.append(await source.transfer(target, amount, key=f"{number}-{len(answers)}"))
        return answers

    answers = [answer for each in await asyncio.gather(*map(pay, range(CONNECTIONS))) for answer in each]

    slowest = max(answer.seconds for answer in answers)
    counts = Counter(answer.status for answer in answers)
    print(f"{len(answers) / SECONDS:.0f} answers a second, the slowest {slowest * 1000:.0f} ms, {dict(counts)}")
    assert len(spread) == 2
    assert set(counts) <= {201, 400, 403}
    assert counts[201] > CONNECTIONS
    assert await _held(alice, bob) == Decimal("40.00")
    assert await findings(service.database) == []


async def _held(*people: Person) -> Decimal:
    return sum([await person.balance() for person in people], Decimal(0))
