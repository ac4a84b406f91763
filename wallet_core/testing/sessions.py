"""Sessions in memory, and word of them between everybody in one process."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wallet_core.clock import Clock, system_clock
from wallet_core.events.kinds import StateChange
from wallet_core.identity.changes import session_stolen
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.identity.refreshing import PresentedToken, RefreshRefusal, judge
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.identity.session_ports import RefreshOutcome, RefusedRefresh, SessionChanges
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.records import KeptRefreshToken, Records

_TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class InMemorySessionRepository:
    """A SessionRepository over the people of `Records`."""

    def __init__(self, records: Records, clock: Clock = system_clock) -> None:
        """By `clock` go `changed_at` and `read_at`, as by a database's own."""
        self._records = records
        self._clock = clock

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
        person = self._records.users.get(session.user_id)
        proved = (None, self._records.password_hashes.get(session.user_id))
        if person is None or person.status is UserStatus.DEACTIVATED or password_hash not in proved:
            return None
        if second_factor not in (None, self._records.second_factors_on.get(session.user_id, False)):
            return None
        live = [each for each in self._of(session.user_id) if session.created_at < each.expires_at]
        live.sort(key=lambda each: (each.last_seen_at, each.id), reverse=True)
        for surplus in live[sessions_max - 1 :]:
            self._end(surplus, SessionEnd.SUPERSEDED, session.created_at)
        self._records.sessions[session.id] = session
        self._records.refresh_tokens[refresh_hash] = KeptRefreshToken(session_id=session.id)
        if change is not None:
            self._records.note(change)
        return self._found(session.id)

    async def find(self, session_id: SessionId) -> Session | None:
        """As SessionRepository.find."""
        return self._found(session_id)

    async def of(self, user_id: UserId, now: datetime, *, idle: timedelta, rows_max: int) -> list[Session]:
        """As SessionRepository.of."""
        live = [each for each in self._of(user_id) if each.is_live(now, idle)]
        return sorted(live, key=lambda each: (each.last_seen_at, each.id), reverse=True)[:rows_max]

    async def refresh(
        self, presented_hash: bytes, successor_hash: bytes, now: datetime, *, idle: timedelta
    ) -> RefreshOutcome:
        """As SessionRepository.refresh."""
        token = self._records.refresh_tokens.get(presented_hash)
        session = None if token is None else self._found(token.session_id)
        if token is None or session is None:
            return RefusedRefresh(reason=RefreshRefusal.UNKNOWN)
        refreshes = sum(1 for each in self._records.refresh_tokens.values() if each.session_id == session.id) - 1
        refused = judge(PresentedToken(session=session, spent_at=token.spent_at, refreshes=refreshes), now, idle=idle)
        if refused is RefreshRefusal.REUSED:
            self._end(session, SessionEnd.REFRESH_REUSED, now)
            self._records.note(session_stolen(session))
        if refused is not None:
            return RefusedRefresh(reason=refused, session=session)
        self._records.refresh_tokens[presented_hash] = replace(token, spent_at=token.spent_at or now)
        self._records.refresh_tokens.setdefault(successor_hash, KeptRefreshToken(session_id=session.id))
        return session

    async def end(
        self, session_id: SessionId, because: SessionEnd, now: datetime, *, owner: UserId | None = None
    ) -> bool:
        """As SessionRepository.end."""
        session = self._found(session_id)
        if session is None or owner not in (None, session.user_id):
            return False
        if session.ended_at is None:
            self._end(session, because, now)
        return True

    async def end_all(
        self, user_id: UserId, because: SessionEnd, now: datetime, *, spared: SessionId | None = None
    ) -> list[SessionId]:
        """As SessionRepository.end_all."""
        ending = [each for each in self._of(user_id) if each.id != spared]
        for session in ending:
            self._end(session, because, now)
        return [session.id for session in ending]

    async def prove(self, session_id: SessionId, now: datetime) -> bool:
        """As SessionRepository.prove."""
        session = self._records.sessions.get(session_id)
        if session is None or session.ended_at is not None:
            return False
        self._records.sessions[session_id] = replace(session, proved_at=now, changed_at=self._clock())
        return True

    async def touch(self, seen: Mapping[SessionId, datetime]) -> None:
        """As SessionRepository.touch."""
        for session_id, seen_at in seen.items():
            session = self._records.sessions.get(session_id)
            if session is not None:
                last_seen_at = max(session.last_seen_at, seen_at)
                self._records.sessions[session_id] = replace(session, last_seen_at=last_seen_at)

    async def changes(self, since: datetime | None, *, rows_max: int) -> SessionChanges:
        """As SessionRepository.changes."""
        changed = [
            self._with_person(session)
            for session in self._records.sessions.values()
            if since is not None and session.changed_at is not None and session.changed_at > since
        ]
        newest_first = sorted(changed, key=lambda each: each.changed_at or since or each.created_at, reverse=True)
        return SessionChanges(
            read_at=self._clock(), sessions=newest_first[:rows_max], is_complete=len(changed) <= rows_max
        )

    def change_person(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        status: UserStatus | None = None,
        second_factor: bool | None = None,
    ) -> None:
        """Change what a person may do, for their sessions too, as the database's own trigger does."""
        person = self._records.users[user_id]
        person = self._records.users[user_id] = replace(
            person, role=role or person.role, status=status or person.status
        )
        if second_factor is not None:
            self._records.second_factors_on[user_id] = second_factor
        for session in self._of(user_id):
            if person.status is UserStatus.DEACTIVATED:
                self._end(session, SessionEnd.ACCOUNT_DEACTIVATED, self._clock())
            else:
                self._records.sessions[session.id] = replace(session, changed_at=self._clock())

    def _of(self, user_id: UserId) -> list[Session]:
        """Those that have not ended."""
        return [
            self._with_person(session)
            for session in self._records.sessions.values()
            if session.user_id == user_id and session.ended_at is None
        ]

    def _found(self, session_id: SessionId) -> Session | None:
        session = self._records.sessions.get(session_id)
        return None if session is None else self._with_person(session)

    def _with_person(self, session: Session) -> Session:
        """What a person may do is looked up when read, so that a change shows at once."""
        role = self._records.users[session.user_id].role
        return replace(session, role=role, second_factor=self._records.second_factors_on.get(session.user_id, False))

    def _end(self, session: Session, because: SessionEnd, now: datetime) -> None:
        self._records.sessions[session.id] = replace(
            session, ended_at=now, ended_because=because, changed_at=self._clock()
        )


class InMemoryRefreshTokens:
    """RefreshTokens that remember the successor of each instead of deriving it."""

    def __init__(self) -> None:
        self._successors: dict[str, str] = {}

    def first(self) -> str:
        """As RefreshTokens.first."""
        return secrets.token_urlsafe(_TOKEN_BYTES)

    def successor_of(self, token: str) -> str:
        """As RefreshTokens.successor_of."""
        return self._successors.setdefault(token, secrets.token_urlsafe(_TOKEN_BYTES))

    def hashed(self, token: str) -> bytes | None:
        """As RefreshTokens.hashed."""
        return hashlib.sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None


class InMemorySessionNews:
    """SessionNews of all that were made with the same list of listeners."""

    def __init__(self, listeners: list[asyncio.Event]) -> None:
        self._listeners = listeners
        self._said = asyncio.Event()
        listeners.append(self._said)

    async def announce(self) -> None:
        """As SessionNews.announce."""
        for listener in self._listeners:
            listener.set()

    async def heard(self, *, seconds_max: float) -> None:
        """As SessionNews.heard."""
        try:
            async with asyncio.timeout(seconds_max):
                await self._said.wait()
        except TimeoutError:
            return
        self._said.clear()
