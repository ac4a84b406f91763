"""Verification: a healthy book has no finding, however busy it is; what is found is told shortly and in order."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.verification import Finding, verify
from tests.adapters.busy_book import Book, Connection, Pool
from wallet_core.ledger.outcomes import Declined, Posted, Reason


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


async def test_an_empty_database_has_no_finding(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await verify(connection) == []


async def test_a_busy_book_with_everything_in_it_has_no_finding(book: Book, owner: Connection, pool: Pool) -> None:
    outcomes = await book.be_busy(batches=60)
    await book.freeze_first()
    outcomes += await book.be_busy(batches=15, seed=8)

    async with pool.acquire() as connection:
        findings = await verify(connection)

    assert findings == []
    assert {outcome.transaction.kind for outcome in outcomes if isinstance(outcome, Posted)} == {
        "deposit",
        "withdraw",
        "transfer",
    }
    assert sum(outcome.replayed for outcome in outcomes) > 30
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Declined)} >= {
        Reason.INSUFFICIENT_FUNDS,
        Reason.LIMIT_EXCEEDED,
        Reason.RECIPIENT_UNAVAILABLE,
        Reason.WALLET_FROZEN,
        Reason.SAME_WALLET,
    }
    assert await owner.fetchval("SELECT count(DISTINCT date_trunc('month', business_date)) FROM transactions") == 2
    assert await owner.fetchval("SELECT count(*) FROM transactions WHERE kind = 'deposit' AND status = 'FAILED'") > 0


async def test_movements_that_go_on_meanwhile_do_not_matter(book: Book, pool: Pool) -> None:
    busy = asyncio.create_task(book.be_busy(batches=40))
    findings: list[Finding] = []
    rounds = 0

    async with pool.acquire() as connection:
        while not busy.done():
            findings += await verify(connection)
            rounds += 1
    await busy

    assert findings == []
    assert rounds > 1


async def test_findings_are_bounded_for_each_invariant_and_told_in_order(book: Book, owner: Connection) -> None:
    await book.be_busy(batches=30)
    await owner.execute("DELETE FROM events")
    await owner.execute("UPDATE accounts SET declines = declines + 1 WHERE user_id IS NOT NULL")

    findings = await verify(owner, findings_max=3)

    assert [finding.invariant for finding in findings] == ["I5 declines_is_the_number_of_refusals"] * 3 + [
        "I8 each_end_is_told_once"
    ] * 3
    assert [finding.subject for finding in findings[:3]] == sorted(str(account.id) for account in book.accounts)[:3]


async def test_a_finding_says_what_is_wrong_and_where(book: Book, owner: Connection) -> None:
    account = book.accounts[0]
    await owner.execute("UPDATE accounts SET balance = 7 WHERE id = $1", account.id)

    findings = await verify(owner)

    assert (
        Finding(
            invariant="I3 balance_is_the_sum_of_entries",
            currency="USD",
            subject=str(account.id),
            explanation="The balance is 7 and the entries sum to 0.",
        )
        in findings
    )


async def test_the_limits_of_short_statements_do_not_hold_for_it(database: str, owner: Connection, book: Book) -> None:
    await book.be_busy(batches=5)
    hurried = await asyncpg.connect(database, command_timeout=0.5, server_settings={"statement_timeout": "500ms"})
    holder = owner.transaction()
    await holder.start()
    await owner.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")

    verifying = asyncio.create_task(verify(hurried))
    await asyncio.sleep(0.8)
    await holder.rollback()
    findings = await verifying
    afterwards = await hurried.fetchval("SHOW statement_timeout")
    await hurried.close()

    assert findings == []
    assert afterwards == "500ms"


async def test_whoever_watches_is_told_of_each_invariant_and_how_far_it_is(book: Book, owner: Connection) -> None:
    await book.be_busy(batches=5)
    await owner.execute("ANALYZE")
    told: list[tuple[str, int, int]] = []

    await verify(owner, watch=lambda *step: told.append(step))

    steps, done, in_all = zip(*told, strict=True)
    assert steps[0] == "I1 each_transaction_sums_to_zero"
    assert steps[-2] == "I18 nobody_who_is_deactivated_is_logged_in"
    assert done[0] == 0
    assert sorted(done) == list(done)
    assert set(in_all) == {done[-1]}
    assert done[-1] > await owner.fetchval("SELECT count(*) FROM entries") * 5


async def test_it_changes_nothing_and_locks_nothing(book: Book, owner: Connection, pool: Pool) -> None:
    await book.be_busy(batches=5)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts FOR UPDATE")

        assert await asyncio.wait_for(verify(owner), 10) == []


async def test_the_service_verifies_through_its_pool(book: Book, pool: Pool) -> None:
    await book.be_busy(batches=5)

    async with Database(pool).connection() as connection:
        assert await verify(connection) == []
