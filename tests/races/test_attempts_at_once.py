"""Guesses at two processes at once: together they are no more than one after the other."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from tests.races.client import Api
from tests.races.serving import Service

FREE = 5


async def guess(api: Api, email: str) -> int:
    answer = await api.ask("POST", "/auth/login", body={"email": email, "password": "not the password"})
    assert (answer.status == 429) == ("Retry-After" in answer.headers)
    return answer.status


async def test_row_16_twenty_guesses_at_two_processes_at_once_are_five(service: Service) -> None:
    async with AsyncExitStack() as stack:
        clients = await service.clients_at_each_process(stack, 10)

        for number in range(3):
            statuses = await asyncio.gather(*[guess(api, f"nobody{number}@example.com") for api in clients])

            assert Counter(statuses) == {401: FREE, 429: len(clients) - FREE}


async def test_row_16_who_waits_at_one_process_waits_at_the_other(service: Service) -> None:
    async with AsyncExitStack() as stack:
        one, *_, other = await service.clients_at_each_process(stack, 1)

        statuses = [await guess(one, "waiting@example.com") for _ in range(FREE)]
        statuses.append(await guess(other, "waiting@example.com"))

    assert statuses == [401] * FREE + [429]
