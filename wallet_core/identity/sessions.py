"""Sessions: begun by a log-in, checked with each request, kept going by refreshing, and ended."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from wallet_core.clock import Clock
from wallet_core.identity.changes import new_device
from wallet_core.identity.entities import AccessClaims, Device, User
from wallet_core.identity.ports import AccessTokens
from wallet_core.identity.refreshing import RefreshRefusal
from wallet_core.identity.session import ActiveSession, Granted, Session, SessionEnd
from wallet_core.identity.session_memory import KnownSession, SessionMemory
from wallet_core.identity.session_ports import (
    RefreshTokens,
    SessionNews,
    SessionRepository,
)
from wallet_core.identity.session_watch import SessionWatch
from wallet_core.ids import IdGenerator, SessionId, UserId

PROOF_LASTS: Final = timedelta(minutes=5)
"""How long after somebody proved who they are they may do what asks for a fresh proof."""
SESSIONS_MAX: Final = 100
"""Of one person at a time. With one more, the one that was not used longest ends."""


class SessionRefusal(StrEnum):
    """Why a token that was signed for this and for now is not enough."""

    UNKNOWN = "unauthorized"
    EXPIRED = "session_expired"
    ENDED = "session_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """How long a session lasts at most, and how long unused."""

    lifetime: timedelta
    idle: timedelta


class Sessions:
    """What people's sessions come to, from the log-in to the end.

    A check goes by the memory of this process, which the watch keeps true to within a second, and asks the repository
    before it refuses anything but an end that it knows of. All that awaits raises Unavailable where the repository
    does not answer, and what changes something OutcomeUnknown.
    """

    def __init__(
        self,
        repository: SessionRepository,
        memory: SessionMemory,
        watch: SessionWatch,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        *,
        news: SessionNews,
        rules: SessionRules,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._memory = memory
        self._watch = watch
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._news = news
        self._rules = rules
        self._ids = ids
        self._clock = clock

    async def start(
        self,
        user: User,
        device: Device,
        *,
        password_hash: str | None = None,
        second_factor: bool | None = None,
        is_new_device: bool = False,
    ) -> Granted | None:
        """A new session of somebody who has just proved who they are, by the password of that hash if one is given,
        and by a code or without one if it is said which. They are told of a device that is new to them.

        Nothing when they were deactivated, or their password or whether codes are asked for changed in the meantime.
        """
        now = self._clock()
        session = Session(
            id=SessionId(self._ids()),
            user_id=user.id,
            device=device.name,
            address=device.address,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._rules.lifetime,
            proved_at=now,
        )
        refresh = self._refresh_tokens.first()
        kept = await self._repository.add(
            session,
            self._hashed(refresh),
            password_hash=password_hash,
            second_factor=second_factor,
            sessions_max=SESSIONS_MAX,
            change=new_device(session) if is_new_device else None,
        )
        return None if kept is None else self._granted(kept, refresh)

    async def is_live(self, active: ActiveSession) -> bool:
        """Whether a session that was let in still is. This is no use of it."""
        return isinstance(await self.check(active, background=True), ActiveSession)

    async def check(
        self, claims: AccessClaims | ActiveSession, *, background: bool = False
    ) -> ActiveSession | SessionRefusal:
        """Who asks, if their session is live. It is used by this, unless somebody only asks in the background."""
        now = self._clock()
        known = self._memory.get(claims.session_id)
        if (
            known is not None
            and now < known.quick_until
            and known.active.user_id == claims.user_id
            and self._watch.is_current()
        ):
            if not background:
                self._memory.note_use(known, now)
            return known.active
        return await self._check_thoroughly(claims, now, background=background)

    async def check_anew(self, active: ActiveSession) -> ActiveSession | SessionRefusal:
        """The same session as it is kept at this moment: for whoever would refuse something for what it was."""
        session = await self._repository.find(active.session_id)
        if session is None:
            return SessionRefusal.UNKNOWN
        known = self._memory.learn(session)
        return SessionRefusal.ENDED if known.is_ended else known.active

    async def is_proved(self, active: ActiveSession) -> bool:
        """Whether its person has proved who they are within PROOF_LASTS."""
        if self._is_fresh(active.proved_at):
            return True
        anew = await self.check_anew(active)
        return isinstance(anew, ActiveSession) and self._is_fresh(anew.proved_at)

    async def prove(self, active: ActiveSession) -> bool:
        """Keep that its person has just proved who they are. Whether the session had not ended."""
        proved = await self._repository.prove(active.session_id, self._clock())
        await self.check_anew(active)
        await self._news.announce()
        return proved

    async def refresh(self, token: str) -> Granted | RefreshRefusal:
        """New tokens for a refresh token, which is spent by it. This is no use of the session, and revives none."""
        presented = self._refresh_tokens.hashed(token)
        if presented is None:
            return RefreshRefusal.UNKNOWN
        successor = self._refresh_tokens.successor_of(token)
        outcome = await self._repository.refresh(
            presented, self._hashed(successor), self._clock(), idle=self._rules.idle
        )
        if isinstance(outcome, Session):
            return self._granted(outcome, successor)
        if outcome.reason is RefreshRefusal.REUSED and outcome.session is not None:
            await self._note_ends([outcome.session.id])
        return outcome.reason

    async def log_out(self, claims: AccessClaims) -> None:
        """End the session that a token belongs to, if it has not ended yet."""
        await self._end(claims.session_id, SessionEnd.LOGGED_OUT, owner=claims.user_id)

    async def log_out_everywhere(self, user_id: UserId) -> None:
        """End all sessions of a person."""
        await self.end_all(user_id, SessionEnd.LOGGED_OUT_EVERYWHERE)

    async def end(self, active: ActiveSession, session_id: SessionId) -> bool:
        """End one's own session. Whether one has one of that id."""
        return await self._end(session_id, SessionEnd.ENDED_BY_OWNER, owner=active.user_id)

    async def end_all(self, user_id: UserId, because: SessionEnd, *, spared: SessionId | None = None) -> None:
        """End all sessions of a person, but for the one to spare."""
        await self._note_ends(await self._repository.end_all(user_id, because, self._clock(), spared=spared))

    async def of(self, user_id: UserId) -> list[Session]:
        """The sessions of a person that may still be used, the one used last first."""
        sessions = await self._repository.of(user_id, self._clock(), idle=self._rules.idle, rows_max=SESSIONS_MAX)
        return sorted(map(self._as_used_here, sessions), key=lambda each: each.last_seen_at, reverse=True)

    async def announce(self) -> None:
        """Let every process, this one too, look at once for what somebody else changed about sessions."""
        await self._watch.hurry()
        await self._news.announce()

    async def _check_thoroughly(
        self, claims: AccessClaims | ActiveSession, now: datetime, *, background: bool
    ) -> ActiveSession | SessionRefusal:
        known = self._memory.get(claims.session_id)
        if known is None or not known.is_ended:
            if not self._watch.is_current():
                await self._watch.caught_up()
            known = self._memory.get(claims.session_id)
            if known is None or (not known.is_ended and not self._may_be_used(known, now)):
                session = await self._repository.find(claims.session_id)
                known = None if session is None else self._memory.learn(session)
        if known is None or known.active.user_id != claims.user_id:
            return SessionRefusal.UNKNOWN
        if known.is_ended:
            return SessionRefusal.ENDED
        if not self._may_be_used(known, now):
            return SessionRefusal.EXPIRED
        if not background:
            self._memory.note_use(known, now)
            if now >= known.stored_at + self._memory.write_before:
                # Others, who go by what is written down, would soon call it idle.
                await self._watch.write_now([known])
        return known.active

    def _as_used_here(self, session: Session) -> Session:
        """With the last use that this process knows of, which may not be written down yet."""
        known = self._memory.get(session.id)
        return (
            session if known is None else replace(session, last_seen_at=max(session.last_seen_at, known.last_seen_at))
        )

    def _may_be_used(self, known: KnownSession, now: datetime) -> bool:
        return now < known.expires_at and now - known.last_seen_at < self._rules.idle

    def _is_fresh(self, proved_at: datetime | None) -> bool:
        return proved_at is not None and self._clock() - proved_at < PROOF_LASTS

    async def _end(self, session_id: SessionId, because: SessionEnd, *, owner: UserId | None = None) -> bool:
        found = await self._repository.end(session_id, because, self._clock(), owner=owner)
        if found:
            await self._note_ends([session_id])
        return found

    async def _note_ends(self, session_ids: list[SessionId]) -> None:
        self._memory.end(session_ids)
        if session_ids:
            await self._news.announce()

    def _granted(self, session: Session, refresh: str) -> Granted:
        self._memory.learn(session)
        access = self._tokens.issue(user_id=session.user_id, session_id=session.id, role=session.role)
        return Granted(access=access, refresh=refresh)

    def _hashed(self, token: str) -> bytes:
        hashed = self._refresh_tokens.hashed(token)
        assert hashed is not None  # noqa: S101 - it was made here
        return hashed
