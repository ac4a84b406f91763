"""The command line, as an operator uses it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "JWT_SECRET": "s" * 32,
    "PASSWORD_PEPPER": "p" * 32,
    "SEALING_KEYS": f"k1:{'5e' * 32}",
    "WALLET_ENV": "development",
    "BCRYPT_COST": "4",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    return subprocess.run(
        [sys.executable, "-m", "entrypoints", *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_names_every_command() -> None:
    told = run("--help")

    assert told.returncode == 0
    for command in ("serve", "migrate", "verify", "admin", "demo"):
        assert command in told.stdout


def test_serving_without_settings_names_all_that_is_missing_at_once() -> None:
    told = run("serve")

    assert told.returncode == 2
    for name in ("DATABASE_URL", "JWT_SECRET", "PASSWORD_PEPPER", "SEALING_KEYS"):
        assert name in told.stderr
    assert "Traceback" not in told.stderr


def test_migrating_twice_changes_nothing_the_second_time(owner_database: str, database: str) -> None:
    told = run("migrate", MIGRATION_DATABASE_URL=owner_database)
    status = run("migrate", "--status", MIGRATION_DATABASE_URL=owner_database)

    assert told.returncode == 0, told.stderr
    assert "nothing to migrate" in told.stdout
    assert "0001_people_and_wallets  applied" in status.stdout


def test_a_database_that_does_not_answer_is_one_line_and_no_traceback() -> None:
    told = run("verify", DATABASE_URL="postgresql://wallet:wrong@127.0.0.1:1/wallet")

    assert told.returncode == 1
    assert "does not answer" in told.stderr
    assert "Traceback" not in told.stderr


def test_books_that_balance_pass(database: str) -> None:
    told = run("verify", DATABASE_URL=database)

    assert told.returncode == 0, told.stderr
    assert told.stdout == "The books balance.\n"


async def test_an_incremental_run_fails_until_what_it_found_is_mended(database: str, owner_database: str) -> None:
    owner = await asyncpg.connect(owner_database)
    account_id = "01930000-0000-7000-8000-000000000001"
    runs = []
    try:
        await owner.execute(
            "INSERT INTO wallets (id, name, currency, created_at) VALUES ($1, 'gateway:lost', 'USD', now())", account_id
        )
        await owner.execute("INSERT INTO accounts (id, wallet_id, currency) VALUES ($1, $1, 'USD')", account_id)

        for balance in (0, 5, 5, 0):
            await owner.execute("UPDATE accounts SET balance = $1", balance)
            runs.append(run("verify", "--incremental", DATABASE_URL=database))
    finally:
        await owner.close()

    assert [told.returncode for told in runs] == [0, 1, 1, 0]
    assert [told.stderr for told in runs] == [""] * 4
    assert f"I3 balance_is_the_sum_of_entries  USD  {account_id}  The balance is 5, 0 was verified" in runs[1].stdout
    assert runs[1].stdout == runs[2].stdout


def test_on_a_terminal_a_bar_shows_how_far_the_books_are_checked(database: str) -> None:
    terminal, other_end = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "120", "DATABASE_URL": database}

    told = subprocess.run(
        [sys.executable, "-m", "entrypoints", "verify"],
        cwd=ROOT, env=environment, stdout=other_end, stderr=other_end, timeout=60,
    )  # fmt: skip
    os.close(other_end)
    shown = _everything_of(terminal)

    assert told.returncode == 0, shown
    assert "100%" in shown
    assert "The books balance." in shown


async def test_books_that_do_not_balance_fail_and_say_where(database: str, owner_database: str) -> None:
    owner = await asyncpg.connect(owner_database)
    account_id = "01930000-0000-7000-8000-000000000001"
    try:
        await owner.execute(
            "INSERT INTO wallets (id, name, currency, created_at) VALUES ($1, 'gateway:lost', 'USD', now())", account_id
        )
        await owner.execute(
            "INSERT INTO accounts (id, wallet_id, currency, balance) VALUES ($1, $1, 'USD', 5)", account_id
        )
    finally:
        await owner.close()

    told = run("verify", DATABASE_URL=database)

    assert told.returncode == 1
    assert account_id in told.stdout


async def test_an_admin_is_made_once(database: str, owner_database: str) -> None:
    asked = ("admin", "create", "--email", "root@example.com", "--name", "Root")

    made = run(*asked, DATABASE_URL=database, ADMIN_PASSWORD="a long enough one", **SECRETS)
    again = run(*asked, DATABASE_URL=database, ADMIN_PASSWORD="a long enough one", **SECRETS)

    assert made.returncode == 0, made.stderr
    assert again.returncode == 1
    assert "reached by that address already" in again.stderr
    owner = await asyncpg.connect(owner_database)
    try:
        assert await owner.fetchval("SELECT role FROM users WHERE email = 'root@example.com'") == "admin"
    finally:
        await owner.close()


@pytest.mark.parametrize(
    ("email", "name", "complaint"),
    [("not an email", "Root", "email address"), ("root@example.com", " ", "visible text")],
)
def test_an_admin_who_could_never_log_in_is_not_made(database: str, email: str, name: str, complaint: str) -> None:
    told = run(
        "admin", "create", "--email", email, "--name", name,
        DATABASE_URL=database, ADMIN_PASSWORD="a long enough one", **SECRETS,
    )  # fmt: skip

    assert told.returncode == 1
    assert complaint in told.stderr


def test_a_service_without_its_database_says_so_in_one_line() -> None:
    told = run(
        "admin", "create", "--email", "a@example.com", "--name", "A",
        DATABASE_URL="postgresql://wallet:wrong@127.0.0.1:1/wallet", ADMIN_PASSWORD="x" * 9, **SECRETS,
    )  # fmt: skip

    assert told.returncode == 1
    assert "does not answer" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("password", "complaint"), [("short", "8 to 256 characters"), ("with\x07control", "control characters")]
)
def test_an_admin_with_a_weak_password_is_refused(database: str, password: str, complaint: str) -> None:
    told = run(
        "admin", "create", "--email", "root@example.com", "--name", "Root",
        DATABASE_URL=database, ADMIN_PASSWORD=password, **SECRETS,
    )  # fmt: skip

    assert told.returncode == 1
    assert complaint in told.stderr


def _everything_of(terminal: int) -> str:
    """What was written to the other end of a terminal that is closed there."""
    shown = b""
    try:
        while part := os.read(terminal, 65_536):
            shown += part
    except OSError:  # how Linux says that there is no more
        pass
    finally:
        os.close(terminal)
    return shown.decode()
