"""One stream of live updates, from whoever gathers what is new to whoever sends it on."""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum

from wallet_core.identity.session import ActiveSession
from wallet_core.live.news import LiveEvent
from wallet_core.live.position import Position


class StreamRefusal(StrEnum):
    """Why there is no stream."""

    TOO_MANY = "overloaded"
    TOO_MANY_OF_THIS_PERSON = "too_many_streams"
    CLOSED = "unavailable"


class Subscription:
    """Somebody who listens.

    Whoever sends asks for the next events only when the last ones are sent; until then nothing is gathered for them.
    So a slow reader costs no more than what it has not read yet.
    """

    def __init__(
        self, session: ActiveSession, position: Position | None, *, is_gone: Callable[[], bool], now: float
    ) -> None:
        """Without a position from now on. `is_gone` tells whether nobody reads any more, `now` by a monotonic clock."""
        self.session = session
        self.position = position
        self.is_gone = is_gone
        self.is_waiting = True
        """Whether everything that was handed out is sent."""
        self.is_over = False
        self.told_at = now
        """When something was last handed out."""
        self._events: Sequence[LiveEvent] = ()
        self._woken = asyncio.Event()

    async def next(self) -> Sequence[LiveEvent] | None:
        """What is new, once there is anything; nothing to say that there is not, now and then; None at the end."""
        if self.is_over:
            return None
        self.is_waiting = not self._woken.is_set()
        await self._woken.wait()
        self._woken.clear()
        events, self._events = self._events, ()
        return None if self.is_over else events

    def tell(self, events: Sequence[LiveEvent], now: float) -> None:
        """Hand out what is new, or that there is nothing. Only to somebody who is waiting."""
        self.is_waiting = False
        self.told_at = now
        self._events = events
        if events:
            self.position = events[-1].position
        self._woken.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self._woken.set()
