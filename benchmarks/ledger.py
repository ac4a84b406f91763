"""Many callers of the ledger in one process, as the container wires it: batching, the cache write, PostgreSQL.

Run as `python -m benchmarks.ledger`: the settings come from the environment, what to do from a line of JSON on standard
input, and the answer goes out as a line of JSON. A line `measuring` before it says that the warm-up is over.
"""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import TypedDict

import uvloop

from benchmarks.books import CURRENCY, user_id, wallet_id
from benchmarks.figures import lasting, percentile
from entrypoints.collector import spare_what_stays
from entrypoints.container import opened
from entrypoints.settings import Settings
from wallet_core.ids import IdGenerator, TransactionId
from wallet_core.ledger.commands import Transfer
from wallet_core.ledger.outcomes import Posted
from wallet_core.ledger.port import Ledger


class Work(TypedDict):
    """What to do: that many callers, each with one transfer after the other, between that many people."""

    people: int
    callers: int
    warm_seconds: float
    seconds: float
    tag: str


@dataclass(slots=True)
class _Tally:
    """What was done so far; `latencies` in seconds."""

    latencies: list[float]
    measuring: bool = False


def transfer(people: int, key: str, ids: IdGenerator) -> Transfer:
    """A cent from anybody to anybody else."""
    source = random.randrange(people)
    destination = (source + random.randrange(1, people)) % people
    to = wallet_id(destination)
    return Transfer(
        id=TransactionId(ids()),
        user_id=user_id(source),
        key=key,
        wallet_id=wallet_id(source),
        currency=CURRENCY,
        amount=1,
        to=str(to),
        to_wallet_id=to,
    )


async def post(ledger: Ledger, command: Transfer) -> None:
    """Post it. Raises RuntimeError when the money has not moved."""
    [outcome] = await ledger.post([command])
    if not isinstance(outcome, Posted) or outcome.replayed:
        raise RuntimeError(f"A transfer came back as {outcome}.")


async def _run(settings: Settings, work: Work) -> dict[str, float]:
    async with opened(settings) as container:
        ledger, ids = container.ledger(), container.ids()
        spare_what_stays()
        tally = _Tally(latencies=[])
        ended = asyncio.Event()

        async def caller(number: int) -> None:
            count = 0
            while not ended.is_set():
                count += 1
                command = transfer(work["people"], f"{work['tag']}-{number:04d}-{count:012d}", ids)
                started = time.perf_counter()
                await post(ledger, command)
                if tally.measuring:
                    tally.latencies.append(time.perf_counter() - started)

        async with asyncio.TaskGroup() as callers:
            for number in range(work["callers"]):
                callers.create_task(caller(number))
            await asyncio.sleep(work["warm_seconds"])
            print("measuring", flush=True)
            tally.measuring, started, cpu = True, time.perf_counter(), time.process_time()
            await lasting(work["seconds"], tally.latencies)
            tally.measuring, seconds, cpu = False, time.perf_counter() - started, time.process_time() - cpu
            ended.set()
    return {
        "operations": len(tally.latencies),
        "seconds": seconds,
        "p50_ms": percentile(tally.latencies, 50) * 1_000,
        "p99_ms": percentile(tally.latencies, 99) * 1_000,
        "cpu_seconds": cpu,
    }


def main() -> None:
    """Do what standard input says, on the event loop that the service runs on."""
    settings = Settings.from_environment(os.environ)
    work: Work = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_run(settings, work))), flush=True)


if __name__ == "__main__":
    main()
