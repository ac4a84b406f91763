"""One client and nobody else: what a transfer costs at the ledger itself, through the batches, and through HTTP.

In turns, a few of each at a time, so that a moment in which the disk is slow strikes all alike. Run as
`python -m benchmarks.idle`: as benchmarks.ledger, but that the answer has a part for each way.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypedDict

import uvloop

from benchmarks.figures import percentile
from benchmarks.generator import Dice, content_length
from benchmarks.ledger import post, transfer
from benchmarks.requests import Requests
from entrypoints.collector import spare_what_stays
from entrypoints.container import opened
from entrypoints.embedded.ports import LOOPBACK
from entrypoints.settings import Settings
from wallet_core.ledger.commands import Transfer

_TURN: Final = 10
"""So many transfers one way before the next has its turn."""


class Work(TypedDict):
    """What to do: transfers between that many people, directly and by the requests in that file to that port."""

    people: int
    requests: str
    port: int
    warm_seconds: float
    seconds: float
    tag: str


async def _run(settings: Settings, work: Work) -> dict[str, dict[str, float]]:
    dice = Dice(Requests.read(Path(work["requests"]), HTTPStatus.CREATED), work["tag"])
    async with opened(settings) as container:
        ids, count = container.ids(), itertools.count()
        spare_what_stays()

        def command() -> Transfer:
            return transfer(work["people"], f"{work['tag']}-direct-{next(count):012d}", ids)

        reader, writer = await asyncio.open_connection(LOOPBACK, work["port"])

        async def over_http() -> None:
            writer.write(dice.throw())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
            if not head.startswith(b"HTTP/1.1 201 "):
                raise RuntimeError(f"A transfer was answered {head[:40]!r}.")

        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "direct": lambda: post(container.postgres_ledger(), command()),
            "ledger": lambda: post(container.ledger(), command()),
            "http": over_http,
        }
        await _turns(ways, work["warm_seconds"])
        print("measuring", flush=True)
        latencies = await _turns(ways, work["seconds"])
        writer.close()
    return {
        way: {
            "operations": len(each),
            "seconds": sum(each),
            "p50_ms": percentile(each, 50) * 1_000,
            "p99_ms": percentile(each, 99) * 1_000,
        }
        for way, each in latencies.items()
    }


async def _turns(ways: Mapping[str, Callable[[], Awaitable[None]]], seconds: float) -> dict[str, list[float]]:
    """Latencies in seconds, by the way that was gone."""
    latencies: dict[str, list[float]] = {way: [] for way in ways}
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for way, go in ways.items():
            for _ in range(_TURN):
                started = time.perf_counter()
                await go()
                latencies[way].append(time.perf_counter() - started)
    return latencies


def main() -> None:
    """Do what standard input says, on the event loop that the service runs on."""
    settings = Settings.from_environment(os.environ)
    work: Work = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_run(settings, work))), flush=True)


if __name__ == "__main__":
    main()
