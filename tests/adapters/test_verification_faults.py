"""Every invariant of the books, broken in every way we know of, is named together with what breaks it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from adapters.postgres.queries import load_queries
from adapters.postgres.verification import verify
from tests.adapters.busy_book import Book, Connection, Pool


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


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break `invariant`. `plant` breaks it and returns the subject that must be named for it.

    `also` are the other invariants that are broken by it.
    """

    invariant: str
    title: str
    plant: str
    also: frozenset[str] = frozenset()


def breaking(invariant: str, title: str, plant: str, *also: str) -> Fault:
    return Fault(invariant, title, plant, frozenset(also))


PERSONS = "(SELECT id FROM accounts WHERE user_id IS NOT NULL AND version > 3 AND currency = 'USD' ORDER BY id LIMIT 1)"
TRANSFERS = "(SELECT * FROM transactions WHERE kind = 'transfer' AND currency = 'USD' ORDER BY id DESC) AS transfers"
COMPLETED = f"(SELECT id FROM {TRANSFERS} WHERE status = 'COMPLETED' LIMIT 1)"
EARLY = f"(SELECT id FROM {TRANSFERS} WHERE status = 'COMPLETED' ORDER BY id LIMIT 1)"
FAILED = f"(SELECT id FROM {TRANSFERS} WHERE status = 'FAILED' AND destination_account_id IS NOT NULL LIMIT 1)"
KEYED = "(SELECT id FROM transactions WHERE idempotency_key IS NOT NULL ORDER BY id LIMIT 1)"
STRANGER = "(SELECT id FROM users ORDER BY id DESC LIMIT 1)"
OTHER_USERS = f"(SELECT id FROM {TRANSFERS} WHERE status = 'COMPLETED' AND user_id <> {STRANGER} LIMIT 1)"
LIMIT = "(SELECT user_id, kind, currency FROM transfer_limits WHERE day_used > 0 ORDER BY 1, 2, 3 LIMIT 1)"
NOWHERE = "'019bc173-0000-7000-8000-00000000dead'"

ZERO = "I1 each_transaction_sums_to_zero"
CURRENCY = "I2 each_currency_sums_to_zero"
SUM = "I3 balance_is_the_sum_of_entries"
LAST = "I3 balance_is_that_of_the_last_entry"
OVERDRAWN = "I4 nobody_is_overdrawn"
WALLETS = "I4 each_account_is_its_wallets_owners"
VERSION = "I5 version_is_the_number_of_entries"
CHAIN = "I5 each_entry_continues_the_one_before"
DECLINES = "I5 declines_is_the_number_of_refusals"
STAYS = "I6 what_is_written_stays"
TWO = "I7 completed_has_its_two_entries"
EVENTS = "I8 each_end_is_told_once"
ENDS = "I8 each_end_says_what_it_must"
HELD = "I9 held_is_the_sum_of_open_holds"
BELONGS = "I10 each_entry_belongs_to_a_transaction_and_an_account"
SIDES = "I10 each_side_is_an_account_of_its_wallet"
OWNERS = "I10 each_transaction_is_its_owners"
LEADS = "I10 each_movement_leads_somewhere"
PRINTS = "I11 each_key_has_its_fingerprint"
KEYS = "I14 each_key_has_one_transaction"
LIMITS = "I15 use_of_a_limit_is_the_sum_of_its_transactions"
NOTHING_MOVES = "I17 nothing_moves_where_nothing_may"

FAULTS = (
    breaking(ZERO, "a leg of another amount",
        f"UPDATE entries SET amount = amount + 1 WHERE transaction_id = {COMPLETED} AND amount > 0 "
        "RETURNING transaction_id", SUM, CHAIN, TWO),
    breaking(ZERO, "a leg that is missing",
        f"DELETE FROM entries WHERE transaction_id = {EARLY} AND amount > 0 RETURNING transaction_id",
        SUM, VERSION, CHAIN, TWO),
    breaking(CURRENCY, "money from nowhere",
        f"UPDATE accounts SET balance = balance + 1 WHERE id = {PERSONS} RETURNING currency", SUM, LAST),
    breaking(SUM, "a balance of its own",
        f"UPDATE accounts SET balance = balance + 1 WHERE id = {PERSONS} RETURNING id", CURRENCY, LAST),
    breaking(SUM, "a balance without entries",
        "UPDATE accounts SET balance = 7, version = 0 WHERE id IN (SELECT a.id FROM accounts a LEFT JOIN entries e "
        "ON e.account_id = a.id WHERE e.seq IS NULL ORDER BY a.id LIMIT 1) RETURNING id", CURRENCY, LAST),
    breaking(LAST, "a last entry that says another balance",
        "UPDATE entries SET balance_after = balance_after + 1 FROM accounts a "
        f"WHERE a.id = account_id AND seq = a.version AND a.id = {PERSONS} RETURNING account_id", CHAIN, TWO),
    breaking(VERSION, "a version that counts too much",
        f"UPDATE accounts SET version = version + 1 WHERE id = {PERSONS} RETURNING id", LAST, NOTHING_MOVES),
    breaking(VERSION, "a version that counts too little",
        f"UPDATE accounts SET version = version - 1 WHERE id = {PERSONS} RETURNING id", LAST, NOTHING_MOVES),
    breaking(VERSION, "an entry that starts at seq 0",
        f"UPDATE entries SET seq = 0 WHERE account_id = {PERSONS} AND seq = 1 RETURNING account_id", CHAIN),
    breaking(CHAIN, "a balance in between that does not follow",
        f"UPDATE entries SET balance_after = balance_after + 1 WHERE account_id = {PERSONS} AND seq = 2 "
        "RETURNING account_id || '/' || seq", TWO),
    breaking(CHAIN, "a gap where the balances match",
        f"UPDATE entries SET seq = seq + 5 FROM accounts a WHERE a.id = account_id AND a.id = {PERSONS} "
        "AND seq = a.version RETURNING account_id || '/' || seq", LAST, VERSION),
    breaking(OVERDRAWN, "more held than there is",
        f"UPDATE accounts SET held = balance + 1 WHERE id = {PERSONS} RETURNING id", HELD),
    breaking(OVERDRAWN, "less than nothing held",
        f"UPDATE accounts SET held = -1 WHERE id = {PERSONS} RETURNING id", HELD),
    breaking(HELD, "money that is held for nothing",
        f"UPDATE accounts SET held = 1 WHERE id = {PERSONS} AND balance > 0 RETURNING id"),
    breaking(OVERDRAWN, "a balance below zero",
        f"UPDATE accounts SET balance = -1 WHERE id = {PERSONS} RETURNING id", CURRENCY, SUM, LAST),
    breaking(TWO, "no entries at all",
        f"DELETE FROM entries WHERE transaction_id = {EARLY} RETURNING transaction_id", SUM, VERSION, CHAIN),
    breaking(TWO, "entries of a refusal",
        "INSERT INTO entries SELECT a.id, a.version + 1, f.id, 1, a.balance + 1 FROM accounts a, "
        f"transactions f WHERE a.id = {PERSONS} AND f.id = {FAILED} RETURNING transaction_id",
        ZERO, SUM, VERSION),
    breaking(TWO, "a row that tells of another balance at its source",
        f"UPDATE transactions SET source_balance_after = 12345678 WHERE id = {COMPLETED} RETURNING id"),
    breaking(TWO, "a row that tells of another balance at its destination",
        f"UPDATE transactions SET destination_balance_after = 12345678 WHERE id = {COMPLETED} RETURNING id"),
    breaking(TWO, "a row that tells of another amount",
        f"UPDATE transactions SET amount = amount + 1 WHERE id = {COMPLETED} RETURNING id", LIMITS),
    breaking(TWO, "a row that takes its sides for each other",
        "UPDATE transactions SET source_account_id = destination_account_id, source_wallet_id = destination_wallet_id, "
        "destination_account_id = source_account_id, destination_wallet_id = source_wallet_id "
        f"WHERE id = {COMPLETED} RETURNING id", OWNERS),
    breaking(TWO, "a third entry that evens out nothing",
        "INSERT INTO entries SELECT a.id, a.version + 1, t.id, 1, a.balance + 1 FROM accounts a, "
        f"transactions t WHERE a.id = {PERSONS} AND t.id = {COMPLETED} RETURNING transaction_id",
        ZERO, SUM, VERSION),
    breaking(BELONGS, "an entry of a transaction that is not there",
        f"UPDATE entries SET transaction_id = {NOWHERE} WHERE account_id = {PERSONS} AND seq = 1 "
        "RETURNING account_id || '/' || seq", ZERO, TWO),
    breaking(BELONGS, "an entry of an account that is not there",
        f"UPDATE entries SET account_id = {NOWHERE} WHERE account_id = {PERSONS} AND seq = 1 "
        "RETURNING account_id || '/' || seq", ZERO, SUM, VERSION, CHAIN, TWO),
    breaking(BELONGS, "an account in another currency than the transaction",
        "WITH changed AS (UPDATE transactions SET currency = 'GBP' "
        f"WHERE id = {COMPLETED} RETURNING id) "
        "SELECT e.account_id || '/' || e.seq FROM entries e JOIN changed ON changed.id = e.transaction_id",
        SIDES, LIMITS),
    breaking(SIDES, "a source wallet that is not the account's",
        f"UPDATE transactions SET source_wallet_id = {NOWHERE} WHERE id = {COMPLETED} RETURNING id"),
    breaking(SIDES, "a destination wallet that is not the account's",
        f"UPDATE transactions SET destination_wallet_id = {NOWHERE} WHERE id = {COMPLETED} RETURNING id"),
    breaking(SIDES, "a source that has no account", f"UPDATE transactions SET source_account_id = {NOWHERE} "
        f"WHERE id = {COMPLETED} RETURNING id", OWNERS, TWO),
    breaking(SIDES, "a refusal with a wallet and no account", "UPDATE transactions SET destination_account_id = NULL "
        f"WHERE id = {FAILED} RETURNING id"),
    breaking(OWNERS, "money that somebody else asked for",
        f"UPDATE transactions SET user_id = {STRANGER} WHERE id = {OTHER_USERS} RETURNING id", LIMITS),
    breaking(KEYS, "two transactions under one key",
        "WITH twins AS (SELECT id, user_id, min(idempotency_key) OVER person AS first, "
        "row_number() OVER person AS place FROM transactions WHERE idempotency_key IS NOT NULL "
        "WINDOW person AS (PARTITION BY user_id)) "
        "UPDATE transactions t SET idempotency_key = twins.first FROM twins WHERE twins.id = t.id AND twins.place <= 2 "
        f"AND t.user_id = {STRANGER} RETURNING t.user_id"),
    breaking(LIMITS, "a day that counts too much",
        "UPDATE transfer_limits SET day_used = day_used + 1, month_used = month_used + 1 "
        f"WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "a day that counts too little",
        "UPDATE transfer_limits SET day_used = day_used - 1 "
        f"WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "a month that counts too much",
        "UPDATE transfer_limits SET month_used = month_used + 1 "
        f"WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "a month begun anew too early",
        "UPDATE transfer_limits SET day = day + 31, day_used = 0 "
        f"WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "a movement after the last day that was counted",
        "UPDATE transfer_limits SET day = day - 62, day_used = 0, month_used = 0 "
        f"WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "movements without a limit",
        f"DELETE FROM transfer_limits WHERE (user_id, kind, currency) = {LIMIT} RETURNING user_id || '/' || kind"),
    breaking(LIMITS, "a limit that counts what was never moved",
        "INSERT INTO transfer_limits (user_id, kind, currency, daily_max, monthly_max, day, day_used, month_used) "
        f"SELECT {STRANGER}, 'transfer', 'GBP', 9, 9, '2027-01-01', 0, 1 RETURNING user_id || '/' || kind"),
    breaking(EVENTS, "no event",
        f"DELETE FROM events WHERE transaction_id = {COMPLETED} RETURNING transaction_id"),
    breaking(EVENTS, "two events", "INSERT INTO events (kind, transaction_id, created_at) "
        f"SELECT kind, transaction_id, created_at FROM events WHERE transaction_id = {COMPLETED} "
        "RETURNING transaction_id"),
    breaking(EVENTS, "an event of another kind",
        f"UPDATE events SET kind = 'withdraw.completed' WHERE transaction_id = {COMPLETED} RETURNING transaction_id"),
    breaking(EVENTS, "an event that tells of the completion of a refusal",
        f"UPDATE events SET kind = 'transfer.completed' WHERE transaction_id = {FAILED} RETURNING transaction_id"),
    breaking(EVENTS, "a refusal that no event tells of",
        f"DELETE FROM events WHERE transaction_id = {FAILED} RETURNING transaction_id"),
    breaking(EVENTS, "a second end of another kind", "INSERT INTO events (kind, transaction_id, created_at) "
        f"SELECT 'transfer.failed', transaction_id, created_at FROM events WHERE transaction_id = {COMPLETED} "
        "RETURNING transaction_id"),
    breaking(EVENTS, "an end of what has none yet",
        f"UPDATE transactions SET status = 'PENDING', reason = NULL WHERE id = {FAILED} RETURNING id", DECLINES),
    breaking(ENDS, "a completion without a time",
        f"UPDATE transactions SET completed_at = NULL WHERE id = {COMPLETED} RETURNING id"),
    breaking(ENDS, "a completion before its beginning",
        "UPDATE transactions SET completed_at = created_at - interval '1 s' "
        f"WHERE id = {COMPLETED} RETURNING id"),
    breaking(ENDS, "a refusal that does not say why",
        f"UPDATE transactions SET reason = NULL WHERE id = {FAILED} RETURNING id"),
    breaking(ENDS, "a completion with a reason against it",
        f"UPDATE transactions SET reason = 'insufficient_funds' WHERE id = {COMPLETED} RETURNING id"),
    breaking(LEADS, "a refusal of nothing at all",
        f"UPDATE transactions SET amount = 0 WHERE id = {FAILED} RETURNING id"),
    breaking(LEADS, "a refusal that leads back to where it began", "UPDATE transactions SET "
        "destination_account_id = source_account_id, destination_wallet_id = source_wallet_id "
        f"WHERE id = {FAILED} RETURNING id"),
    breaking(PRINTS, "a key without a fingerprint",
        f"UPDATE transactions SET fingerprint = NULL WHERE id = {KEYED} RETURNING id"),
    breaking(PRINTS, "a fingerprint without a key",
        f"UPDATE transactions SET idempotency_key = NULL WHERE id = {KEYED} RETURNING id"),
    breaking(PRINTS, "a fingerprint that is cut short",
        f"UPDATE transactions SET fingerprint = substr(fingerprint, 1, 15) WHERE id = {KEYED} RETURNING id"),
    breaking(DECLINES, "refusals that were not recorded",
        f"UPDATE accounts SET declines = declines + 1 WHERE id = {PERSONS} RETURNING id"),
    breaking(DECLINES, "a refusal that was not counted",
        f"DELETE FROM transactions WHERE id = {FAILED} RETURNING source_account_id"),
    breaking(DECLINES, "a refused deposit counted for nobody",
        "UPDATE accounts SET declines = declines - 1 WHERE id = (SELECT destination_account_id FROM transactions "
        "WHERE status = 'FAILED' AND kind = 'deposit' ORDER BY id LIMIT 1) RETURNING id"),
    breaking(WALLETS, "an account of somebody else in a wallet",
        f"UPDATE accounts SET user_id = {STRANGER} WHERE id = {PERSONS} RETURNING id", OWNERS),
    breaking(WALLETS, "an account of the system in a person's wallet",
        f"UPDATE accounts SET user_id = NULL WHERE id = {PERSONS} RETURNING id", OWNERS),
)  # fmt: skip

CONSTRAINTS = (
    "ALTER TABLE entries DISABLE TRIGGER USER",
    "ALTER TABLE transactions DISABLE TRIGGER USER",
    "ALTER TABLE accounts DROP CONSTRAINT nobody_is_overdrawn",
    "DROP INDEX transactions_user_key",
)
TRIGGERS = ("ALTER TABLE entries ENABLE TRIGGER USER", "ALTER TABLE transactions ENABLE TRIGGER USER")
TRANSACTION_CHECKS = (
    "SELECT format('ALTER TABLE transactions DROP CONSTRAINT %I', conname) FROM pg_constraint "
    "WHERE conrelid = 'transactions'::regclass AND contype = 'c'"
)
KEEPS_LESS = (
    "CREATE OR REPLACE TRIGGER transactions_are_kept BEFORE TRUNCATE ON transactions EXECUTE FUNCTION refuse_change()"
)
SETTLES_AGAIN = (
    "CREATE OR REPLACE TRIGGER transactions_settle_once BEFORE UPDATE ON transactions FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
REFUSES_NOTHING = (
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
)
GUARDS = (
    ("entries_are_append_only", "ALTER TABLE entries DISABLE TRIGGER entries_are_append_only"),
    ("entries_are_append_only", "ALTER TABLE entries ENABLE REPLICA TRIGGER entries_are_append_only"),
    ("transactions_are_kept", "ALTER TABLE transactions DISABLE TRIGGER transactions_are_kept"),
    ("transactions_settle_once", "DROP TRIGGER transactions_settle_once ON transactions"),
    ("entries", "GRANT UPDATE ON entries TO wallet_app"),
    ("entries", "GRANT DELETE ON entries TO PUBLIC"),
    ("transactions", "GRANT TRUNCATE ON transactions TO wallet_app"),
    ("entries", "GRANT UPDATE (amount) ON entries TO wallet_app"),
    ("transactions_are_kept", KEEPS_LESS),
    ("transactions_settle_once", SETTLES_AGAIN),
    ("refuse_change", REFUSES_NOTHING),
)


def test_every_invariant_has_a_fault_that_breaks_it() -> None:
    asked = {name.partition("_")[0].replace("i0", "i").upper() + " " + name.partition("_")[2]
             for name in load_queries("verification")}  # fmt: skip

    assert {fault.invariant for fault in FAULTS} | {STAYS} == asked


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.invariant}: {fault.title}")
async def test_a_broken_invariant_is_named_with_what_breaks_it(book: Book, owner: Connection, fault: Fault) -> None:
    await book.be_busy(batches=30, together=False)
    await book.freeze_first()
    await book.be_busy(batches=10, seed=8, together=False)
    await _take_guards_away(owner)

    subjects = [str(row[0]) for row in await owner.fetch(fault.plant)]
    await _set_triggers_again(owner)
    findings = await verify(owner)

    assert subjects, "nothing was broken"
    assert set(subjects) <= {finding.subject for finding in findings if finding.invariant == fault.invariant}
    assert {finding.invariant for finding in findings} == {fault.invariant} | fault.also
    assert all(finding.explanation for finding in findings)


@pytest.mark.parametrize(("subject", "change"), GUARDS, ids=[change for _, change in GUARDS])
async def test_a_guard_of_the_books_that_is_gone_is_named(
    book: Book, owner: Connection, subject: str, change: str
) -> None:
    await book.be_busy(batches=2)
    await owner.execute(change)

    findings = await verify(owner)

    assert [(finding.invariant, finding.subject) for finding in findings] == [(STAYS, subject)]


async def _take_guards_away(owner: Connection) -> None:
    """What the database itself would refuse is what verification is to find all the same."""
    for constraint in CONSTRAINTS:
        await owner.execute(constraint)
    for row in await owner.fetch(TRANSACTION_CHECKS):
        await owner.execute(row[0])


async def _set_triggers_again(owner: Connection) -> None:
    for trigger in TRIGGERS:
        await owner.execute(trigger)
