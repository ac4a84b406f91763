"""How a process keeps up with its sessions: it looks for what changed elsewhere, and writes down what was used here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from wallet_core.clock import Clock
from wallet_core.faults import Fault, Unavailable
from wallet_core.identity.session_memory import KnownSession, SessionMemory
from wallet_core.identity.session_ports import SessionNews, SessionRepository

LOOK_SECONDS: Final = 0.4
"""From one look to the next, as long as nothing is heard."""
STALE_SECONDS_MAX: Final = 1.0
"""How old what is known here may be before nobody goes by it any more."""
_WRITE_SECONDS: Final = 1.0
_HASTE_SECONDS: Final = 0.02
"""The least from one look to the next, however much is heard."""
_ANSWER_SECONDS_MAX: Final = 3.0
_LAST_WRITE_SECONDS_MAX: Final = 2.0
_OVERLAP: Final = timedelta(seconds=10)
"""Each look goes so far back: a change is seen once it is committed, and that is later than the moment it bears."""
_CHANGES_MAX: Final = 5_000
_WRITTEN_AT_ONCE_MAX: Final = 1_000


class SessionWatch:
    """Keeps a SessionMemory true and written down, as long as `run` runs. Belongs to one event loop.

    What has been committed is known here after LOOK_SECONDS and as long as a look takes, sooner where `news` come
    through. If looks fail or take too long, `caught_up` makes everybody wait for one of their own.
    """

    def __init__(
        self,
        repository: SessionRepository,
        memory: SessionMemory,
        news: SessionNews,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        report: Callable[[Exception], None],
    ) -> None:
        """`repository` should have a connection of its own, so that no crowd of others delays a look.

        `report` is told when `run` cannot look or write, once until it can again, and of what stays unwritten.
        """
        self._repository = repository
        self._memory = memory
        self._news = news
        self._clock = clock
        self._monotonic = monotonic
        self._report = report
        self._looking = asyncio.Lock()
        self._known_as_of = float("-inf")
        # Looks by their numbers: the last that began, was answered, failed.
        self._begun = self._answered = self._failed = 0
        self._since: datetime | None = None
        self._is_in_trouble = False

    def is_current(self) -> bool:
        """Whether the memory lacks nothing that was committed more than STALE_SECONDS_MAX ago."""
        return self._monotonic() - self._known_as_of <= STALE_SECONDS_MAX

    async def caught_up(self) -> None:
        """Return once the memory lacks nothing that was committed before this call. Raises Unavailable.

        However many call at once, they share a look: whoever was waiting when it began takes its answer.
        """
        begun = self._begun
        try:
            async with asyncio.timeout(_ANSWER_SECONDS_MAX), self._looking:
                if self._answered > begun:
                    return
                if self._failed > begun:
                    raise Unavailable("What became of sessions cannot be read.")
                await self._look()
        except TimeoutError:
            raise Unavailable("What became of sessions is not answered in time.") from None

    async def hurry(self) -> None:
        """Catch up now instead of in a while. What fails now is tried again by `run`. Raises nothing."""
        try:
            await self.caught_up()
        except Unavailable as fault:
            self._note_trouble(fault)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run while the block does, and write down everything in the end, if that can be done in time."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            # More than once, if it must be: one that comes together with a driver's answer may be lost to the driver.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=LOOK_SECONDS)
            try:
                async with asyncio.timeout(_LAST_WRITE_SECONDS_MAX):
                    await self.write(everything=True)
            except (Fault, TimeoutError) as fault:
                self._report(fault)

    async def run(self) -> None:
        """Look and write, time and again, until cancelled."""
        written_at = self._monotonic()
        while True:
            try:
                await self.caught_up()
                if self._monotonic() - written_at >= _WRITE_SECONDS:
                    written_at = self._monotonic()
                    await self.write()
                self._is_in_trouble = False
            except Exception as error:  # noqa: BLE001 - checks look for themselves, and nobody else writes anything down
                self._note_trouble(error)
            await asyncio.sleep(_HASTE_SECONDS)
            await self._news.heard(seconds_max=LOOK_SECONDS)

    async def write(self, *, everything: bool = False) -> None:
        """Write down the uses that are due, or all. Raises Unavailable and OutcomeUnknown; they stay due then."""
        now = self._clock()
        due = self._memory.due(now, everything=everything)
        while due:
            some, due = due[:_WRITTEN_AT_ONCE_MAX], due[_WRITTEN_AT_ONCE_MAX:]
            try:
                await self.write_now(some)
            except BaseException:
                self._memory.put_back([*some, *due], now)
                raise

    async def write_now(self, known: list[KnownSession]) -> None:
        """Write down when these were used last. Raises Unavailable and OutcomeUnknown."""
        seen = {each.active.session_id: each.last_seen_at for each in known}
        await self._repository.touch(seen)
        for each in known:
            self._memory.note_stored(each, seen[each.active.session_id])

    async def _look(self) -> None:
        self._begun = number = self._begun + 1
        began_at = self._monotonic()
        try:
            changes = await self._repository.changes(self._since, rows_max=_CHANGES_MAX)
        except Exception:
            self._failed = number
            raise
        if not changes.is_complete:
            self._memory.forget()
        self._memory.hear(changes.sessions)
        self._since = changes.read_at - _OVERLAP
        self._answered, self._known_as_of = number, began_at

    def _note_trouble(self, trouble: Exception) -> None:
        if not self._is_in_trouble:
            self._is_in_trouble = True
            self._report(trouble)
