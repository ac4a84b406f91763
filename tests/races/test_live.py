"""Live updates at one process of what happens at another, and on a third after that one was killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from tests.http.streams import Event, Stream, listening
from tests.races.client import Api, Person
from tests.races.serving import Service

_PATIENCE_SECONDS = 20.0
_END_SECONDS_MAX = 1.5
"""A second, and what a busy machine adds to it."""
_TO_LEAVE_SECONDS = 0.4
"""How long a place is taken by somebody who is gone."""


@asynccontextmanager
async def stream_at(
    service: Service, person: Person, *, other_than: int | None = None, last_id: str | None = None
) -> AsyncIterator[tuple[Stream, int]]:
    """Their stream at any process but that one, and which process it is at."""
    async with AsyncExitStack() as stack, asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            try:
                stream = await stack.enter_async_context(listening(session, service.url, person.token, last_id=last_id))
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)  # nobody listens there any more
                continue
            assert stream.response.connection is not None
            port = stream.response.connection.transport.get_extra_info("sockname")[1]
            pid = service.connections().get(port)
            if pid is not None and pid != other_than:
                break
            stream.response.close()
            await asyncio.sleep(_TO_LEAVE_SECONDS)
        async with AsyncExitStack() as kept:
            kept.push_async_exit(stack.pop_all())
            yield stream, pid


def amounts(events: list[Event]) -> list[str]:
    """What the transactions among the events moved."""
    return [event.data["amount"] for event in events if event.name == "transaction"]


@pytest.fixture
async def there(service: Service) -> AsyncIterator[list[Api]]:
    """A client at each process."""
    async with AsyncExitStack() as stack:
        yield await service.clients_at_each_process(stack, 1)


async def test_what_moves_at_one_process_is_told_at_the_other(service: Service, there: list[Api]) -> None:
    alice, bob = await there[0].person("alice", funds="500.00"), await there[1].person("bob", funds="500.00")
    async with stream_at(service, alice) as (here, pid), stream_at(service, alice, other_than=pid) as (elsewhere, _):
        for stream in (here, elsewhere):
            await stream.next("balance")
        expected = []
        for number in range(1, 21):
            source, target = (alice, bob) if number % 2 else (bob, alice)
            sent = await source.by(there[number // 2 % 2]).transfer(target, f"{number}.00", key=f"live-{number}")
            assert sent.status == 201
            expected.append(f"{number}.00")

        told = [[await stream.next("transaction") for _ in expected] for stream in (here, elsewhere)]
        ends = [(await stream.next("balance")).data["balance"] for stream in (here, elsewhere)]
        owned = await alice.balance()

    assert [amounts(events) for events in told] == [expected, expected]
    assert [event.data["id"] for event in told[0]] == [event.data["id"] for event in told[1]]
    assert str(owned) in ends


async def test_a_stream_goes_on_at_another_process_when_its_own_was_killed(service: Service, api: Api) -> None:
    alice, bob = await api.person("alice", funds="500.00"), await api.person("bob")
    told: list[Event] = []
    async with stream_at(service, alice) as (stream, pid):
        await stream.next("balance")
        paying = asyncio.create_task(pay_on(service, alice, bob, times=40))
        told += [await stream.next() for _ in range(7)]
        last_id = stream.last_id
        os.kill(pid, signal.SIGKILL)
        await stream.ended()
    async with stream_at(service, alice, other_than=pid, last_id=last_id) as (stream, other):
        await paying
        while len(amounts(told)) < 40:
            told.append(await stream.next("transaction", "reset"))

    assert other != pid
    assert all(event.name != "reset" for event in told)
    assert len({event.data["id"] for event in told if event.name == "transaction"}) == 40
    assert sorted(amounts(told)) == sorted(f"0.{number + 1:02}" for number in range(40))


async def test_a_stream_at_one_process_ends_with_a_session_that_ended_at_the_other(
    service: Service, there: list[Api]
) -> None:
    seconds = []
    for api in there:
        alice = await api.person("alice")
        async with stream_at(service, alice) as (one, pid), stream_at(service, alice, other_than=pid) as (other, _):
            await one.next("balance")
            await other.next("balance")

            assert (await api.ask("POST", "/auth/logout", token=alice.token)).status == 204
            began = time.monotonic()
            await asyncio.gather(one.ended(seconds_max=5), other.ended(seconds_max=5))
            seconds.append(time.monotonic() - began)

    print(f"over after {', '.join(f'{each:.2f} s' for each in seconds)}")
    assert max(seconds) < _END_SECONDS_MAX


async def pay_on(service: Service, source: Person, target: Person, *, times: int) -> None:
    """Pay so many times, each time another amount, at whichever process answers."""
    async with Api.at(service.url) as api:
        for number in range(times):
            answer = None
            while answer is None or answer.status != 201:
                try:
                    answer = await source.by(api).transfer(target, f"0.{number + 1:02}", key=f"on-{number}")
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.03)
