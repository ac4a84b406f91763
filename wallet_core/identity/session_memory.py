"""What one process knows of the sessions it serves: bounded, and written down before anybody could miss it."""

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from wallet_core.identity.session import ActiveSession, Session
from wallet_core.ids import SessionId

KNOWN_MAX: Final = 65_536
_MARGIN_MIN: Final = timedelta(seconds=2)
"""Longer than what waits to be written down waits for its turn."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class KnownSession:
    """One session as this process knows it, and what of that is not written down yet."""

    active: ActiveSession
    expires_at: datetime
    last_seen_at: datetime
    stored_at: datetime
    """The `last_seen_at` that is known to be written down."""
    changed_at: datetime
    is_ended: bool
    quick_until: datetime
    """Until then it may be used without a second thought: neither idle nor expired, nor near it."""
    is_waiting: bool = False
    """Whether it is in line to be written down."""


class SessionMemory:
    """Sessions by their ids, the first learned of which make room, and a line of those that wait to be written down.

    Each use is noted here at once and written down in time: when half the idle time has passed since what was written
    last, or, past `write_before`, before the use is answered. So whatever is stored shows every session that was used
    as not idle, and each is written about twice an idle time at most. Does no I/O; belongs to one event loop.
    """

    def __init__(self, *, idle: timedelta, size_max: int = KNOWN_MAX) -> None:
        self.idle = idle
        self.write_before = idle - max(_MARGIN_MIN, idle / 10)
        self._write_after = idle / 2
        self._size_max = size_max
        self._known: OrderedDict[SessionId, KnownSession] = OrderedDict()
        # By when they are due, then by when they came; the sessions themselves, so that none is lost that made room.
        self._line: list[tuple[datetime, int, KnownSession]] = []
        self._numbers = itertools.count()
        self._heard: Mapping[SessionId, Session] = {}

    def get(self, session_id: SessionId) -> KnownSession | None:
        """What is known of that session."""
        return self._known.get(session_id)

    def learn(self, session: Session) -> KnownSession:
        """Know a session as it was read. What is known already and newer stays; what has ended stays so."""
        known = self._known.get(session.id)
        if known is not None:
            self._update(known, session)
            return known
        while len(self._known) >= self._size_max:
            self._known.popitem(last=False)
        known = KnownSession(
            active=_active(session),
            expires_at=session.expires_at,
            last_seen_at=session.last_seen_at,
            stored_at=session.last_seen_at,
            changed_at=session.changed_at or _NEVER,
            is_ended=session.ended_at is not None,
            quick_until=_NEVER,
        )
        self._set_quick_until(known)
        self._known[session.id] = known
        # It may have changed, and that been heard, between its being read and now.
        heard = self._heard.get(session.id)
        if heard is not None:
            self._update(known, heard)
        return known

    def hear(self, changed: Sequence[Session]) -> None:
        """Take in what changed lately: for those sessions that are known here, and for those that are being read."""
        self._heard = {session.id: session for session in changed}
        for session in changed:
            known = self._known.get(session.id)
            if known is not None:
                self._update(known, session)

    def end(self, session_ids: Iterable[SessionId]) -> None:
        """Know that these are over."""
        for session_id in session_ids:
            known = self._known.get(session_id)
            if known is not None:
                known.is_ended = True
                self._set_quick_until(known)

    def forget(self) -> None:
        """Know nothing any more; what waits to be written down still does."""
        self._known.clear()

    def note_use(self, known: KnownSession, now: datetime) -> None:
        """It was used just now."""
        if now > known.last_seen_at:
            known.last_seen_at = now
            if not known.is_waiting:
                self._put_in_line(known, known.stored_at + self._write_after)

    def due(self, now: datetime, *, everything: bool = False) -> list[KnownSession]:
        """Take out of the line what has to be written down by now, or everything."""
        due = []
        while self._line and (everything or self._line[0][0] <= now or len(self._line) > self._size_max):
            known = heapq.heappop(self._line)[2]
            known.is_waiting = False
            if known.last_seen_at > known.stored_at:
                due.append(known)
        return due

    def put_back(self, known: Sequence[KnownSession], now: datetime) -> None:
        """These could not be written down: they are due again at once."""
        for each in known:
            if not each.is_waiting:
                self._put_in_line(each, now)

    def note_stored(self, known: KnownSession, seen_at: datetime) -> None:
        """That use is written down."""
        known.stored_at = max(known.stored_at, seen_at)
        self._set_quick_until(known)

    def _put_in_line(self, known: KnownSession, due_at: datetime) -> None:
        known.is_waiting = True
        heapq.heappush(self._line, (due_at, next(self._numbers), known))

    def _update(self, known: KnownSession, session: Session) -> None:
        changed_at = session.changed_at or _NEVER
        if changed_at >= known.changed_at:
            known.active = _active(session)
            known.changed_at = changed_at
        known.is_ended = known.is_ended or session.ended_at is not None
        known.last_seen_at = max(known.last_seen_at, session.last_seen_at)
        self.note_stored(known, session.last_seen_at)

    def _set_quick_until(self, known: KnownSession) -> None:
        known.quick_until = _NEVER if known.is_ended else min(known.stored_at + self.write_before, known.expires_at)


def _active(session: Session) -> ActiveSession:
    return ActiveSession(
        user_id=session.user_id,
        session_id=session.id,
        role=session.role,
        second_factor=session.second_factor,
        proved_at=session.proved_at,
    )
