"""Sessions in PostgreSQL: what races with them, what they leave behind, and what they cost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.sessions import PostgresSessionRepository
from adapters.postgres.users import PostgresUserRepository
from wallet_core.identity.entities import User
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.testing.builders import a_session, a_user
from wallet_core.testing.clock import NOON

Connection = asyncpg.Connection
MANY = 100


@pytest.fixture
def sessions(pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresSessionRepository:
    return PostgresSessionRepository(Database(pool))


@pytest.fixture
async def user(pool: "asyncpg.Pool[asyncpg.Record]") -> User:
    user = a_user()
    await PostgresUserRepository(Database(pool)).add(user, "hash")
    return user


@pytest.fixture
async def owner(owner_database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(owner_database, timeout=10, command_timeout=30)
    yield connection
    await connection.close()


async def begun(sessions: PostgresSessionRepository, session: Session) -> Session | None:
    return await sessions.add(session, session.id.bytes, password_hash=None, sessions_max=MANY)


@pytest.mark.parametrize(
    ("change", "password_hash"),
    [
        ("UPDATE users SET status = 'deactivated' WHERE id = $1", None),
        ("UPDATE users SET password_hash = 'another' WHERE id = $1", "hash"),
    ],
)
async def test_a_log_in_waits_for_what_is_being_changed_about_its_person(
    sessions: PostgresSessionRepository, owner: Connection, user: User, change: str, password_hash: str | None
) -> None:
    session = a_session(user_id=user.id)
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(change, user.id)

    adding = asyncio.create_task(sessions.add(session, b"first", password_hash=password_hash, sessions_max=MANY))
    await asyncio.sleep(0.2)
    waited = not adding.done()
    await transaction.commit()

    assert waited
    assert await adding is None
    assert await sessions.find(session.id) is None


async def test_an_end_in_a_transaction_that_is_open_is_heard_once_it_is_committed(
    sessions: PostgresSessionRepository, owner: Connection, user: User
) -> None:
    session = a_session(user_id=user.id)
    await begun(sessions, session)
    since = (await sessions.changes(None, rows_max=MANY)).read_at
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(
        "UPDATE sessions SET ended_at = now(), ended_because = 'logged_out', changed_at = clock_timestamp()"
    )

    before = await sessions.changes(since, rows_max=MANY)
    await transaction.commit()
    after = await sessions.changes(before.read_at - timedelta(seconds=10), rows_max=MANY)

    assert list(before.sessions) == []
    assert [each.id for each in after.sessions] == [session.id]


async def test_what_is_over_for_a_month_is_forgotten_with_its_tokens_at_the_next_log_in(
    sessions: PostgresSessionRepository, owner: Connection, user: User
) -> None:
    month = timedelta(days=30)
    expired = a_session(user_id=user.id, expires_at=NOON)
    ended, lately, other = [a_session(user_id=user.id, expires_at=NOON + 2 * month) for _ in range(3)]
    for session in (expired, ended, lately, other):
        await begun(sessions, session)
    await sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)
    await sessions.end(lately.id, SessionEnd.LOGGED_OUT, NOON + timedelta(hours=1))
    new = replace(a_session(user_id=user.id), created_at=NOON + month + timedelta(minutes=1))

    await begun(sessions, new)

    kept = {row["id"] for row in await owner.fetch("SELECT id FROM sessions")}
    tokens = {row["session_id"] for row in await owner.fetch("SELECT session_id FROM refresh_tokens")}
    assert kept == tokens == {lately.id, other.id, new.id}


async def test_what_changes_of_a_person_besides_is_no_change_of_their_sessions(
    sessions: PostgresSessionRepository, owner: Connection, user: User
) -> None:
    session = a_session(user_id=user.id)
    await begun(sessions, session)

    await owner.execute("UPDATE users SET name = 'Alicia', role = role, status = status WHERE id = $1", user.id)

    found = await sessions.find(session.id)
    assert found is not None
    assert found.changed_at is None


async def test_being_used_touches_no_index(sessions: PostgresSessionRepository, owner: Connection, user: User) -> None:
    session = a_session(user_id=user.id)
    await begun(sessions, session)

    for second in range(1, 6):
        await sessions.touch({session.id: NOON + timedelta(seconds=second)})

    # The server gathers its figures with some delay, unless it is asked to.
    await owner.execute("SELECT pg_stat_force_next_flush()")
    updates = None
    for _ in range(100):
        updates = await owner.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'"
        )
        if updates is not None and updates["n_tup_upd"] == 5:
            break
        await asyncio.sleep(0.1)
    assert updates is not None
    assert tuple(updates) == (5, 5)


async def test_ends_and_uses_of_many_sessions_at_once_never_wait_for_each_other_in_a_circle(
    sessions: PostgresSessionRepository, user: User
) -> None:
    begun_sessions = [a_session(user_id=user.id) for _ in range(30)]
    for session in begun_sessions:
        await begun(sessions, session)

    for second in range(1, 11):
        there = {each.id: NOON + timedelta(seconds=second) for each in begun_sessions}
        back = dict(reversed(there.items()))
        await asyncio.gather(sessions.touch(there), sessions.touch(back), sessions.touch(there))
    ended = await asyncio.gather(*[sessions.end_all(user.id, SessionEnd.LOGGED_OUT_EVERYWHERE, NOON) for _ in range(3)])

    assert sum(map(len, ended)) == 30
