"""Whoever owns the tables may do anything to the audit, and is found out by its chain."""

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from adapters.postgres.audit import add_entry, broken_links
from adapters.postgres.verification import SEALS_HOLD, verify
from tests.adapters.busy_book import Connection, Pool
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.administration.audit import OPERATOR, Actor, ActorKind, AuditEntry, AuditQuery
from wallet_core.administration.chain import AuditSealing, Seal, next_seals
from wallet_core.clock import system_clock
from wallet_core.ids import AuditId, SessionId, UserId
from wallet_core.testing.builders import new_id

TRIALS: Final = 1_000
ENTRIES: Final = 40
STATES: Final = ("before", "after")
UUIDS: Final = ("actor_id", "session_id", "user_id")
NEEDLESS: Final = ("actor_kind", "action", "target_kind", "target_id", "reason")
"""The texts that are never NULL as long as nobody changes the table itself."""


@pytest.fixture
async def books(pool: Pool) -> PostgresBooks:
    """An audit of entries of all kinds, sealed in several goes."""
    books = PostgresBooks(pool, system_clock)
    for number in range(ENTRIES):
        async with pool.acquire() as connection, connection.transaction():
            await add_entry(connection, an_entry(number))
        if number % 15 == 0:
            await AuditSealing(books.seals).seal()
    await AuditSealing(books.seals).seal()
    assert await books.seals.broken_links() == []
    return books


@pytest.fixture
async def owner(owner_database: str, books: PostgresBooks) -> AsyncIterator[Connection]:
    """The owner of the tables, whom no trigger, check or key holds up any more."""
    connection = await asyncpg.connect(owner_database, timeout=10, command_timeout=30)
    for table in ("audit", "audit_seals"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, constraint in await connection.fetch(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE conrelid IN ('audit'::regclass, 'audit_seals'::regclass) AND contype IN ('c', 'f', 'u', 'p') "
        "ORDER BY contype DESC"
    ):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint} CASCADE")
    await connection.execute("ALTER TABLE audit ALTER COLUMN place DROP IDENTITY")
    for column in NEEDLESS:
        await connection.execute(f"ALTER TABLE audit ALTER COLUMN {column} DROP NOT NULL")
    yield connection
    await connection.close()


def an_entry(number: int) -> AuditEntry:
    """An entry that has something in every column, or, one in five, as little as can be."""
    bare = number % 5 == 0
    person = Actor(
        kind=ActorKind.ADMIN, id=UserId(new_id()), session_id=SessionId(new_id()), request_id=f"request-{number}"
    )
    return AuditEntry(
        id=AuditId(new_id()),
        at=system_clock(),
        actor=OPERATOR if bare else person,
        action="sessions.ended",
        target_kind="person",
        target_id=f"target-{number}",
        user_id=None if bare else UserId(new_id()),
        before=None if bare else {"daily": number, "names": ["a", {"b": None}], "flag": True},
        after=None if bare else {"daily": number + 1, "text": f"Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} {number}"},
        reason=f"Reason {number}",
    )


def another(column: str, value: Any, chance: random.Random) -> Any:
    """Another value of the column's type, often one that differs by as little as can be."""
    if column in STATES:
        more = [] if value is None else [value[:-1] + ', "more": 0}', value.replace("1", "2", 1), value.lower()]
        return chance.choice([None, "null", "{}", "[]", "1.0", '{"daily": 1.0}', '{"daily": 1e9}', *more])
    match value:
        case None:
            return new_id() if column in UUIDS else chance.choice(("", "x"))
        case int():
            return value + chance.choice((-1, 1, 1_000))
        case str():
            return chance.choice((None, "", value + " ", value[:-1], value.swapcase(), "admin", f"\u200b{value}"))
        case bytes():
            place = chance.randrange(len(value))
            return value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :]
        case datetime():
            return value + chance.choice((1, -1)) * timedelta(microseconds=chance.choice((1, 1_000_000)))
        case UUID():
            return chance.choice((new_id(), UUID(int=value.int ^ 1)))
    raise AssertionError(f"{column} holds {value!r}, which nothing here knows another one of.")


@asynccontextmanager
async def undone(owner: Connection) -> AsyncIterator[None]:
    """What the block does to the tables, until it ends."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def test_any_of_a_thousand_fields_that_were_tampered_with_is_found(owner: Connection) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    rows = {table: await owner.fetch(f"SELECT * FROM {table}") for table in ("audit", "audit_seals")}
    missed, tried = [], []

    while len(tried) < TRIALS:
        table = chance.choice(("audit", "audit", "audit_seals"))
        row = chance.choice(rows[table])
        column = chance.choice(list(row.keys()))
        changed = another(column, row[column], chance)
        if changed == row[column]:
            continue
        tried.append((table, column))
        key = "id" if table == "audit" else "audit_id"
        async with undone(owner):
            await owner.execute(f"UPDATE {table} SET {column} = $1 WHERE {key} = $2", changed, row[key])
            if not await broken_links(owner):
                missed.append((table, column, row[column], changed))

    assert missed == [], f"seed {seed}"
    assert len(set(tried)) == sum(len(rows[table][0]) for table in rows), f"seed {seed}"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit WHERE place = 7",
        "DELETE FROM audit_seals WHERE seq = 7",
        "DELETE FROM audit_seals WHERE seq = 1",
        "UPDATE audit_seals SET seq = -seq",
        "UPDATE audit_seals SET seq = CASE seq WHEN 7 THEN 8 ELSE 7 END WHERE seq IN (7, 8)",
        "UPDATE audit SET place = CASE place WHEN 7 THEN 8 ELSE 7 END WHERE place IN (7, 8)",
        "UPDATE audit_seals SET audit_id = (SELECT audit_id FROM audit_seals WHERE seq = 8) WHERE seq = 7",
        "UPDATE audit SET session_id = actor_id, actor_id = session_id WHERE place = 7",
        "UPDATE audit SET action = target_kind, target_kind = action WHERE place = 7",
        "UPDATE audit SET target_id = target_id || action, action = '' WHERE place = 7",
        "UPDATE audit SET reason = 'Another' WHERE place = 40",
    ],
)
async def test_what_is_taken_out_or_put_in_another_place_is_found(owner: Connection, change: str) -> None:
    async with undone(owner):
        await owner.execute(change)

        assert await broken_links(owner) != []


async def test_an_entry_that_is_changed_and_sealed_anew_is_found_by_the_next_seal(
    owner: Connection, books: PostgresBooks
) -> None:
    """Whoever knows how seals are made has to make all that follow anew."""
    (entry,) = [each for each in (await books.audit.page(AuditQuery(limit=ENTRIES))).entries if each.place == 7]
    before, seal = await owner.fetch("SELECT * FROM audit_seals WHERE seq IN (6, 7) ORDER BY seq")
    last = Seal(seq=6, audit_id=AuditId(before["audit_id"]), hash=before["hash"], sealed_at=before["sealed_at"])
    (forged,) = next_seals(last, [replace(entry, reason="Another")], seal["sealed_at"])

    await owner.execute("UPDATE audit SET reason = 'Another' WHERE id = $1", entry.id)
    await owner.execute("UPDATE audit_seals SET hash = $1 WHERE seq = 7", forged.hash)
    broken = await books.seals.broken_links()

    assert [link.seq for link in broken] == [8]


async def test_verify_names_the_entry_whose_seal_does_not_hold(owner: Connection) -> None:
    entry = await owner.fetchval("UPDATE audit SET reason = 'Another' WHERE place = 7 RETURNING id")

    findings = await verify(owner)

    assert (SEALS_HOLD, str(entry)) in {(finding.invariant, finding.subject) for finding in findings}


async def test_entries_are_sealed_in_the_order_in_which_they_become_visible(pool: Pool, books: PostgresBooks) -> None:
    async with pool.acquire() as slow, slow.transaction():
        late = an_entry(100)
        await add_entry(slow, late)
        async with pool.acquire() as quick, quick.transaction():
            early = an_entry(101)
            await add_entry(quick, early)
        while_it_lasts = await books.seals.seal(10)
    afterwards = await books.seals.seal(10)

    sealed = await pool.fetch("SELECT audit_id FROM audit_seals ORDER BY seq DESC LIMIT 2")
    places = await pool.fetch("SELECT id FROM audit ORDER BY place DESC LIMIT 2")
    assert (while_it_lasts, afterwards) == (1, 1)
    assert [row["audit_id"] for row in sealed] == [late.id, early.id]
    assert [row["id"] for row in places] == [early.id, late.id]
    assert await books.seals.broken_links() == []
