"""Live updates of one process: it looks what has changed for all who listen, and only while somebody does."""

import asyncio
import contextvars
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from wallet_core.faults import Unavailable
from wallet_core.identity.session import ActiveSession
from wallet_core.ids import AccountId, NotificationId, UserId
from wallet_core.live.news import (
    AccountLine,
    Began,
    LiveEvent,
    Span,
    Standing,
    is_behind,
    new_notifications,
    news,
    position_at,
    spans_of,
)
from wallet_core.live.ports import LiveRepository
from wallet_core.live.position import Position
from wallet_core.live.subscription import StreamRefusal, Subscription

POLL_SECONDS: Final = 0.5
"""From one look at what has changed to the next."""
CHECK_SECONDS: Final = 0.2
"""From one look at whether everybody may still listen to the next."""
HEARTBEAT_SECONDS: Final = 15.0
"""After so long without any news somebody is told that there is none."""
STREAMS_AT_ONCE_MAX: Final = 100
SPANS_AT_ONCE_MAX: Final = 200
"""For so many streams, and of so many accounts, what is new is read at once."""
_HASTE_SECONDS: Final = 0.05
"""The least from one poll to the next, however many come."""
_AT_HAND_SECONDS_MAX: Final = 0.05
"""What takes longer had to be asked for."""
_CLOSING_SECONDS_MAX: Final = 1.0
_BEGINNING: Final = NotificationId(UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many may listen at a time."""

    in_all: int
    of_one_person: int


_Behind: TypeAlias = tuple[Subscription, Standing, Position]


class LiveFeed:
    """Tells everybody who listens of what is theirs. Belongs to one event loop.

    Each poll asks one question for all of them, and another one for those alone whose accounts have new entries. A
    session that is over ends its streams; listening is no use of one. Where the database does not answer, everybody is
    told later; where it cannot be told whether a session is live, its streams end.
    """

    def __init__(
        self,
        repository: LiveRepository,
        is_live: Callable[[ActiveSession], Awaitable[bool]],
        limits: StreamLimits,
        *,
        monotonic: Callable[[], float],
        report: Callable[[BaseException], None],
    ) -> None:
        """`is_live` tells of a session and may raise Unavailable; `report` is told once when polls begin to fail."""
        self._repository = repository
        self._is_live = is_live
        self._limits = limits
        self._monotonic = monotonic
        self._report = report
        self._streams: dict[Subscription, None] = {}
        self._of_person: Counter[UserId] = Counter()
        # Each may end by itself, once nobody listens, and is begun again by itself.
        self._at_work: dict[Callable[[], Coroutine[Any, Any, None]], asyncio.Task[None]] = {}
        self._somebody_came = asyncio.Event()
        self._is_closed = False
        self._is_in_trouble = False
        self.polls = 0
        """How often it was looked, since the start."""
        self.dropped = 0
        """How many streams were ended because nobody read them, since the start."""

    @property
    def open_streams(self) -> int:
        """How many listen."""
        return len(self._streams)

    @contextmanager
    def opened(
        self, session: ActiveSession, position: Position | None, *, is_gone: Callable[[], bool]
    ) -> Iterator[Subscription | StreamRefusal]:
        """Listen while the block runs, from that position or else from now on."""
        refusal = self._refusal(session.user_id)
        if refusal is not None:
            yield refusal
            return
        stream = Subscription(session, position, is_gone=is_gone, now=self._monotonic())
        self._streams[stream] = None
        self._of_person[session.user_id] += 1
        self._somebody_came.set()
        self._ensure_running()
        try:
            yield stream
        finally:
            stream.is_over = True
            del self._streams[stream]
            self._of_person[session.user_id] -= 1
            if not self._of_person[session.user_id]:
                del self._of_person[session.user_id]

    def note_dropped(self) -> None:
        """A stream was ended because nobody read it."""
        self.dropped += 1

    async def close(self) -> None:
        """End all streams, now, and open none any more."""
        self._is_closed = True
        for stream in self._streams:
            stream.end()
        # Nobody came, but whoever waits for that has nothing more to wait for.
        self._somebody_came.set()
        if self._at_work:
            _, late = await asyncio.wait(self._at_work.values(), timeout=_CLOSING_SECONDS_MAX)
            for task in late:
                task.cancel()

    def _refusal(self, user_id: UserId) -> StreamRefusal | None:
        if self._is_closed:
            return StreamRefusal.CLOSED
        if self._of_person[user_id] >= self._limits.of_one_person:
            return StreamRefusal.TOO_MANY_OF_THIS_PERSON
        if len(self._streams) >= self._limits.in_all:
            return StreamRefusal.TOO_MANY
        return None

    def _ensure_running(self) -> None:
        for work in (self._follow, self._watch):
            if work not in self._at_work:
                # In no one's context: what is logged here belongs to no request.
                task = asyncio.get_running_loop().create_task(work(), context=contextvars.Context())
                self._at_work[work] = task
                task.add_done_callback(partial(self._ended, work))

    def _ended(self, work: Callable[[], Coroutine[Any, Any, None]], task: asyncio.Task[None]) -> None:
        del self._at_work[work]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Nobody may listen who is not watched over.
            self._report(error)
            for stream in self._streams:
                stream.end()
        elif self._is_wanted():
            # Somebody came while it was about to end.
            self._ensure_running()

    def _is_wanted(self) -> bool:
        return bool(self._streams) and not self._is_closed

    async def _watch(self) -> None:
        """End the streams of those who may not listen any more, and let the others know that we are there."""
        while self._is_wanted():
            await self._look_after_all(list(self._streams))
            await asyncio.sleep(CHECK_SECONDS)

    async def _look_after_all(self, streams: Sequence[Subscription]) -> None:
        """One after the other, which is quickest where all that has to be known is at hand."""
        clock = asyncio.get_running_loop().time
        for place, stream in enumerate(streams):
            began = clock()
            await self._look_after(stream)
            if clock() - began > _AT_HAND_SECONDS_MAX:
                # Whatever this one had to wait for the others wait for too: once, and together.
                async with asyncio.TaskGroup() as others:
                    for each in streams[place + 1 :]:
                        others.create_task(self._look_after(each))
                return

    async def _look_after(self, stream: Subscription) -> None:
        if stream.is_over:
            return
        if stream.is_gone() or not await self._may_listen(stream.session):
            stream.end()
        elif stream.is_waiting and self._monotonic() - stream.told_at >= HEARTBEAT_SECONDS:
            stream.tell((), self._monotonic())

    async def _may_listen(self, session: ActiveSession) -> bool:
        try:
            return await self._is_live(session)
        except Unavailable:
            return False

    async def _follow(self) -> None:
        """Tell those who listen what is new."""
        while self._is_wanted():
            self._somebody_came.clear()
            try:
                await self._poll()
                self._is_in_trouble = False
            except Exception as error:  # noqa: BLE001 - nobody else tells those who listen, and it is tried again
                if not self._is_in_trouble:
                    self._is_in_trouble = True
                    self._report(error)
            await self._pause()

    async def _pause(self) -> None:
        """Until the next poll is due, or somebody has come: they are told at once how things stand."""
        await asyncio.sleep(_HASTE_SECONDS)
        try:
            async with asyncio.timeout(POLL_SECONDS - _HASTE_SECONDS):
                await self._somebody_came.wait()
        except TimeoutError:
            return

    async def _poll(self) -> None:
        streams = [stream for stream in self._streams if stream.is_waiting and not stream.is_over]
        if not streams:
            return
        self.polls += 1
        standings = await self._repository.standings(_since(streams))
        behind: list[_Behind] = []
        for stream in streams:
            standing = standings.get(stream.session.user_id, Standing())
            if stream.position is None:
                begun = position_at(standing)
                self._tell(stream, [Began(position=begun), *news(begun, standing, {}, ())])
            elif is_behind(stream.position, standing):
                behind.append((stream, standing, stream.position))
        for at in range(0, len(behind), STREAMS_AT_ONCE_MAX):
            await self._catch_up_apart(behind[at : at + STREAMS_AT_ONCE_MAX])

    async def _catch_up_apart(self, behind: Sequence[_Behind]) -> None:
        """As `_catch_up`. Where that fails each is told alone, and whoever cannot be told loses their stream."""
        try:
            await self._catch_up(behind)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - told of below, once it is known that it comes again
            await self._catch_up_one_by_one(behind)

    async def _catch_up_one_by_one(self, behind: Sequence[_Behind]) -> None:
        trouble: Exception | None = None
        for each in behind:
            try:
                await self._catch_up([each])
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are told
                trouble = error
                each[0].end()
        if trouble is not None:
            self._report(trouble)

    async def _catch_up(self, behind: Sequence[_Behind]) -> None:
        """Read what is new for these, and tell them."""
        lines = await self._lines(_joined(span for _, standing, place in behind for span in spans_of(place, standing)))
        ids = {each for _, standing, position in behind for each in new_notifications(position, standing)}
        told = {each.id: each for each in (await self._repository.notifications(sorted(ids)) if ids else ())}
        for stream, standing, position in behind:
            theirs = [told[each] for each in sorted(new_notifications(position, standing)) if each in told]
            self._tell(stream, list(news(position, standing, lines, theirs)))

    async def _lines(self, spans: Sequence[Span]) -> Mapping[AccountId, Sequence[AccountLine]]:
        lines: dict[AccountId, list[AccountLine]] = defaultdict(list)
        for at in range(0, len(spans), SPANS_AT_ONCE_MAX):
            for line in await self._repository.lines(spans[at : at + SPANS_AT_ONCE_MAX]):
                lines[line.account_id].append(line)
        return lines

    def _tell(self, stream: Subscription, events: Sequence[LiveEvent]) -> None:
        if events and stream.is_waiting and not stream.is_over:
            stream.tell(events, self._monotonic())


def _since(streams: Sequence[Subscription]) -> dict[UserId, NotificationId]:
    """From which notification on each of these people may have some that were not told to all of their streams."""
    since: dict[UserId, NotificationId] = {}
    for stream in streams:
        after = _BEGINNING if stream.position is None else stream.position.notifications_after
        since[stream.session.user_id] = min(since.get(stream.session.user_id, after), after)
    return since


def _joined(spans: Iterable[Span]) -> list[Span]:
    """One span for each account, where several streams of a person stand at different places."""
    joined: dict[AccountId, Span] = {}
    for span in spans:
        known = joined.get(span.account_id)
        if known is None or span.after < known.after:
            joined[span.account_id] = span
    return list(joined.values())
