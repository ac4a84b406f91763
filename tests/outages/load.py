"""Requests that go on whatever happens, each with what became of it."""

import asyncio
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from tests.races.client import Answer, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transfer of 1.00 and its answer; none where the connection broke. Moments are those of time.perf_counter."""

    source: Person
    target: Person
    key: str
    answer: Answer | None
    began: float
    ended: float


class Load:
    """People who pay each other 1.00, and look at what they have, again and again until told to stop."""

    def __init__(self, people: Sequence[Person], *, callers: int, pause_seconds: float = 0.0) -> None:
        self._people = people
        self._callers = callers
        self._pause_seconds = pause_seconds
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.transfers: list[Sent] = []
        self.reads: list[Answer] = []
        self.last_refused_at = -math.inf

    def start(self) -> None:
        """Begin, in the background."""
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(self._callers)]

    async def is_undisturbed(self) -> bool:
        """Whether nothing was refused for a second."""
        return time.perf_counter() - self.last_refused_at > 1

    async def stop(self) -> None:
        """Send nothing more, and return when everything has its answer."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def _call(self, number: int) -> None:
        source = self._people[number % len(self._people)]
        target = self._people[(number + 1) % len(self._people)]
        for count in itertools.count():
            if self._over.is_set():
                return
            sent = await send(source, target, f"load-{number}-{count}")
            self.transfers.append(sent)
            if sent.answer is None:
                return  # nobody listens any more
            try:
                self.reads.append(await source.show_balance())
            except aiohttp.ClientError:
                return
            if sent.answer.status != HTTPStatus.CREATED or self.reads[-1].status != HTTPStatus.OK:
                self.last_refused_at = time.perf_counter()
            await asyncio.sleep(self._pause_seconds)


async def send(source: Person, target: Person, key: str) -> Sent:
    """Transfer 1.00."""
    began = time.perf_counter()
    try:
        answer = await source.transfer(target, "1.00", key=key)
    except aiohttp.ClientError:
        answer = None
    return Sent(source=source, target=target, key=key, answer=answer, began=began, ended=time.perf_counter())


async def send_again(sent: Sequence[Sent], *, at_once: int = 20) -> list[Answer]:
    """Repeat the transfers with the keys that they had; their answers in the same order."""
    places = asyncio.Semaphore(at_once)

    async def repeat(each: Sent) -> Answer:
        async with places:
            return await each.source.transfer(each.target, "1.00", key=each.key)

    return await asyncio.gather(*map(repeat, sent))


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(seconds)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
