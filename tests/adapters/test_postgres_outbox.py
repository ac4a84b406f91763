"""What of the outbox only PostgreSQL can show."""

import re
from datetime import timedelta

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.deliveries import PostgresDeliveryQueue
from adapters.postgres.live import PostgresLiveRepository
from adapters.postgres.queries import load_queries
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.notifications.notices import Channel, NoticeKind
from wallet_core.testing.builders import a_transfer
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person, post
from wallet_core.testing.contracts.books import owner as person_of

Pool = asyncpg.Pool


@pytest.fixture
async def books(pool: "Pool[asyncpg.Record]") -> PostgresBooks:
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    return books


async def test_an_event_that_is_relayed_once_more_tells_nobody_twice(
    books: PostgresBooks, pool: "Pool[asyncpg.Record]"
) -> None:
    alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
    await post(books, a_transfer(alice, bob, amount=1))
    await books.outbox.relay(events_max=100)
    await pool.execute("UPDATE events SET relayed_at = NULL")

    relayed = await books.outbox.relay(events_max=100)

    assert relayed == 2
    assert await pool.fetchval("SELECT count(*) FROM notifications") == 1
    assert await pool.fetchval("SELECT count(*) FROM deliveries") == 1


async def test_a_kind_of_event_that_only_a_newer_build_knows_is_left_to_it(
    books: PostgresBooks, owner_database: str
) -> None:
    alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
    owner = await asyncpg.connect(owner_database, timeout=10)
    await owner.execute(
        "INSERT INTO events (kind, user_id, created_at) VALUES ('card.issued', $1, now() - interval '1 hour')",
        alice.user_id,
    )
    await owner.close()
    await post(books, a_transfer(alice, bob, amount=1))

    relayed = await books.outbox.relay(events_max=100)

    backlog = await books.outbox.backlog()
    assert relayed == 2
    assert (backlog.not_relayed, backlog.pending) == (1, 1)
    assert backlog.oldest_seconds > 3_500


async def test_what_is_no_object_tells_nothing_and_holds_up_nobody(books: PostgresBooks, owner_database: str) -> None:
    alice = await a_person(books)
    owner = await asyncpg.connect(owner_database, timeout=10)
    await owner.execute(
        "INSERT INTO events (kind, user_id, data, created_at) VALUES ('address.changed', $1, '[1]', now())",
        alice.user_id,
    )
    await owner.close()

    assert await books.outbox.relay(events_max=100) == 1
    assert await books.inbox.count_unread(person_of(alice), most=9) == 1


async def test_an_event_that_the_database_will_not_have_told_holds_up_nobody_and_is_told_once_it_can_be(
    books: PostgresBooks, pool: "Pool[asyncpg.Record]", owner_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
    owner = await asyncpg.connect(owner_database, timeout=10)
    # No index takes a key of that size.
    await owner.execute(
        "INSERT INTO events (kind, user_id, data, created_at) SELECT 'address.changed', $1, jsonb_build_object("
        "'channel', 'mail', 'former', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) AS n)), now()",
        alice.user_id,
    )
    await post(books, a_transfer(alice, bob, amount=1))

    relayed = [await books.outbox.relay(events_max=100) for _ in range(2)]
    await owner.execute("UPDATE events SET data = '{}', relay_after = now() WHERE kind = 'address.changed'")
    mended = await books.outbox.relay(events_max=100)

    await owner.close()
    assert relayed == [2, 0]
    assert await books.inbox.count_unread(person_of(bob), most=9) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ProgramLimitExceededError" in caplog.text
    assert mended == 1


@pytest.mark.parametrize(
    "facts", ['{"device": 1e5000}', '{"device": {"a": 1}, "left": 1e30}', "[" * 3_000 + "]" * 3_000]
)
async def test_facts_that_nobody_can_make_sense_of_keep_nobody_from_theirs(
    books: PostgresBooks, pool: "Pool[asyncpg.Record]", facts: str
) -> None:
    alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
    for _ in range(2):
        await post(books, a_transfer(alice, bob, amount=1))
    await books.outbox.relay(events_max=100)
    spoilt = await pool.fetchval(
        "UPDATE notifications SET data = $1 WHERE id = (SELECT min(id::text)::uuid FROM notifications) RETURNING id",
        facts,
    )

    claimed = await books.deliveries.claim(at_most=9, lease=timedelta(minutes=1))
    page = await books.inbox.page(person_of(bob), unread_only=False, after=None, limit=9)
    live = await PostgresLiveRepository(Database(pool)).notifications([each.id for each in page])

    assert sorted(len(each.facts) for each in claimed) == [0, 5]
    assert [(each.id == spoilt, len(each.facts)) for each in page] == [(False, 5), (True, 0)]
    assert [each.facts for each in live] == [each.facts for each in reversed(page)]


async def test_a_worker_leaves_what_it_has_no_way_to_send_to_those_that_have(
    books: PostgresBooks, pool: "Pool[asyncpg.Record]"
) -> None:
    alice = await a_person(books)
    await pool.execute("UPDATE users SET phone = '+41446681800', phone_verified_at = now()")
    await books.preferences.choose(person_of(alice), {(NoticeKind.PASSWORD_CHANGED, Channel.SMS): True})
    await books.users.change_password(person_of(alice), "another", instead_of=None, spared=None, now=SettableClock()())
    await books.outbox.relay(events_max=100)
    mail_alone = PostgresDeliveryQueue(Database(pool), channels={Channel.MAIL})

    claimed = [await each.claim(at_most=9, lease=timedelta(minutes=1)) for each in (mail_alone, books.deliveries)]

    assert [[each.channel for each in found] for found in claimed] == [[Channel.MAIL], [Channel.SMS]]


async def test_telling_of_a_backlog_reads_no_more_of_it_than_it_counts(
    books: PostgresBooks, owner_database: str
) -> None:
    owner = await asyncpg.connect(owner_database, timeout=10)
    await owner.execute(
        "INSERT INTO deliveries (id, event_id, notification_id, channel, recipient, next_try_at, created_at) SELECT "
        "gen_random_uuid(), n, gen_random_uuid(), 'mail', '', now() - n * interval '1 ms', now() - n * interval '1 ms' "
        "FROM generate_series(1, 120000) AS n"
    )
    await owner.execute("ANALYZE deliveries")

    [[plan]] = await owner.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {load_queries('events')['read_backlog'].sql}")

    await owner.close()
    assert max(int(rows) for rows in re.findall(r'"Actual Rows": (\d+)', plan)) == 100_000
    assert (await books.outbox.backlog()).oldest_seconds >= 120


async def test_a_change_and_its_event_are_kept_together_or_not_at_all(
    books: PostgresBooks, pool: "Pool[asyncpg.Record]", owner_database: str
) -> None:
    alice = await a_person(books)
    assert alice.user_id is not None
    before = await books.users.password_hash(alice.user_id)
    owner = await asyncpg.connect(owner_database, timeout=10)
    await owner.execute("ALTER TABLE events ADD CONSTRAINT closed CHECK (kind <> 'password.changed') NOT VALID")
    await owner.close()

    with pytest.raises(asyncpg.CheckViolationError):
        await books.users.change_password(alice.user_id, "another", instead_of=None, spared=None, now=SettableClock()())

    assert await books.users.password_hash(alice.user_id) == before
