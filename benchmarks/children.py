"""The programs that a row runs, each with a time-out: one of ours that says when it measures, or one from elsewhere."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import BenchFailed

PROJECT: Final = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS: Final = 60.0
_LINES_SHOWN: Final = 15


class Child:
    """One of our own programs at work: it says `measuring` when its warm-up is over, and its answer in the end."""

    def __init__(self, process: subprocess.Popen[str], seconds_max: float) -> None:
        self._process = process
        self._seconds_max = seconds_max

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_measuring(self) -> None:
        """Return when its warm-up is over. Raises BenchFailed when it ends before that."""
        line = "" if self._process.stdout is None else self._process.stdout.readline()
        if line.strip() != "measuring":
            raise BenchFailed(f"A program failed while it warmed up: {line}{self._complaints()}")

    def answer(self) -> dict[str, Any]:
        """What it measured, once it has ended. Raises BenchFailed when it failed."""
        try:
            said, complained = self._process.communicate(timeout=self._seconds_max)
        except subprocess.TimeoutExpired:
            raise BenchFailed(f"A program was not done after {self._seconds_max:g} s.") from None
        if self._process.returncode != 0:
            raise BenchFailed(f"A program failed.\n{_end_of(complained)}")
        answered: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return answered

    def _complaints(self) -> str:
        try:
            return _end_of(self._process.communicate(timeout=_PATIENCE_SECONDS)[1])
        except subprocess.TimeoutExpired:
            return "It does not end."


@contextmanager
def child(module: str, work: Mapping[str, Any], *, environment: Mapping[str, str], seconds: float) -> Iterator[Child]:
    """`python -m module` at work on what it reads from its standard input; it is gone when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdin is not None:
            process.stdin.write(json.dumps(work) + "\n")
            process.stdin.flush()
        yield Child(process, seconds + _PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run_program(
    command: Sequence[str],
    *,
    cwd: Path,
    seconds: float,
    environment: Mapping[str, str],
    interrupted: bool = False,
) -> str:
    """Run a program to its end and return what it said; `interrupted` ends it by SIGINT when those seconds are over.

    Raises BenchFailed when it fails or takes a minute longer.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        if interrupted:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=seconds + _PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise BenchFailed(f"{command[0]} was not done after {seconds + _PATIENCE_SECONDS:g} s.") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise BenchFailed(f"{command[0]} failed.\n{_end_of(said)}")
    return said


def plain_environment() -> dict[str, str]:
    """What a program needs of ours, without the settings of a service or a database that we were started beside."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _end_of(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_LINES_SHOWN:])
