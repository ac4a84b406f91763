"""What operators do about people and wallets from the command line: done, noted as theirs, never without a reason."""

import csv
import io
from collections.abc import Callable
from subprocess import CompletedProcess

import asyncpg
import pytest

from tests.contracts.postgres_books import PostgresBooks
from tests.entrypoints.test_cli import SECRETS, run
from wallet_core.clock import system_clock
from wallet_core.ledger.accounts import Account
from wallet_core.testing.contracts.books import a_person, now

Command = Callable[..., CompletedProcess[str]]
WHY = ("--reason", "Asked for by the police")


@pytest.fixture
def admin(database: str) -> Command:
    """`wallet admin …` on this test's database."""

    def command(*arguments: object) -> CompletedProcess[str]:
        return run("admin", *map(str, arguments), DATABASE_URL=database, **SECRETS)

    return command


@pytest.fixture
async def books(pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresBooks:
    books = PostgresBooks(pool, system_clock)
    await books.open()
    return books


@pytest.fixture
async def ada(books: PostgresBooks) -> Account:
    """Somebody with 5.00 USD."""
    return await a_person(books, name="Ada", balance=500)


async def test_whoever_is_made_an_admin_stands_in_the_audit(
    admin: Command, database: str, books: PostgresBooks
) -> None:
    asked = ("admin", "create", "--email", "root@example.com", "--name", "Root", "--reason", "We opened")
    made = run(*asked, DATABASE_URL=database, ADMIN_PASSWORD="correct horse battery", **SECRETS)
    again = run(*asked, DATABASE_URL=database, ADMIN_PASSWORD="correct horse battery", **SECRETS)
    told = admin("audit", "--action", "admin.added")

    user_id = made.stdout.split()[-1]
    assert (made.returncode, again.returncode) == (0, 1)
    assert len(told.stdout.splitlines()) == 1
    assert f"operator  admin.added  person {user_id}  'We opened'" in told.stdout
    assert await books.findings() == []


async def test_a_wallet_is_frozen_and_unfrozen_for_a_reason(admin: Command, ada: Account, books: PostgresBooks) -> None:
    unexplained = admin("freeze", ada.wallet_id)
    frozen = admin("freeze", ada.wallet_id, *WHY)
    again = admin("freeze", ada.wallet_id, *WHY)
    blank = admin("unfreeze", ada.wallet_id, "--reason", "  ")
    thawed = admin("unfreeze", ada.wallet_id, *WHY)
    told = admin("audit")

    assert (unexplained.returncode, blank.returncode, again.returncode) == (2, 1, 1)
    assert "Missing option '--reason'" in unexplained.stderr
    assert again.stderr == "It stands so already.\n"
    assert (frozen.returncode, frozen.stdout) == (0, f"  {ada.wallet_id}  frozen  Main\n    5.00 USD  frozen\n")
    assert (thawed.returncode, thawed.stdout) == (0, f"  {ada.wallet_id}  active  Main\n    5.00 USD  active\n")
    assert "operator  wallet.unfrozen" in told.stdout.splitlines()[0]
    assert "'Asked for by the police'" in told.stdout.splitlines()[1]
    assert await books.findings() == []


async def test_a_person_is_deactivated_and_activated(admin: Command, ada: Account, books: PostgresBooks) -> None:
    gone = admin("deactivate", ada.user_id, *WHY)
    found = admin("users", "--status", "deactivated", "--search", "ADA")
    back = admin("activate", ada.user_id, *WHY)
    shown = admin("user", ada.user_id)

    assert gone.stdout.startswith(f"{ada.user_id}  deactivated  user   Ada  ")
    assert found.stdout == gone.stdout
    assert back.stdout.startswith(f"{ada.user_id}  active  ")
    assert shown.stdout == back.stdout + f"  {ada.wallet_id}  active  Main\n    5.00 USD  active\n"
    assert await books.findings() == []


async def test_a_deposit_is_made_once_under_its_key(admin: Command, ada: Account, books: PostgresBooks) -> None:
    first = admin("deposit", ada.wallet_id, "12.50", "--key", "k", *WHY)
    again = admin("deposit", ada.wallet_id, "12.50", "--key", "k", *WHY)
    refused = admin("deposit", ada.wallet_id, "1.001", *WHY)
    history = admin("history", ada.user_id)

    assert first.stdout.endswith("12.50 USD deposited\n")
    assert again.stdout == first.stdout.replace("deposited", "deposited already")
    assert (refused.returncode, refused.stderr) == (1, "USD has 2 digits after the point.\n")
    assert [line.split()[4:] for line in history.stdout.splitlines()] == [["12.50", "USD"], ["5.00", "USD"]]
    assert await books.findings() == []


@pytest.mark.parametrize("key", ["", "two words", "k\N{LATIN SMALL LETTER E WITH ACUTE}", "k" * 256])
async def test_a_key_that_names_nothing_deposits_nothing(
    admin: Command, ada: Account, books: PostgresBooks, key: str
) -> None:
    """An empty one, of a variable that was not set, would make any two deposits the same."""
    refused = admin("deposit", ada.wallet_id, "12.50", "--key", key, *WHY)

    assert (refused.returncode, refused.stderr) == (1, "A key has 1 to 255 visible ASCII characters.\n")
    assert (await now(books, ada)).balance == 500


async def test_limits_are_set_and_what_is_not_said_stays(admin: Command, ada: Account, books: PostgresBooks) -> None:
    told = admin("limits", ada.user_id, "USD", "--transfer-daily", "7.50", *WHY)
    unknown = admin("limits", ada.user_id, "XXX", "--transfer-daily", "7.50", *WHY)

    assert told.stdout.splitlines() == [
        "transfer    7.50 a day  1000.00 a month  USD",
        "withdrawal  100.00 a day  1000.00 a month  USD",
    ]
    assert (unknown.returncode, unknown.stderr) == (1, "XXX is not dealt in here.\n")
    assert await books.findings() == []


async def test_nobody_is_logged_out_who_is_not_logged_in(admin: Command, ada: Account) -> None:
    listed, ended = admin("sessions", ada.user_id), admin("end-sessions", ada.user_id, *WHY)

    assert (listed.returncode, listed.stdout) == (0, "")
    assert (ended.returncode, ended.stdout) == (0, "0 sessions ended\n")


async def test_the_audit_is_sealed_and_told_as_a_table(admin: Command, ada: Account) -> None:
    admin("freeze", ada.wallet_id, "--reason", "=1+1")
    sealed = admin("seal")
    again = admin("seal")
    told = admin("audit", "--csv", "--action", "wallet.frozen")

    (row,) = csv.DictReader(io.StringIO(told.stdout))
    assert (row["target_id"], row["reason"]) == (str(ada.wallet_id), "'=1+1")
    assert sealed.stdout.startswith("1 entries sealed; of all seals the last is 1, ")
    assert again.stdout == sealed.stdout.replace("1 entries", "0 entries", 1)


@pytest.mark.parametrize("command", ["freeze", "unfreeze", "activate", "deactivate"])
def test_what_is_not_there_is_one_line_and_no_traceback(admin: Command, command: str) -> None:
    told = admin(command, "019a0000-0000-7000-8000-000000000000", *WHY)

    assert (told.returncode, told.stderr) == (1, "There is no such thing.\n")
