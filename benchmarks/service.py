"""The service as its operator runs it, with two routes more.

One is a POST that does nothing. It is declared as the transfer is: token, path and body are checked by the same code,
and then it answers. The other tells which process answers.

Run as `python -m benchmarks.service`: the settings come from the environment.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from benchmarks.books import Books
from benchmarks.children import PROJECT
from benchmarks.faults import BenchFailed
from benchmarks.stage import Stage
from entrypoints.api import api
from entrypoints.embedded.ports import LOOPBACK, free_port
from entrypoints.http.openapi import body, operation, path
from entrypoints.http.problems import json_response
from entrypoints.http.schemas.requests import TransferSchema, WalletPathSchema
from entrypoints.serving import EXIT_STOPPED, serve
from entrypoints.settings import Settings

PROCESS_PATH: Final = "/bench/process"
_START_SECONDS_MAX: Final = 60.0
_STOP_SECONDS_MAX: Final = 30.0
_ANSWER_SECONDS_MAX: Final = 10.0
_LOG_CHARACTERS_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that runs: the books it works on, where it listens, and the process that watches over the others."""

    books: Books
    port: int
    pid: int
    processes: int


@contextmanager
def served(stage: Stage, books: Books, *, processes: int, cached: bool = True) -> Iterator[Service]:
    """A service in so many processes on those books while the block runs, with or without a cache.

    Raises BenchFailed when it does not start, does not stop in order, or met what it did not expect.
    """
    port = free_port()
    log = stage.home / f"service-{books.database}-{'cached' if cached else 'bare'}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.service"],
            cwd=PROJECT,
            env={**stage.environment(books, cached=cached), "PORT": str(port), "WORKERS": str(processes)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, log, processes)
        yield Service(books=books, port=port, pid=process.pid, processes=processes)
        process.terminate()
        if process.wait(_STOP_SECONDS_MAX) != EXIT_STOPPED:
            raise BenchFailed(f"The service did not stop in order.\n{_end_of(log)}")
        if any(line["level"] in ("error", "critical") for line in _lines(log)):
            raise BenchFailed(f"The service met what it did not expect.\n{_end_of(log)}")
    except subprocess.TimeoutExpired:
        raise BenchFailed(f"The service did not stop.\n{_end_of(log)}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def answer_of(service: Service, request: str) -> bytes:
    """The body of the answer to one request, a GET as it goes over the wire. Raises BenchFailed unless it is 200."""
    with socket.create_connection((LOOPBACK, service.port), timeout=_ANSWER_SECONDS_MAX) as connection:
        connection.sendall(request.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    if answer.status != HTTPStatus.OK:
        raise BenchFailed(f"The service answered {answer.status}: {body.decode(errors='replace')}")
    return body


@asynccontextmanager
async def measured_api(settings: Settings) -> AsyncIterator[web.Application]:
    """The application as it is, and the two routes."""

    @operation(tags=["bench"], summary="Nothing", responses={201: (None, "Nothing was done")})
    @path(WalletPathSchema)
    @body(TransferSchema)
    async def do_nothing(_: web.Request) -> web.Response:
        return json_response({}, HTTPStatus.CREATED)

    async def tell_process(_: web.Request) -> web.Response:
        return json_response(os.getpid())

    async with api(settings) as application:
        application.router.add_post("/wallets/{wallet_id}/noop", do_nothing)
        application.router.add_get(PROCESS_PATH, tell_process)
        yield application


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, processes: int) -> None:
    """Return once each of the processes takes requests."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    while sum(line["event"] == "listening" for line in _lines(log)) < processes:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchFailed(f"The service did not start.\n{_end_of(log)}")
        time.sleep(0.05)


def _lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-_LOG_CHARACTERS_SHOWN:]


if __name__ == "__main__":
    sys.exit(serve(measured_api, Settings.from_environment(os.environ)))
