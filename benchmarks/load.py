"""Puts a service under load: with wrk where it is installed, else with a generator of our own."""

import asyncio
import json
import math
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, assert_never

import uvloop

from benchmarks.children import plain_environment, run_program
from benchmarks.faults import BenchFailed
from benchmarks.figures import Figures
from benchmarks.generator import generate
from benchmarks.processes import Kind, reaped_seconds
from benchmarks.requests import Requests
from benchmarks.service import Service
from benchmarks.stage import Stage
from benchmarks.usage import Usage
from entrypoints.embedded.ports import LOOPBACK

_SCRIPT: Final = Path(__file__).with_name("load.lua")
_ANSWER_SECONDS_MAX: Final = 10


class Generator(StrEnum):
    """What makes the requests."""

    WRK = "wrk"
    OWN = "own"


def generators_here() -> tuple[Generator, ...]:
    """Those that this machine has, the best one first."""
    return (Generator.WRK, Generator.OWN) if shutil.which("wrk") else (Generator.OWN,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many connections, each with one request after the other. `tag` makes the keys new ones. Times are seconds."""

    requests: Requests
    connections: int
    warm_seconds: float
    seconds: float
    tag: str


def put_under_load(stage: Stage, service: Service, load: Load, using: Generator) -> Figures:
    """Ask for as long as the load says.

    Raises BenchFailed when anything but what is expected came back.
    """
    match using:
        case Generator.WRK:
            answer, used = _by_wrk(stage, service, load)
        case Generator.OWN:
            answer, used = _by_our_own(stage, service, load)
        case _:
            assert_never(using)
    if answer["refused"] or answer["broken"] or not answer["operations"]:
        raise BenchFailed(
            f"{load.tag}: {answer['operations']} answers as expected, {answer['refused']} others, "
            f"{answer['broken']} broken connections."
        )
    return Figures(
        operations=int(answer["operations"]),
        seconds=answer["seconds"],
        p50_ms=answer["p50_ms"],
        p99_ms=answer["p99_ms"],
        usage=used,
    )


def _by_wrk(stage: Stage, service: Service, load: Load) -> tuple[dict[str, Any], Usage]:
    with tempfile.NamedTemporaryFile(dir=stage.home) as file:
        load.requests.write(Path(file.name))
        if load.warm_seconds:
            _run_wrk(stage, service, load, file.name, seconds=load.warm_seconds, tag=f"{load.tag}-warm")
        meter = stage.meter(service.books, serving=[service.pid])
        asyncio.run(meter.start())
        own = reaped_seconds()
        said = _run_wrk(stage, service, load, file.name, seconds=load.seconds, tag=load.tag)
        used = asyncio.run(meter.stop()).with_cpu(Kind.GENERATOR, reaped_seconds() - own)
    answers = [line for line in said.splitlines() if line.startswith("{")]
    if not answers:
        raise BenchFailed(f"wrk gave no answer.\n{said}")
    return json.loads(answers[-1]), used


def _run_wrk(stage: Stage, service: Service, load: Load, requests: str, *, seconds: float, tag: str) -> str:
    # It knows whole seconds alone, and ends in order when it is interrupted.
    longer = math.ceil(seconds) + 1
    return run_program(
        [
            *("wrk", "--threads", "1", "--connections", str(load.connections), "--duration", f"{longer}s"),
            *("--timeout", f"{_ANSWER_SECONDS_MAX}s", "--latency", "--script", str(_SCRIPT)),
            *(f"http://{LOOPBACK}:{service.port}", "--", requests, tag),
        ],
        cwd=stage.home,
        seconds=seconds,
        environment=plain_environment(),
        interrupted=True,
    )


def _by_our_own(stage: Stage, service: Service, load: Load) -> tuple[dict[str, Any], Usage]:
    meter = stage.meter(service.books, serving=[service.pid])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answer = runner.run(
            generate(
                load.requests,
                port=service.port,
                connections=load.connections,
                warm_seconds=load.warm_seconds,
                seconds=load.seconds,
                tag=load.tag,
                measuring=meter.start,
            )
        )
    return answer, asyncio.run(meter.stop()).with_cpu(Kind.GENERATOR, answer["cpu_seconds"])
