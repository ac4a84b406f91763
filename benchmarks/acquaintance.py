"""Lets each process of a service meet everybody once, before anything is measured.

The first request under a token has its signature verified and its session read; from then on both are remembered. Ten
thousand first requests would be much of a row of seconds, and are nothing of a service that has run for an hour.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from benchmarks.faults import BenchFailed
from benchmarks.generator import content_length
from benchmarks.requests import Requests
from benchmarks.service import PROCESS_PATH, Service
from entrypoints.embedded.ports import LOOPBACK

_CONNECTIONS_EACH: Final = 16
_CONNECTIONS_MAX: Final = 1_000
_SECONDS_MAX: Final = 60.0
_ASK_PROCESS: Final = f"GET {PROCESS_PATH} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def acquaint(service: Service, requests: Requests) -> None:
    """Send one request of each head to each process. Raises BenchFailed when one is refused or it takes too long."""
    try:
        asyncio.run(asyncio.wait_for(_acquaint(service, requests), _SECONDS_MAX))
    except TimeoutError:
        raise BenchFailed("The service took too long to meet everybody.") from None


async def _acquaint(service: Service, requests: Requests) -> None:
    connections = await _connections(service)
    try:
        async with asyncio.TaskGroup() as asking:
            for each in connections:
                for place, connection in enumerate(each):
                    heads = range(place, len(requests.heads), len(each))
                    asking.create_task(_ask_all(connection, requests, heads))
    finally:
        for each in connections:
            for _, writer in each:
                writer.close()


async def _connections(service: Service) -> list[list[_Connection]]:
    """Some to each process: the kernel deals them out, and each process tells who it is."""
    found: dict[bytes, list[_Connection]] = {}
    for _ in range(_CONNECTIONS_MAX):
        connection = await asyncio.open_connection(LOOPBACK, service.port)
        found.setdefault(await _answer(connection, _ASK_PROCESS, status=b"200"), []).append(connection)
        if len(found) == service.processes and all(len(each) >= _CONNECTIONS_EACH for each in found.values()):
            return list(found.values())
    raise BenchFailed(f"{_CONNECTIONS_MAX} connections did not reach each process.")


async def _ask_all(connection: _Connection, requests: Requests, heads: Sequence[int]) -> None:
    for head in heads:
        tail = requests.tails[(head + 1) % len(requests.tails)]
        request = f"{requests.heads[head]}met-{head:06d}{tail}".encode()
        await _answer(connection, request, status=str(int(requests.expected)).encode())


async def _answer(connection: _Connection, request: bytes, *, status: bytes) -> bytes:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(content_length(head))
    if head.split(maxsplit=2)[1] != status:
        raise BenchFailed(f"The service answered {head[:40]!r}: {body!r}")
    return body
