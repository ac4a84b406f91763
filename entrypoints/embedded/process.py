"""A server as a child process: started with a time-out, stopped within bounds, gone when its parent is gone."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_BECOME = Path(__file__).with_name("become.py")
_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 12
_LOG_BYTES_READ = 16_384
_SECONDS_TO_DIE = 10.0


class ServerFailed(Exception):
    """A server did not start, or cannot run here; the message says why, with the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """As whom a child runs: as we do, unless a prefix or another user says otherwise."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


AS_WE_ARE = RunAs()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStep:
    """A signal, and how many seconds the server has to obey it before the next step."""

    signal: signal.Signals
    seconds_max: float


class ServerProcess:
    """One server, from start to stop.

    Start it from a thread that outlives it (the main one): Linux ends the child when the thread that made it ends.
    """

    def __init__(self, name: str, *, log: Path, run_as: RunAs, stop_steps: Sequence[StopStep]) -> None:
        self._name = name
        self._log = log
        self._run_as = run_as
        self._stop_steps = tuple(stop_steps)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id. Raises ServerFailed when it was not started."""
        if self._child is None:
            raise ServerFailed(f"{self._name} is not running")
        return self._child.pid

    def start(self, command: Sequence[str], *, is_ready: Callable[[int], bool], seconds_max: float) -> None:
        """Start the server and wait until `is_ready(pid)`.

        Raises ServerFailed, with the end of the log, when it exits early or is not ready after `seconds_max`.
        """
        if self._child is not None:
            raise ServerFailed(f"{self._name} runs already")
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603 (our own command line, no shell)
                _child_command(command, self._run_as, self._stop_steps[0].signal),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=child_environment(),
                # Its own session: Ctrl-C reaches us alone, so that we can finish our work before it goes.
                start_new_session=True,
            )
        try:
            self._wait(self._child, is_ready, seconds_max)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: politely at first, by SIGKILL in the end. Stopping twice is no error."""
        child, self._child = self._child, None
        if child is None:
            return
        for step in self._stop_steps:
            if child.poll() is not None:
                return
            child.send_signal(step.signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(step.seconds_max)
                return
        child.kill()
        child.wait(_SECONDS_TO_DIE)

    def log_tail(self) -> str:
        """The last lines the server wrote."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - _LOG_BYTES_READ))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES_SHOWN:])

    def _wait(self, child: subprocess.Popen[bytes], is_ready: Callable[[int], bool], seconds_max: float) -> None:
        deadline = time.monotonic() + seconds_max
        while child.poll() is None:
            if is_ready(child.pid):
                return
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self._name} was not ready after {seconds_max:g} s\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)
        raise ServerFailed(f"{self._name} stopped while starting (exit code {child.returncode})\n{self.log_tail()}")


def run_to_end(command: Sequence[str], *, run_as: RunAs, cwd: Path, seconds_max: float) -> str:
    """Run a command that ends by itself and return what it wrote.

    Raises ServerFailed, with that text, when it fails or takes longer than `seconds_max`.
    """
    try:
        done = subprocess.run(  # noqa: S603 (our own command line, no shell)
            _child_command(command, run_as, signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=child_environment(),
            timeout=seconds_max,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ServerFailed(f"{Path(command[0]).name} was not done after {seconds_max:g} s") from late
    except OSError as refused:
        raise ServerFailed(f"{Path(command[0]).name} could not be run: {refused}") from refused
    text = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        raise ServerFailed(f"{Path(command[0]).name} failed (exit code {done.returncode})\n{text}")
    return text


def child_environment() -> Mapping[str, str]:
    """Our environment without the settings that PostgreSQL's programs would take from it (PGDATA, PGPORT, …)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _child_command(command: Sequence[str], run_as: RunAs, last_signal: signal.Signals) -> list[str]:
    """The command, told to end with us, even by SIGKILL; only Linux can promise that (see `become.py`)."""
    owners = ("-", "-") if run_as.user is None else (str(run_as.user), str(run_as.group))
    become = [sys.executable, "-I", "-S", str(_BECOME), str(os.getpid()), str(int(last_signal)), *owners]
    return [*become, *run_as.prefix, *command]
