"""Sessions in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.events import append_events
from adapters.postgres.queries import Connection, load_queries
from wallet_core.events.kinds import StateChange
from wallet_core.identity.changes import session_stolen
from wallet_core.identity.entities import Role
from wallet_core.identity.refreshing import PresentedToken, RefreshRefusal, judge
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.identity.session_ports import RefreshOutcome, RefusedRefresh, SessionChanges
from wallet_core.ids import SessionId, UserId

_FORGOTTEN_AFTER: Final = timedelta(days=30)
"""So long after they ended, a person's sessions are deleted when the person next begins one."""


class PostgresSessionRepository:
    """A SessionRepository over the tables `sessions` and `refresh_tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("sessions")

    async def add(
        self,
        session: Session,
        refresh_hash: bytes,
        *,
        password_hash: str | None,
        second_factor: bool | None = None,
        sessions_max: int,
        change: StateChange | None = None,
    ) -> Session | None:
        """As SessionRepository.add."""
        async with self._database.transaction() as connection:
            person = await self._queries["hold_person"].fetch_row(
                connection, user_id=session.user_id, password_hash=password_hash, second_factor=second_factor
            )
            if person is None:
                return None
            await self._queries["forget_sessions"].execute(
                connection, user_id=session.user_id, before=session.created_at - _FORGOTTEN_AFTER
            )
            await self._queries["end_surplus_sessions"].execute(
                connection, user_id=session.user_id, now=session.created_at, kept=sessions_max - 1
            )
            await self._queries["add_session"].execute(
                connection,
                id=session.id,
                user_id=session.user_id,
                device=session.device,
                address=session.address,
                created_at=session.created_at,
                expires_at=session.expires_at,
                hash=refresh_hash,
            )
            await append_events(connection, [] if change is None else [change])
            return await self._found(connection, session.id)

    async def find(self, session_id: SessionId) -> Session | None:
        """As SessionRepository.find."""
        async with self._database.connection() as connection:
            return await self._found(connection, session_id)

    async def of(self, user_id: UserId, now: datetime, *, idle: timedelta, rows_max: int) -> list[Session]:
        """As SessionRepository.of."""
        async with self._database.connection() as connection:
            rows = await self._queries["find_sessions_of_person"].fetch(
                connection, user_id=user_id, now=now, seen_after=now - idle, rows_max=rows_max
            )
        return [_session_of(row) for row in rows]

    async def refresh(
        self, presented_hash: bytes, successor_hash: bytes, now: datetime, *, idle: timedelta
    ) -> RefreshOutcome:
        """As SessionRepository.refresh."""
        async with self._database.transaction() as connection:
            row = await self._queries["lock_presented"].fetch_row(connection, hash=presented_hash)
            if row is None:
                return RefusedRefresh(reason=RefreshRefusal.UNKNOWN)
            session = _session_of(row)
            refused = judge(
                PresentedToken(session=session, spent_at=row["spent_at"], refreshes=row["refreshes"]), now, idle=idle
            )
            match refused:
                case None:
                    await self._queries["hand_on"].execute(
                        connection, presented=presented_hash, successor=successor_hash, session_id=session.id, now=now
                    )
                    return session
                case RefreshRefusal.REUSED:
                    await self._ended(connection, session.id, SessionEnd.REFRESH_REUSED, now, None)
                    await append_events(connection, [session_stolen(session)])
                case RefreshRefusal.EXPIRED | RefreshRefusal.UNKNOWN:
                    pass
                case _:
                    assert_never(refused)
            return RefusedRefresh(reason=refused, session=session)

    async def end(
        self, session_id: SessionId, because: SessionEnd, now: datetime, *, owner: UserId | None = None
    ) -> bool:
        """As SessionRepository.end."""
        async with self._database.change() as connection:
            return await self._ended(connection, session_id, because, now, owner)

    async def end_all(
        self, user_id: UserId, because: SessionEnd, now: datetime, *, spared: SessionId | None = None
    ) -> list[SessionId]:
        """As SessionRepository.end_all."""
        async with self._database.change() as connection:
            rows = await self._queries["end_sessions_of_person"].fetch(
                connection, user_id=user_id, because=because, now=now, spared=spared
            )
        return [SessionId(row["id"]) for row in rows]

    async def prove(self, session_id: SessionId, now: datetime) -> bool:
        """As SessionRepository.prove."""
        async with self._database.change() as connection:
            proved = await self._queries["prove_session"].fetch_value(connection, id=session_id, now=now)
            return proved is not None

    async def touch(self, seen: Mapping[SessionId, datetime]) -> None:
        """As SessionRepository.touch."""
        if not seen:
            return
        async with self._database.change() as connection:
            await self._queries["touch_sessions"].execute(connection, ids=list(seen), moments=list(seen.values()))

    async def changes(self, since: datetime | None, *, rows_max: int) -> SessionChanges:
        """As SessionRepository.changes."""
        async with self._database.connection() as connection:
            rows = await self._queries["changes"].fetch(connection, since=since, rows_max=rows_max + 1)
        sessions = [_session_of(row) for row in rows if row["id"] is not None]
        return SessionChanges(
            read_at=rows[0]["read_at"], sessions=sessions[:rows_max], is_complete=len(sessions) <= rows_max
        )

    async def _found(self, connection: Connection, session_id: SessionId) -> Session | None:
        row = await self._queries["find_session"].fetch_row(connection, id=session_id)
        return None if row is None else _session_of(row)

    async def _ended(
        self, connection: Connection, session_id: SessionId, because: SessionEnd, now: datetime, owner: UserId | None
    ) -> bool:
        ended = await self._queries["end_session"].fetch_value(
            connection, id=session_id, because=because, now=now, owner=owner
        )
        return ended is not None


def _session_of(row: asyncpg.Record) -> Session:
    return Session(
        id=SessionId(row["id"]),
        user_id=UserId(row["user_id"]),
        device=row["device"],
        address=row["address"],
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
        proved_at=row["proved_at"],
        ended_at=row["ended_at"],
        ended_because=None if row["ended_because"] is None else SessionEnd(row["ended_because"]),
        changed_at=row["changed_at"],
        role=Role(row["role"]),
        second_factor=row["second_factor"],
    )
