"""What the tables themselves refuse, whatever a program may try."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.adapters.busy_book import Book, Connection, Pool

PERSONS = "(SELECT id FROM accounts WHERE user_id IS NOT NULL ORDER BY id LIMIT 1)"


@pytest.fixture
async def book(pool: Pool) -> Book:
    """Books with something in them."""
    book = Book(pool)
    await book.open()
    await book.be_busy(batches=10)
    return book


@pytest.fixture
async def owner(owner_database: str, book: Book) -> AsyncIterator[Connection]:
    """The owner of the tables, who may change everything that no rule of theirs forbids."""
    connection = await asyncpg.connect(owner_database, timeout=10, command_timeout=30)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE accounts SET balance = -1 WHERE id = {PERSONS}",
        f"UPDATE accounts SET held = balance + 1 WHERE id = {PERSONS}",
        f"UPDATE accounts SET held = -1 WHERE id = {PERSONS}",
        "UPDATE transfer_limits SET day_used = -1",
        "UPDATE transfer_limits SET month_used = day_used - 1",
    ],
)
async def test_nobody_is_overdrawn_and_no_use_is_below_zero(owner: Connection, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(change)


async def test_the_systems_accounts_may_be_overdrawn(owner: Connection) -> None:
    assert await owner.execute("UPDATE accounts SET balance = -1000000 WHERE user_id IS NULL") != "UPDATE 0"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET amount = amount + 1",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "DELETE FROM transactions",
        "TRUNCATE transactions",
        "UPDATE transactions SET amount = amount + 1 WHERE status = 'COMPLETED'",
        "UPDATE transactions SET status = 'FAILED', reason = 'wallet_frozen' WHERE status = 'COMPLETED'",
        "UPDATE transactions SET note = 'another' WHERE status = 'FAILED'",
    ],
)
async def test_what_is_written_stays_even_for_the_owner(owner: Connection, change: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=r"is append-only|is settled"):
        await owner.execute(change)


@pytest.mark.parametrize("table", ["entries", "transactions", "events"])
@pytest.mark.parametrize("change", ["UPDATE {} SET transaction_id = transaction_id", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_application_has_no_right_to_rewrite(book: Book, pool: Pool, table: str, change: str) -> None:
    statement = change.format(table)
    if table == "transactions":
        statement = statement.replace("transaction_id", "id")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_a_key_of_a_person_is_written_once(owner: Connection) -> None:
    columns = "kind, status, user_id, idempotency_key, fingerprint, currency, amount, reason, business_date, created_at"

    with pytest.raises(asyncpg.UniqueViolationError, match="transactions_user_key"):
        await owner.execute(
            f"INSERT INTO transactions (id, {columns}) SELECT gen_random_uuid(), kind, 'FAILED', user_id, "
            "idempotency_key, fingerprint, currency, amount, 'wallet_frozen', business_date, created_at "
            "FROM transactions WHERE idempotency_key IS NOT NULL LIMIT 1"
        )
