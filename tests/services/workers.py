"""Workers as their operator runs them: processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "WALLET_ENV": "development",
    "JWT_SECRET": "an example of 32 bytes or rather more",
    "PASSWORD_PEPPER": "an example of 32 bytes or rather more",
    "SEALING_KEYS": f"k1:{'5e' * 32}",
    "DATABASE_POOL_SIZE": "6",
    "IN_FLIGHT_MAX": "1",
    "PUBLIC_URL": "http://127.0.0.1",
    "MAIL_FROM": "Wallet <wallet@example.org>",
}


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A running `worker`."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def wait_until_at_work(self) -> None:
        """Return once it is."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not any(line["event"] == "the worker is at work" for line in self.lines()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)

    def stop(self) -> int:
        """End it as its operator would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)


def start_worker(log: Path, *options: str, **environment: str) -> WorkerProcess:
    """A worker that has been started; whoever asked for it ends it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrypoints", "worker", *options],
            cwd=PROJECT,
            env={**ENVIRONMENT, **environment},
            stdout=output,
            stderr=output,
        )
    return WorkerProcess(process, log)


@contextmanager
def a_worker(log: Path, *options: str, **environment: str) -> Iterator[WorkerProcess]:
    """A worker at work while the block runs."""
    worker = start_worker(log, *options, **environment)
    try:
        worker.wait_until_at_work()
        yield worker
    finally:
        worker.kill()
