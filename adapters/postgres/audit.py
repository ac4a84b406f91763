"""The audit in PostgreSQL: written with what it tells of, read by admins, and sealed link by link."""

import json
from datetime import datetime
from functools import cache
from typing import Any, Final, NoReturn, cast

import asyncpg

from adapters.postgres.database import COMMAND_SECONDS, Database
from adapters.postgres.queries import Connection, Query, load_queries
from wallet_core.administration.audit import Actor, ActorKind, AuditEntry, AuditPage, AuditQuery, State
from wallet_core.administration.chain import BrokenLink, ChainCheck, Seal, next_seals
from wallet_core.ids import AuditId, SessionId, UserId

SEALING_LOCK_KEY: Final = 0x5345414C  # "SEAL": one number for all who seal in a database
BROKEN_LINKS_MAX: Final = 100
_LINKS_READ: Final = 1_000


async def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Keep an entry, in the transaction that the connection is in: that of the change it tells of."""
    actor = entry.actor
    await _add().execute(
        connection,
        id=entry.id,
        at=entry.at,
        actor_kind=actor.kind,
        actor_id=actor.id,
        session_id=actor.session_id,
        request_id=actor.request_id,
        action=entry.action,
        target_kind=entry.target_kind,
        target_id=entry.target_id,
        user_id=entry.user_id,
        before=_written(entry.before),
        after=_written(entry.after),
        reason=entry.reason,
    )


class PostgresAuditTrail:
    """An AuditTrail over the table `audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("audit")

    async def page(self, query: AuditQuery) -> AuditPage:
        """As AuditTrail.page."""
        async with self._database.connection() as connection:
            rows = await self._queries[_page_query(query)].fetch(
                connection,
                actor_kind=query.actor_kind,
                actor_id=query.actor_id,
                action=query.action,
                target_id=query.target_id,
                user_id=query.user_id,
                made_from=query.made_from,
                made_before=query.made_before,
                before_place=query.before_place,
                line_limit=query.limit + 1,
            )
        entries = tuple(_entry_of(row) for row in rows[: query.limit])
        return AuditPage(entries=entries, next_before=entries[-1].place if len(rows) > query.limit else None)


class PostgresSeals:
    """A SealRepository over the table `audit_seals`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("audit")

    async def seal(self, entries_max: int) -> int:
        """As SealRepository.seal."""
        async with self._database.transaction() as connection:
            if not await self._queries["try_to_seal"].fetch_value(connection, lock_key=SEALING_LOCK_KEY):
                return 0
            last = await self._last(connection)
            rows = await self._queries["unsealed"].fetch(connection, entries_max=entries_max)
            if not rows:
                return 0
            now: datetime = rows[0]["now_read"]
            seals = next_seals(last, [_entry_of(row) for row in rows], now)
            await self._queries["add_seals"].execute(
                connection,
                seqs=[seal.seq for seal in seals],
                audit_ids=[seal.audit_id for seal in seals],
                hashes=[seal.hash for seal in seals],
                sealed_at=now,
            )
        return len(seals)

    async def broken_links(self) -> list[BrokenLink]:
        """As SealRepository.broken_links."""
        async with self._database.transaction() as connection:
            return await broken_links(connection)

    async def head(self) -> Seal | None:
        """As SealRepository.head."""
        async with self._database.connection() as connection:
            return await self._last(connection)

    async def _last(self, connection: Connection) -> Seal | None:
        row = await self._queries["last_seal"].fetch_row(connection)
        return None if row is None else _seal_of(row)


async def broken_links(
    connection: Connection, *, links_max: int = BROKEN_LINKS_MAX, seconds_max: float = COMMAND_SECONDS
) -> list[BrokenLink]:
    """What of the chain does not hold, at most so many links of it. Raises what asyncpg raises.

    The connection is in a transaction. Each part is read within `seconds_max`.
    """
    check = ChainCheck()
    broken: list[BrokenLink] = []
    rows = connection.cursor(load_queries("audit")["chain"].sql, prefetch=_LINKS_READ, timeout=seconds_max)
    async for row in rows:
        broken += check.broken(_seal_of(row), _readable_entry(row))
        if len(broken) >= links_max:
            break
    return broken


def _page_query(query: AuditQuery) -> str:
    """The one that goes by the index which leaves the fewest entries."""
    if query.target_id is not None:
        return "page_of_target"
    if query.user_id is not None:
        return "page_of_person"
    return "page" if query.actor_id is None else "page_of_actor"


def _seal_of(row: asyncpg.Record) -> Seal:
    return Seal(seq=row["seq"], audit_id=AuditId(row["audit_id"]), hash=row["hash"], sealed_at=row["sealed_at"])


def _readable_entry(row: asyncpg.Record) -> AuditEntry | None:
    """Nothing where the entry is gone, or holds what no entry ever held."""
    try:
        return None if row["id"] is None else _entry_of(row)
    except (TypeError, ValueError, RecursionError):
        return None


def _entry_of(row: asyncpg.Record) -> AuditEntry:
    """Raises TypeError or ValueError for what was never written here."""
    return AuditEntry(
        id=AuditId(row["id"]),
        place=row["place"],
        at=row["at"],
        actor=Actor(
            kind=ActorKind(row["actor_kind"]),
            id=None if row["actor_id"] is None else UserId(row["actor_id"]),
            session_id=None if row["session_id"] is None else SessionId(row["session_id"]),
            request_id=row["request_id"],
        ),
        action=row["action"],
        target_kind=row["target_kind"],
        target_id=row["target_id"],
        user_id=None if row["user_id"] is None else UserId(row["user_id"]),
        before=_read(row["before"]),
        after=_read(row["after"]),
        reason=row["reason"],
    )


def _written(state: State | None) -> str | None:
    return None if state is None else json.dumps(state)


def _read(written: str | None) -> State | None:
    if written is None:
        return None
    state: Any = json.loads(written, parse_float=_no_fraction)
    if not isinstance(state, dict):
        raise TypeError("A state is an object.")
    return cast(State, state)


def _no_fraction(written: str) -> NoReturn:
    raise ValueError(f"{written} is no whole number.")


@cache
def _add() -> Query:
    return load_queries("audit")["add_entry"]
