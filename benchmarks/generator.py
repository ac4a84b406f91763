"""A load generator of our own, for machines without wrk: it costs more, and so the service gets less of the machine."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from benchmarks.figures import lasting, percentile
from benchmarks.requests import Requests
from entrypoints.embedded.ports import LOOPBACK


@dataclass(slots=True)
class Tally:
    """What came back so far: `latencies` in seconds of what was as expected, and how much was not."""

    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    measuring: bool = False
    ended: bool = False


class Dice:
    """Makes requests: any head, a key that was never used, and any other tail."""

    def __init__(self, requests: Requests, tag: str) -> None:
        self._heads = [head.encode() for head in requests.heads]
        self._tails = [tail.encode() for tail in requests.tails]
        self._tag = tag
        self._count = 0

    def throw(self) -> bytes:
        """The next request."""
        place = random.randrange(len(self._heads))
        if not self._tails:
            return self._heads[place]
        self._count += 1
        to = (place + random.randrange(1, len(self._tails))) % len(self._tails)
        return b"".join((self._heads[place], f"{self._tag}-{self._count:012d}".encode(), self._tails[to]))


class Connection(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, asks again."""

    def __init__(self, dice: Dice, expected: int, tally: Tally) -> None:
        self._dice = dice
        self._status_line = f"HTTP/1.1 {expected} ".encode()
        self._tally = tally
        self._answer = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        # uvloop's are no subclass of it, but have what it has.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask(self._transport)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is whole."""
        self._answer += data
        if self._transport is None or not _is_whole(self._answer):
            return
        if self._tally.measuring:
            if self._answer.startswith(self._status_line):
                self._tally.latencies.append(time.perf_counter() - self._sent_at)
            else:
                self._tally.refused += 1
        if not self._tally.ended:
            self._ask(self._transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Count it, unless it is we who closed it."""
        if not self._tally.ended:
            self._tally.broken += 1

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _ask(self, transport: asyncio.WriteTransport) -> None:
        self._answer = b""
        self._sent_at = time.perf_counter()
        transport.write(self._dice.throw())


def _is_whole(answer: bytes) -> bool:
    """Whether the body is there, as long as its header says."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    return len(body) >= content_length(head)


def content_length(head: bytes) -> int:
    """How long the body behind that head is."""
    return int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)


async def generate(
    requests: Requests,
    *,
    port: int,
    connections: int,
    warm_seconds: float,
    seconds: float,
    tag: str,
    measuring: Callable[[], Awaitable[None]],
) -> dict[str, float]:
    """Ask over that many connections, one request after the other on each; `measuring` is awaited after the warm-up.

    Returns what came back: `operations`, `seconds`, `p50_ms`, `p99_ms`, how many were `refused` (any other status than
    the one that was expected) and `broken`, and the `cpu_seconds` that it took.
    """
    dice, tally = Dice(requests, tag), Tally()
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(dice, requests.expected, tally), LOOPBACK, port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(warm_seconds)
    await measuring()
    tally.measuring, started, cpu = True, time.perf_counter(), time.process_time()
    await lasting(seconds, tally.latencies)
    tally.measuring, took, cpu = False, time.perf_counter() - started, time.process_time() - cpu
    tally.ended = True
    for connection in made:
        connection.close()
    return {
        "operations": len(tally.latencies),
        "seconds": took,
        "p50_ms": percentile(tally.latencies, 50) * 1_000,
        "p99_ms": percentile(tally.latencies, 99) * 1_000,
        "cpu_seconds": cpu,
        "refused": tally.refused,
        "broken": tally.broken,
    }
