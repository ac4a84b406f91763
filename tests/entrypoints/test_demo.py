"""The demo, started as a newcomer starts it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from entrypoints.embedded.ports import free_port

ROOT = Path(__file__).parents[2]
READY = re.compile(r"Ready in [0-9.]+ s: (http://\S+)")


@contextmanager
def demo(home: Path, port: int, *flags: str) -> Iterator[tuple[str, float, list[str]]]:
    """A running demo: where it answers, how many seconds it took, and what it printed. Ctrl-C ends it."""
    started = time.monotonic()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    process = subprocess.Popen(
        [sys.executable, "-m", "entrypoints", "demo", *flags],
        cwd=ROOT,
        env=kept | {"PORT": str(port), "WALLET_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed: list[str] = []
    try:
        url = None
        for line in process.stdout:
            printed.append(line)
            ready = READY.search(line)
            url = ready[1] if ready else url
            if line.startswith("Stop "):
                break
        assert url is not None, "".join(printed)
        yield url, time.monotonic() - started, printed
    finally:
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=30)
        finally:
            process.kill()  # nothing, where it has ended; its servers end with it
        printed.append(rest)
    assert process.returncode == 0, "".join(printed)


def answer(url: str) -> dict[str, object]:
    """A JSON answer. Whoever says Ready answers at once."""
    with urllib.request.urlopen(url, timeout=5) as response:
        body: dict[str, object] = json.load(response)
        return body


def told_of(url: str, address: str, what: str) -> str:
    """The subjects of what that address was sent, once that is among them: a worker sends it, soon."""
    deadline = time.monotonic() + 10
    while True:
        told = answer(f"{url}/dev/mailbox/messages?to={address}")["data"]
        assert isinstance(told, list)
        subjects = "; ".join(message["subject"] for message in told)
        if what in subjects or time.monotonic() > deadline:
            return subjects
        time.sleep(0.1)


def running_commands() -> list[str]:
    """The command lines of all processes."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended while we looked
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return commands


def pasted(printed: list[str]) -> str:
    """The commands that the demo offers to paste."""
    lines = "".join(printed).splitlines()
    first = next(number for number, line in enumerate(lines) if line.lstrip().startswith("TOKEN="))
    last = next(number for number, line in enumerate(lines) if "Lunch" in line)
    return "\n".join(lines[first : last + 1])


def test_the_demo_serves_keeps_its_data_and_is_wiped_on_request(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()

    with demo(home, port) as (url, _, printed):
        assert answer(f"{url}/readyz") == {"ready": True, "database": "ok", "migrations": "ok", "cache": "ok"}
        first = subprocess.run(["bash", "-c", pasted(printed)], capture_output=True, text=True, timeout=30)
        again = subprocess.run(["bash", "-c", pasted(printed)], capture_output=True, text=True, timeout=30)
        assert "201 Created" in first.stdout
        assert "Idempotent-Replayed" not in first.stdout
        assert "Idempotent-Replayed: true" in again.stdout
        assert f"{url}/dev/mailbox" in "".join(printed)
        assert "new device" in told_of(url, "ada@example.com", "new device")
        assert "hedy@example.com" in "".join(printed)

    # As an earlier version left it, which had nothing to seal.
    kept_secrets = json.loads((home / "secrets.json").read_text())
    del kept_secrets["sealing"]
    (home / "secrets.json").write_text(json.dumps(kept_secrets))

    with demo(home, port) as (url, seconds, printed):
        assert seconds < 10  # some three where nothing else runs
        kept = subprocess.run(["bash", "-c", pasted(printed)], capture_output=True, text=True, timeout=30)
        assert "Idempotent-Replayed: true" in kept.stdout

    with demo(home, port, "--reset") as (url, _, printed):
        wiped = subprocess.run(["bash", "-c", pasted(printed)], capture_output=True, text=True, timeout=30)
        assert "Idempotent-Replayed" not in wiped.stdout


def test_a_demo_that_was_stopped_half_way_is_begun_anew(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    with demo(home, port):
        pass
    (home / "seeded").unlink()  # as when it was stopped while people were still being put in

    with demo(home, port) as (_, _, printed):
        sent = subprocess.run(["bash", "-c", pasted(printed)], capture_output=True, text=True, timeout=30)
        assert "201 Created" in sent.stdout
        assert "Idempotent-Replayed" not in sent.stdout


def test_a_taken_port_is_said_and_the_next_one_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with demo(tmp_path / "home", port) as (url, _, printed):
            assert f"Port {port} is taken" in "".join(printed)
            assert not url.endswith(f":{port}")
            assert answer(f"{url}/healthz") == {"status": "ok"}


def test_a_folder_of_somebody_else_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")

    told = subprocess.run(
        [sys.executable, "-m", "entrypoints", "demo", "--reset", "--home", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert told.returncode == 1
    assert "something else" in told.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_of_the_demo_is_left_running(tmp_path: Path) -> None:
    home = tmp_path / "home"

    with demo(home, free_port()):
        pass

    assert [line for line in running_commands() if str(home) in line] == []
