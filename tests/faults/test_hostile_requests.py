"""F11, and F8 on the wire: clients that send slowly, too much, nonsense or half a request, beside those who behave."""

import asyncio
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from entrypoints.embedded.ports import LOOPBACK
from tests.faults.conftest import Tell
from tests.faults.history import Attempt, Operation, Row
from tests.faults.profile import SEED, often
from tests.faults.stage import Stage
from tests.faults.workload import Workload
from tests.outages.load import percentile
from tests.races.client import Person
from tests.races.serving import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=1_200))]

SLOW_CONNECTIONS = 500
SLOW_SECONDS_MAX = 15.0
ADDED_SECONDS_MAX = 0.25
"""What 500 slow connections and a stream of nonsense may add to the slowest percent of those who behave."""
LEAVERS = often(quick=150, full=2_000)
ANSWER_SECONDS_MAX = 20.0
_RESET_INSTEAD_OF_GOODBYE = struct.pack("ii", 1, 0)

UNHEARD = Attempt(began=0.0, ended=0.0, answer=None)

NONSENSE = {
    "1 GB": (b"", 1_000_000_000, 413),
    "deep": (b'{"amount":' + b"[" * 10_000 + b"]" * 10_000 + b"}", None, 400),
    "giant int": (b'{"amount":' + b"9" * 60_000 + b"}", None, 400),
    "giant text": (b'{"amount":"' + b"9" * 60_000 + b'"}', None, 400),
    "NaN": (b'{"amount":NaN}', None, 400),
    "Infinity": (b'{"amount":-Infinity}', None, 400),
    "exponent": (b'{"amount":1e400}', None, 400),
    "NUL": (b'{"amount":"1.00","note":"a\\u0000b"}', None, 400),
    "surrogate": (b'{"amount":"1.00","note":"\\ud800"}', None, 400),
    "duplicate": (b'{"amount":"1.00","amount":"2.00"}', None, 400),
    "not UTF-8": (b'{"amount":"\xff"}', None, 400),
    "too much": (b'{"note":"' + b"x" * 70_000 + b'"}', None, 413),
    "nothing": (b"", None, 400),
    "a list": (b"[]", None, 400),
    "half": (b'{"amount":', None, 400),
}


async def test_f11_slow_and_hostile_clients_are_shown_the_door_and_hold_nobody_up(
    stage: Stage, service: Service, tell: Tell
) -> None:
    row = Row(name="F11")

    async with stage.under_load(service, row, callers=6) as workload:
        await asyncio.sleep(4)
        began = time.perf_counter()
        seconds, statuses = await _besiege(service, workload.people[0], row)
        ended = time.perf_counter()
    attempts = [attempt for record in workload.records for attempt in record.attempts]
    control = _p99([each for each in attempts if each.ended < began])
    beside = _p99([each for each in attempts if began <= each.began and each.ended <= ended])
    row.figures |= {
        "slowest_closed": f"{max(seconds):.1f}s",
        "statuses": dict(statuses),
        "p99": f"{control * 1000:.0f}ms->{beside * 1000:.0f}ms",
    }

    tell(row)
    row.assert_holds()
    assert row.ambiguous == 0
    assert set(statuses) <= {0, 400, 408, 413}
    assert {400, 408, 413} <= set(statuses)
    assert len(seconds) == SLOW_CONNECTIONS
    assert max(seconds) <= SLOW_SECONDS_MAX
    assert beside - control <= ADDED_SECONDS_MAX


async def test_f8_a_client_that_hangs_up_anywhere_in_its_request_has_asked_for_it_or_not(
    stage: Stage, service: Service, tell: Tell
) -> None:
    row, dice = Row(name="F8 hang-up"), random.Random(f"{SEED}/hang-up")
    happened = 0

    async with stage.under_load(service, row, callers=2) as workload:
        operations = [workload.operation(dice, f"left-{number}") for number in range(LEAVERS)]
        for start in range(0, LEAVERS, 10):
            await asyncio.gather(
                *[_leave(service, workload, operation, dice) for operation in operations[start : start + 10]]
            )
        row.faults += LEAVERS
        await asyncio.sleep(1)
        for operation in operations:
            record = await workload.ask(operation)
            answer = record.attempts[0].answer
            happened += answer is not None and answer.replayed
            # Whoever hung up has heard nothing, so nothing was promised.
            record.attempts.insert(0, UNHEARD)
    row.figures["happened_unheard"] = happened

    tell(row)
    row.assert_holds()
    assert 0 < happened < LEAVERS


async def _besiege(service: Service, victim: Person, row: Row) -> tuple[list[float], Counter[int]]:
    """Slow connections of every kind, and nonsense meanwhile: how long each was endured, and what all were told."""
    head = _head(victim, "transfer", "slow", 50)
    kinds = {
        "says nothing": (b"", b""),
        "half a header": (head[:40], b""),
        "a header drop by drop": (head[:20], b"X"),
        "half a body": (head + b'{"amount"', b""),
        "a body drop by drop": (head + b"{", b" "),
    }
    statuses: Counter[int] = Counter()
    chosen = [list(kinds.values())[number % len(kinds)] for number in range(SLOW_CONNECTIONS)]
    dripping = asyncio.gather(*[_endured(service, *kind) for kind in chosen])
    while not dripping.done():
        for body, length, expected in NONSENSE.values():
            status = await _say(service, _head(victim, "transfer", "nonsense", length or len(body)) + body)
            assert status == expected, (body[:40], status)
            statuses[status] += 1
            row.faults += 1
        await asyncio.sleep(0.5)
    ended = await dripping
    row.faults += len(ended)
    statuses.update(status for _, status in ended)
    return [seconds for seconds, _ in ended], statuses


async def _endured(service: Service, first: bytes, drop: bytes) -> tuple[float, int]:
    """Send this and then a drop each second; after how many seconds it was over, and with what status: 0, with none."""
    async with _connected(service) as (reader, writer):
        writer.write(first)
        began, said = time.perf_counter(), b""
        while time.perf_counter() - began < 2 * SLOW_SECONDS_MAX:
            try:
                async with asyncio.timeout(1):
                    part = await reader.read(65_536)
            except TimeoutError:
                if drop and not writer.is_closing():
                    writer.write(drop)
                continue
            except OSError:
                break
            said += part
            # An answer that closes the connection is the end of it, whoever is first to hang up.
            if not part or (said and b"\r\n\r\n" in said):
                break
        return time.perf_counter() - began, _status(said)


async def _say(service: Service, request: bytes) -> int:
    async with _connected(service) as (reader, writer), asyncio.timeout(ANSWER_SECONDS_MAX):
        writer.write(request)
        return _status(await reader.read(65_536))


async def _leave(service: Service, workload: Workload, operation: Operation, dice: random.Random) -> None:
    """Send so many bytes of the request and hang up."""
    person = workload.people[operation.person]
    body: dict[str, object] = {"amount": f"{operation.amount / 100:.2f}", "currency": operation.currency}
    if operation.other is not None:
        body["to_wallet_id"] = workload.people[operation.other].wallet_id
    content = json.dumps(body).encode()
    request = _head(person, operation.action, operation.key, len(content)) + content
    async with _connected(service) as (_, writer):
        # Every other one is sent as a whole: the client leaves while it is being worked on.
        writer.write(request[: dice.randrange(1, len(request))] if dice.random() < 0.5 else request)
        await writer.drain()
        await asyncio.sleep(dice.uniform(0, 0.01))
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_INSTEAD_OF_GOODBYE)
        writer.transport.abort()


@asynccontextmanager
async def _connected(service: Service) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, service.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def _head(person: Person, action: str, key: str, length: int) -> bytes:
    return (
        f"POST /wallets/{person.wallet_id}/{action} HTTP/1.1\r\nHost: {LOOPBACK}\r\n"
        f"Authorization: Bearer {person.token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/") else 0


def _p99(attempts: Sequence[Attempt]) -> float:
    return percentile([each.ended - each.began for each in attempts], 0.99)
