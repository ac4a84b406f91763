"""Incremental verification: what is new is judged once, whatever is wrong with it is told until it is mended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from adapters.postgres.verification import Finding, verify, verify_new
from tests.adapters.busy_book import Book, Connection, Pool

PERSONS = "(SELECT id FROM accounts WHERE user_id IS NOT NULL AND version > 3 AND currency = 'USD' ORDER BY id LIMIT 1)"
NEWEST = (
    "(SELECT transaction_id FROM entries JOIN accounts a ON a.id = account_id AND a.version = seq "
    f"WHERE a.id = {PERSONS})"
)
NOWHERE = "'019bc173-0000-7000-8000-00000000dead'"


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break `invariant`. `plant` breaks it and returns the subject that must be named for it."""

    invariant: str
    plant: str


FAULTS = {
    "a leg of another amount": Fault(
        "I1 each_transaction_sums_to_zero",
        f"UPDATE entries SET amount = amount + 1 WHERE transaction_id = {NEWEST} AND amount > 0 "
        "RETURNING transaction_id",
    ),
    "a leg that is missing": Fault(
        "I1 each_transaction_sums_to_zero",
        f"DELETE FROM entries WHERE transaction_id = {NEWEST} AND amount > 0 RETURNING transaction_id",
    ),
    "money from nowhere": Fault(
        "I2 each_currency_sums_to_zero",
        f"UPDATE accounts SET balance = balance + 1 WHERE id = {PERSONS} RETURNING currency",
    ),
    "a balance of its own": Fault(
        "I3 balance_is_the_sum_of_entries",
        f"UPDATE accounts SET balance = balance + 1 WHERE id = {PERSONS} RETURNING id",
    ),
    "a last entry that says another balance": Fault(
        "I3 balance_is_that_of_the_last_entry",
        "UPDATE entries SET balance_after = balance_after + 1 FROM accounts a "
        f"WHERE a.id = account_id AND seq = a.version AND a.id = {PERSONS} RETURNING account_id",
    ),
    "a balance below zero": Fault(
        "I4 nobody_is_overdrawn",
        f"UPDATE accounts SET balance = -1 WHERE id = {PERSONS} RETURNING id",
    ),
    "an entry that the account does not count": Fault(
        "I5 version_is_the_number_of_entries",
        "INSERT INTO entries SELECT id, version + 1, gen_random_uuid(), 1, balance + 1 FROM accounts "
        f"WHERE id = {PERSONS} RETURNING account_id",
    ),
    "a version that goes back": Fault(
        "I5 version_is_the_number_of_entries",
        f"UPDATE accounts SET version = version - 1 WHERE id = {PERSONS} RETURNING id",
    ),
    "a gap where the balances match": Fault(
        "I5 each_entry_continues_the_one_before",
        "UPDATE entries SET seq = seq + 5 FROM accounts a WHERE a.id = account_id "
        f"AND a.id = {PERSONS} AND seq = a.version RETURNING account_id || '/' || seq",
    ),
    "a row that tells of another balance": Fault(
        "I7 completed_has_its_two_entries",
        "UPDATE transactions SET source_balance_after = 12345678, destination_balance_after = 12345678 "
        f"WHERE id = {NEWEST} RETURNING id",
    ),
    "entries of what did not complete": Fault(
        "I7 completed_has_its_two_entries",
        f"UPDATE transactions SET status = 'PENDING' WHERE id = {NEWEST} RETURNING id",
    ),
    "money that is held for nothing": Fault(
        "I9 held_is_the_sum_of_open_holds",
        f"UPDATE accounts SET held = 1 WHERE id = {PERSONS} RETURNING id",
    ),
    "entries of a transaction that is not there": Fault(
        "I10 each_entry_belongs_to_a_transaction_and_an_account",
        f"UPDATE entries SET transaction_id = {NOWHERE} WHERE transaction_id = {NEWEST} RETURNING transaction_id",
    ),
    "a transaction in another currency than its accounts": Fault(
        "I10 each_entry_belongs_to_a_transaction_and_an_account",
        f"UPDATE transactions SET currency = 'GBP' WHERE id = {NEWEST} RETURNING id",
    ),
}


@pytest.fixture
async def book(pool: Pool) -> Book:
    book = Book(pool)
    await book.open()
    return book


@pytest.fixture
async def owner(owner_database: str) -> AsyncIterator[Connection]:
    """The owner's connection: the application has no right to break its books."""
    connection = await asyncpg.connect(owner_database, timeout=10, command_timeout=30)
    yield connection
    await connection.close()


async def test_healthy_books_have_no_finding_however_often_they_are_asked(book: Book, pool: Pool) -> None:
    findings: list[Finding] = []

    async with pool.acquire() as connection:
        findings += await verify_new(connection)
        for seed in range(4):
            await book.be_busy(batches=15, seed=seed)
            findings += await verify_new(connection)
        findings += await verify_new(connection)
        marks = await connection.fetch("SELECT * FROM verified_accounts ORDER BY account_id")
        accounts = await connection.fetch("SELECT id, version, balance FROM accounts WHERE version > 0 ORDER BY id")

    assert findings == []
    assert [tuple(mark) for mark in marks] == [tuple(account) for account in accounts]


async def test_movements_and_other_runs_that_go_on_meanwhile_do_not_matter(book: Book, pool: Pool) -> None:
    async def look() -> list[Finding]:
        findings: list[Finding] = []
        async with pool.acquire() as connection:
            for _ in range(8):
                findings += await verify_new(connection)
        return findings

    looks = await asyncio.gather(look(), look(), book.be_busy(batches=30))

    assert [looks[0], looks[1]] == [[], []]


@pytest.mark.parametrize("title", FAULTS)
async def test_a_fault_in_new_entries_is_named_with_what_breaks_until_it_is_mended(
    book: Book, owner: Connection, title: str
) -> None:
    fault = FAULTS[title]
    await book.be_busy(batches=20, together=False)
    assert await verify_new(owner) == []
    await book.be_busy(batches=20, seed=8, together=False)
    await _take_guards_away(owner)

    subjects = {str(row[0]) for row in await owner.fetch(fault.plant)}
    findings = await verify_new(owner)
    again = await verify_new(owner)

    assert subjects, "nothing was broken"
    assert subjects <= {finding.subject for finding in findings if finding.invariant == fault.invariant}
    assert again == findings


async def test_a_fault_in_entries_that_were_verified_is_left_to_the_full_run(book: Book, owner: Connection) -> None:
    await book.be_busy(batches=20)
    await verify_new(owner)
    await _take_guards_away(owner)
    await owner.execute(f"UPDATE entries SET amount = amount + 1 WHERE account_id = {PERSONS} AND seq = 1")

    incremental, full = await verify_new(owner), await verify(owner)

    assert incremental == []
    assert "I1 each_transaction_sums_to_zero" in {finding.invariant for finding in full}


async def test_a_run_reads_nothing_of_what_was_verified_before(book: Book, owner: Connection) -> None:
    await book.be_busy(batches=40)
    await verify_new(owner)
    await owner.execute("ALTER TABLE entries DISABLE TRIGGER USER")
    await owner.execute("TRUNCATE entries")

    assert await verify_new(owner) == []


async def test_it_waits_for_another_run_and_goes_on_where_that_one_ended(
    book: Book, owner: Connection, pool: Pool
) -> None:
    await book.be_busy(batches=5)
    other = owner.transaction()
    await other.start()
    await owner.execute("LOCK TABLE verified_accounts IN SHARE ROW EXCLUSIVE MODE")

    async with pool.acquire() as connection:
        waiting = asyncio.create_task(verify_new(connection))
        await asyncio.sleep(0.2)
        waited = not waiting.done()
        await other.rollback()
        findings = await waiting

    assert waited
    assert findings == []


async def _take_guards_away(owner: Connection) -> None:
    for table in ("entries", "transactions"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await owner.execute("ALTER TABLE accounts DROP CONSTRAINT nobody_is_overdrawn")
