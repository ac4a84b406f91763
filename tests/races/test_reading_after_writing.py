"""Whoever was told of a movement sees it, whichever process they ask."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal

from tests.races.books import findings
from tests.races.client import Api, Person
from tests.races.serving import Service

MOVEMENTS = 300
READERS_EACH = 2


async def test_a_balance_read_right_after_a_movement_has_it(service: Service, api: Api) -> None:
    alice, bob, carol, dave = [await api.person(name, funds="1000.00") for name in ("a", "b", "c", "d")]
    over = asyncio.Event()

    async def stir(source: Person, target: Person, number: int) -> None:
        count = 0
        while not over.is_set():
            count += 1
            assert (await source.transfer(target, "0.01", key=f"{number}-{count}")).status == 201
            assert (await source.show_balance()).status == 200

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as beside:
        readers = await service.clients_at_each_process(stack, READERS_EACH)
        for number in range(4):
            beside.create_task(stir(*((carol, dave) if number % 2 else (dave, carol)), number))
        try:
            for number in range(1, MOVEMENTS + 1):
                moved = await alice.transfer(bob, "1.00", key=f"m{number}")
                assert moved.status == 201

                shown = await asyncio.gather(*[alice.by(reader).show_balance() for reader in readers])

                # The deposit was the first movement of the wallet, and nobody else moves anything in it.
                assert {each.json["version"] for each in shown} == {number + 1}
                assert {each.json["balance"] for each in shown} == {moved.json["balance_after"]}
        finally:
            over.set()

    assert await alice.balance() == Decimal(1000 - MOVEMENTS)
    assert await findings(service.database) == []
