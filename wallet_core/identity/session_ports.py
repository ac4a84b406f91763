"""What sessions ask of the world."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from wallet_core.events.kinds import StateChange
from wallet_core.identity.refreshing import RefreshRefusal
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.ids import SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRefresh:
    """There is no successor; whose session it would have been, where the token is known."""

    reason: RefreshRefusal
    session: Session | None = None


RefreshOutcome: TypeAlias = Session | RefusedRefresh


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChanges:
    """The sessions that changed since a moment, as they are now."""

    read_at: datetime
    """When they were read, by the clock of where they are kept: what `changed_at` goes by, too."""
    sessions: Sequence[Session]
    is_complete: bool
    """Whether these are all; if not, anything else may have changed as well."""


class SessionRepository(Protocol):
    """Where sessions and the hashes of their refresh tokens are kept.

    A change to a session, or to what its person may do, sets `changed_at` in the same transaction. All methods raise
    Unavailable, and those that change something OutcomeUnknown. Every implementation passes
    `wallet_core.testing.contracts.SessionRepositoryContract`.
    """

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
        """Keep a new session with its first refresh token, and the change if there is one; as it is kept, with what
        its person may do.

        Nothing is kept of somebody who is not there, was deactivated, or whose password has another hash than the one
        given (if any) that was proved; nor, where `second_factor` says whether they have one turned on, if that is no
        longer so. Past `sessions_max` live ones of a person those end that were not used longest.
        """
        ...

    async def find(self, session_id: SessionId) -> Session | None:
        """The session of that id."""
        ...

    async def of(self, user_id: UserId, now: datetime, *, idle: timedelta, rows_max: int) -> list[Session]:
        """The sessions of that person that may still be used, the one used last first."""
        ...

    async def refresh(
        self, presented_hash: bytes, successor_hash: bytes, now: datetime, *, idle: timedelta
    ) -> RefreshOutcome:
        """Spend the presented token for its successor, as `refreshing.judge` sees it in the same transaction.

        A token that was spent before, but within the grace, stays as it was. One that was REUSED ends its session,
        and `session_stolen` is kept.
        """
        ...

    async def end(
        self, session_id: SessionId, because: SessionEnd, now: datetime, *, owner: UserId | None = None
    ) -> bool:
        """End a session, if it is that owner's where one is given; what has ended stays as it ended.

        Whether there is such a session.
        """
        ...

    async def end_all(
        self, user_id: UserId, because: SessionEnd, now: datetime, *, spared: SessionId | None = None
    ) -> list[SessionId]:
        """End all sessions of a person, but for the one to spare; those that ended now."""
        ...

    async def prove(self, session_id: SessionId, now: datetime) -> bool:
        """Keep that its person has proved who they are just now. Whether the session had not ended."""
        ...

    async def touch(self, seen: Mapping[SessionId, datetime]) -> None:
        """Keep when these were used last; a later moment that is kept already stays. This is no change of theirs."""
        ...

    async def changes(self, since: datetime | None, *, rows_max: int) -> SessionChanges:
        """What changed after that moment, at most so much of it. Without one, only when it was asked."""
        ...


class RefreshTokens(Protocol):
    """Makes refresh tokens, which mean nothing to whoever does not keep their hashes.

    Every implementation passes `wallet_core.testing.contracts.RefreshTokensContract`.
    """

    def first(self) -> str:
        """A new token, 256 random bits."""
        ...

    def successor_of(self, token: str) -> str:
        """The one token that follows this one: the same each time, and nobody else can tell it."""
        ...

    def hashed(self, token: str) -> bytes | None:
        """What is kept of a token; nothing where the text cannot be one."""
        ...


class SessionNews(Protocol):
    """Word between processes that some session has changed. It may be lost: whoever hears none looks in a while.

    Every implementation passes `wallet_core.testing.contracts.SessionNewsContract`.
    """

    async def announce(self) -> None:
        """Let everybody know who listens now. Raises nothing."""
        ...

    async def heard(self, *, seconds_max: float) -> None:
        """Return once somebody has announced something since the last call, or that time is over. Raises nothing."""
        ...


class NoSessionNews:
    """A process that hears nothing from others, and looks for itself."""

    async def announce(self) -> None:
        """Nobody hears it."""

    async def heard(self, *, seconds_max: float) -> None:
        """Return when the time is over."""
        await asyncio.sleep(seconds_max)
