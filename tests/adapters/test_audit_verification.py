"""Whatever does not fit what the audit tells is named, together with what breaks it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from adapters.postgres.queries import load_queries
from adapters.postgres.verification import verify
from tests.adapters.busy_book import Connection, Pool
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.clock import system_clock
from wallet_core.identity.entities import UserStatus
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.testing.builders import a_deposit, a_transfer, granted_caps
from wallet_core.testing.contracts.audited import an_act, an_adjustment
from wallet_core.testing.contracts.books import a_currency_of, a_person, now, post
from wallet_core.testing.contracts.books import owner as owner_of
from wallet_core.wallets.entities import WalletStatus

NOTHING_MOVES = "I17 nothing_moves_where_nothing_may"
STATES = "I18 each_state_is_as_the_audit_has_it"
REACHES = "I18 each_state_reaches_its_accounts"
LOGGED_IN = "I18 nobody_who_is_deactivated_is_logged_in"
ENDED = "I18 each_session_that_an_admin_ended_has_its_entry"
EVENTS = "I18 each_change_has_its_event"
ADJUSTMENTS = "I18 each_adjustment_has_its_entry"
GRANTS = "I18 each_grant_is_as_the_audit_has_it"
STAYS = "I6 what_is_written_stays"

FROZEN = "(SELECT id FROM wallets WHERE status = 'frozen')"
GONE = "(SELECT id FROM users WHERE status = 'deactivated')"
FREEZE = "(SELECT id FROM audit WHERE action = 'wallet.frozen' ORDER BY place LIMIT 1)"
THAWED = "(SELECT CAST(target_id AS uuid) FROM audit WHERE action = 'wallet.unfrozen')"
SESSION = (
    "INSERT INTO sessions (id, user_id, device, created_at, last_seen_at, expires_at, ended_at, ended_because) "
    "SELECT gen_random_uuid(), id, 'Phone', now(), now(), now() + interval '1 day',"
)
ADJUSTED = (
    "(SELECT t.id FROM transactions t JOIN wallets w ON w.id = t.source_wallet_id AND w.name = 'adjustments' LIMIT 1)"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break `invariant`. `plant` breaks it and returns the subject that must be named for it."""

    invariant: str
    title: str
    plant: str
    also: frozenset[str] = frozenset()


FAULTS = (
    Fault(NOTHING_MOVES, "a freeze that came before the last movement",
        f"""WITH lowered AS (
                UPDATE audit SET after = jsonb_set(after, ARRAY['accounts', key], '0')
                  FROM (SELECT a.id, v.key FROM audit a, jsonb_each_text(a.after -> 'accounts') v
                         WHERE v.value <> '0') AS n
                 WHERE audit.id = n.id AND audit.id = {FREEZE} RETURNING n.key)
            SELECT key FROM lowered"""),
    Fault(NOTHING_MOVES, "a movement in a wallet that is frozen",
        f"""UPDATE audit SET after = jsonb_set(after, ARRAY['accounts', CAST(a.id AS text)], to_jsonb(a.version - 1))
              FROM accounts a
             WHERE audit.action = 'wallet.frozen' AND audit.target_id = CAST(a.wallet_id AS text)
               AND a.wallet_id = {FROZEN} AND a.version > 0 RETURNING a.id"""),
    Fault(NOTHING_MOVES, "a movement of somebody who is deactivated, in an account that was not there then",
        f"""UPDATE audit SET after = after - 'accounts' FROM accounts a
             WHERE audit.action = 'person.deactivated' AND audit.target_id = CAST({GONE} AS text)
               AND a.user_id = {GONE} AND a.version > 0 RETURNING a.id"""),
    Fault(NOTHING_MOVES, "a freeze that the audit has at a version that its account never had",
        """UPDATE audit SET after = jsonb_set(after, ARRAY['accounts', CAST(a.id AS text)], to_jsonb(a.version + 1))
              FROM accounts a
             WHERE audit.action = 'wallet.frozen' AND audit.target_id = CAST(a.wallet_id AS text) RETURNING a.id"""),
    Fault(STATES, "a wallet that nobody froze",
        f"UPDATE wallets SET status = 'frozen' WHERE id = {THAWED} RETURNING id", frozenset({REACHES})),
    Fault(STATES, "a wallet that nobody unfroze",
        f"UPDATE wallets SET status = 'active' WHERE id = {FROZEN} RETURNING id", frozenset({REACHES})),
    Fault(STATES, "a person whom nobody activated",
        f"UPDATE users SET status = 'active' WHERE id = {GONE} RETURNING id", frozenset({REACHES})),
    Fault(STATES, "a freeze that is not kept",
        f"DELETE FROM audit WHERE target_id = CAST({FROZEN} AS text) RETURNING target_id", frozenset({EVENTS})),
    Fault(REACHES, "an account that the freeze of its wallet missed",
        f"UPDATE accounts SET status = 'active' WHERE wallet_id = {FROZEN} RETURNING id"),
    Fault(REACHES, "an account that the end of its person missed",
        f"UPDATE accounts SET status = 'active' WHERE user_id = {GONE} RETURNING id"),
    Fault(REACHES, "an account that is frozen in a wallet that is not",
        f"UPDATE accounts SET status = 'frozen' WHERE wallet_id = {THAWED} RETURNING id"),
    Fault(REACHES, "an account that is only frozen though its person is deactivated",
        f"UPDATE accounts SET status = 'frozen' WHERE user_id = {GONE} RETURNING id"),
    Fault(REACHES, "an account of the system that lets nobody's money through",
        "UPDATE accounts SET status = 'frozen' WHERE user_id IS NULL RETURNING id"),
    Fault(LOGGED_IN, "somebody who is deactivated and has a session",
        f"{SESSION} NULL, NULL FROM users WHERE id = {GONE} RETURNING id"),
    Fault(ENDED, "a session that an admin ended and nobody noted",
        f"{SESSION} now(), 'ended_by_admin' FROM users WHERE id = {GONE} RETURNING id"),
    Fault(EVENTS, "a change that nobody hears of",
        f"DELETE FROM events WHERE data ->> 'audit_id' = CAST({FREEZE} AS text) RETURNING data ->> 'audit_id'"),
    Fault(EVENTS, "a change that people hear of twice",
        "INSERT INTO events (kind, user_id, subject_id, data, created_at) SELECT kind, user_id, subject_id, data, "
        f"created_at FROM events WHERE data ->> 'audit_id' = CAST({FREEZE} AS text) RETURNING data ->> 'audit_id'"),
    Fault(EVENTS, "a change that somebody else hears of",
        f"UPDATE events SET user_id = {GONE} WHERE data ->> 'audit_id' = CAST({FREEZE} AS text) "
        "RETURNING data ->> 'audit_id'"),
    Fault(EVENTS, "a freeze that people hear of as of another wallet",
        f"UPDATE events SET subject_id = {THAWED} WHERE data ->> 'audit_id' = CAST((SELECT id FROM audit "
        f"WHERE target_id = CAST({FROZEN} AS text)) AS text) RETURNING data ->> 'audit_id'"),
    Fault(EVENTS, "an event of no change",
        "INSERT INTO events (kind, user_id, data, created_at) "
        f"VALUES ('limits.changed', {GONE}, '{{}}', now()) RETURNING id"),
    Fault(ADJUSTMENTS, "a deposit that nobody made",
        f"DELETE FROM audit WHERE after ->> 'transaction_id' = CAST({ADJUSTED} AS text) RETURNING {ADJUSTED}"),
    Fault(ADJUSTMENTS, "a deposit of another amount",
        "UPDATE audit SET after = jsonb_set(after, '{amount}', '1') WHERE action = 'deposit.made' "
        f"RETURNING {ADJUSTED}"),
    Fault(ADJUSTMENTS, "a deposit that is kept twice",
        "INSERT INTO audit (id, at, actor_kind, action, target_kind, target_id, after, reason) "
        "SELECT gen_random_uuid(), at, actor_kind, action, target_kind, target_id, after, reason FROM audit "
        f"WHERE action = 'deposit.made' RETURNING {ADJUSTED}"),
    Fault(ADJUSTMENTS, "a deposit that somebody else is said to have made",
        "UPDATE audit SET actor_kind = 'admin', actor_id = gen_random_uuid() WHERE action = 'deposit.made' "
        f"RETURNING {ADJUSTED}"),
    Fault(ADJUSTMENTS, "a deposit that is said to be somebody else's",
        f"UPDATE audit SET user_id = {GONE} WHERE action = 'deposit.made' RETURNING {ADJUSTED}"),
    Fault(GRANTS, "a limit that nobody granted",
        "UPDATE transfer_limits SET daily_max = daily_max + 1 FROM audit WHERE audit.action = 'limits.changed' "
        "AND transfer_limits.kind = 'transfer' AND CAST(transfer_limits.user_id AS text) = audit.target_id "
        "AND transfer_limits.currency = 'USD' "
        "RETURNING format('%s/%s', transfer_limits.user_id, transfer_limits.kind)"),
)  # fmt: skip
GUARDS = (
    ("audit_is_append_only", "ALTER TABLE audit DISABLE TRIGGER audit_is_append_only"),
    ("audit_seals_are_append_only", "DROP TRIGGER audit_seals_are_append_only ON audit_seals"),
    ("audit", "GRANT UPDATE ON audit TO wallet_app"),
    ("audit_seals", "GRANT DELETE ON audit_seals TO PUBLIC"),
    ("audit", "GRANT UPDATE (reason) ON audit TO wallet_app"),
)


@pytest.fixture
async def books(pool: Pool) -> PostgresBooks:
    """Books in which every kind of change was made, between movements."""
    books = PostgresBooks(pool, system_clock)
    await books.open()
    frozen, thawed, gone = [await a_person(books, name=name, balance=500) for name in ("Ada", "Bob", "Carl")]
    await a_currency_of(books, frozen, "EUR", balance=7)
    act = books.administration
    await act.set_wallet_status(thawed.wallet_id, WalletStatus.FROZEN, an_act())
    await post(books, a_transfer(frozen, thawed))
    await act.set_wallet_status(thawed.wallet_id, WalletStatus.ACTIVE, an_act())
    await act.set_wallet_status(frozen.wallet_id, WalletStatus.FROZEN, an_act())
    await post(books, a_transfer(thawed, gone))
    await act.set_person_status(owner_of(gone), UserStatus.DEACTIVATED, an_act())
    await act.deposit(an_adjustment(thawed), an_act())
    await _grant(books, thawed)
    await post(books, a_deposit(thawed))
    await a_currency_of(books, frozen, "GBP")
    assert await books.findings() == []
    return books


@pytest.fixture
async def owner(owner_database: str, books: PostgresBooks) -> AsyncIterator[Connection]:
    """The owner's connection, whom no trigger holds up."""
    connection = await asyncpg.connect(owner_database, timeout=10, command_timeout=30)
    yield connection
    await connection.close()


async def _grant(books: PostgresBooks, account: Account) -> None:
    wanted = {LimitKind.TRANSFER: ChosenCaps(daily=50_000)}
    await books.administration.set_limits(owner_of(account), "USD", wanted, an_act(), granted=granted_caps())


def test_every_invariant_has_a_fault_that_breaks_it() -> None:
    asked = {f"I{name[1:3]} {name[4:]}" for name in load_queries("audit_verification")}

    assert {fault.invariant for fault in FAULTS} == asked


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.invariant}: {fault.title}")
async def test_a_broken_invariant_is_named_with_what_breaks_it(owner: Connection, fault: Fault) -> None:
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER USER")
    subjects = {str(row[0]) for row in await owner.fetch(fault.plant)}
    await owner.execute("ALTER TABLE audit ENABLE TRIGGER USER")

    findings = await verify(owner)

    assert subjects, "nothing was broken"
    assert subjects <= {finding.subject for finding in findings if finding.invariant == fault.invariant}
    assert {finding.invariant for finding in findings} == {fault.invariant} | fault.also
    assert all(finding.explanation for finding in findings)


@pytest.mark.parametrize(("subject", "change"), GUARDS, ids=[change for _, change in GUARDS])
async def test_a_guard_of_the_audit_that_is_gone_is_named(owner: Connection, subject: str, change: str) -> None:
    await owner.execute(change)

    findings = await verify(owner)

    assert [(finding.invariant, finding.subject) for finding in findings] == [(STAYS, subject)]


async def test_a_change_whose_entry_cannot_be_kept_is_not_made(books: PostgresBooks) -> None:
    """State, entry and event are one transaction: an id that was given before fails all three."""
    dora, act = await a_person(books, name="Dora"), an_act()
    await books.administration.set_person_status(owner_of(dora), UserStatus.DEACTIVATED, act)
    await books.administration.set_person_status(owner_of(dora), UserStatus.ACTIVE, an_act())

    for change in (
        books.administration.set_wallet_status(dora.wallet_id, WalletStatus.FROZEN, act),
        books.administration.set_person_status(owner_of(dora), UserStatus.DEACTIVATED, act),
        books.administration.deposit(an_adjustment(dora), act),
    ):
        with pytest.raises(asyncpg.UniqueViolationError):
            await change

    assert (await now(books, dora)).status is AccountStatus.ACTIVE
    assert (await now(books, dora)).balance == 0
    assert await books.findings() == []
