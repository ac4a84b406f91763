"""Deliveries: made until they succeed or are given up, by whichever worker is free."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from wallet_core.administration.audit import Act, Action, AuditEntry, TargetKind
from wallet_core.events.kinds import Facts
from wallet_core.faults import Fault, OutcomeUnknown, Unavailable
from wallet_core.ids import DeliveryId, NotificationId, UserId
from wallet_core.notifications.messages import Message
from wallet_core.notifications.notices import Channel
from wallet_core.notifications.ports import Courier, Undeliverable

_SETTLING_PAUSES: Final = (0.1, 0.3, 0.6, 1.0)
_ERROR_LENGTH_MAX: Final = 300
_GROWTH_MAX: Final = 20


class DeliveryStatus(StrEnum):
    """Where a delivery is in its life. Whoever parked one may have it made again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery that somebody has taken on. `tries` counts this one."""

    id: DeliveryId
    kind: str
    channel: Channel
    recipient: str = field(repr=False)
    facts: Facts = field(repr=False)
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedDelivery:
    """A delivery that was given up."""

    id: DeliveryId
    notification_id: NotificationId
    user_id: UserId
    kind: str
    channel: Channel
    tries: int
    last_error: str | None
    created_at: datetime
    parked_at: datetime


class UnparkRefusal(StrEnum):
    """Why a delivery is not made again."""

    NOT_FOUND = "not_found"
    NOT_PARKED = "conflict"


class DeliveryQueue(Protocol):
    """Where deliveries wait. All methods raise Unavailable, and what changes something OutcomeUnknown.

    Every implementation passes `wallet_core.testing.contracts.DeliveryQueueContract`.
    """

    async def claim(self, *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        """Take on what is due and nobody else has taken on, what is due longest first; each try is counted.

        A delivery that was not settled when its lease is over is due again: whoever took it on has died.
        """
        ...

    async def settle(self, delivery: Delivery) -> bool:
        """Note that it was made. Whether it was still the caller's; else somebody has taken it on since."""
        ...

    async def postpone(self, delivery: Delivery, error: str, *, pause: timedelta) -> bool:
        """Have it made again after the pause. Whether it was still the caller's."""
        ...

    async def park(self, delivery: Delivery, error: str) -> bool:
        """Give it up. Whether it was still the caller's."""
        ...

    async def parked(self, *, after: DeliveryId | None, limit: int) -> Sequence[ParkedDelivery]:
        """What was given up, newest first: what lies after that one, at most so many."""
        ...

    async def unpark(self, delivery_id: DeliveryId, act: Act) -> UnparkRefusal | None:
        """Have one that was given up made again, at once and with all its tries, and keep that in the audit."""
        ...


def unparked_entry(delivery_id: DeliveryId, user_id: UserId, tries: int, act: Act, at: datetime) -> AuditEntry:
    """What the audit says of a delivery that is made again."""
    return act.entry(
        Action.DELIVERY_RETRIED,
        at,
        target_kind=TargetKind.DELIVERY,
        target_id=delivery_id,
        user_id=user_id,
        before={"status": DeliveryStatus.PARKED.value, "tries": tries},
        after={"status": DeliveryStatus.PENDING.value, "tries": 0},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How often a delivery is tried, and when. With these, eight tries take an hour and a half."""

    tries_max: int = 8
    first_pause: timedelta = timedelta(seconds=5)
    pause_max: timedelta = timedelta(hours=1)
    factor: int = 3
    try_seconds_max: float = 8.0
    """How long a courier may take. A lease is longer by what it takes to write down how it went."""
    at_once: int = 8

    @property
    def lease(self) -> timedelta:
        """How long somebody who has taken a delivery on may have died before it is made again."""
        return timedelta(seconds=self.try_seconds_max * 1.25 + 2)

    def pause_after(self, tries: int) -> timedelta:
        """How long to wait after so many tries."""
        pause: timedelta = self.first_pause * self.factor ** min(tries - 1, _GROWTH_MAX)
        return min(pause, self.pause_max)


class Deliverer:
    """Makes deliveries, so many at once; one that hangs keeps only its own place. Belongs to one event loop.

    A message that was taken just before the worker died, or by a server that was too slow to say so, is sent again: at
    least once, never not at all. `report` is told of what failed in ways that nobody has thought of.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        courier: Courier,
        write: Callable[[Delivery], Message],
        report: Callable[[Exception], None],
        *,
        rules: DeliveryRules | None = None,
    ) -> None:
        self._queue = queue
        self._courier = courier
        self._write = write
        self._report = report
        self._rules = rules or DeliveryRules()
        self._running: set[asyncio.Task[None]] = set()
        self.delivered = 0
        self.postponed = 0
        self.parked = 0

    async def step(self) -> bool:
        """Take on as many deliveries as there are free places; whether more may be due at once."""
        free = self._rules.at_once - len(self._running)
        if free == 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED, timeout=self._rules.try_seconds_max)
            free = self._rules.at_once - len(self._running)
        if free == 0:
            return True
        claimed = await self._queue.claim(at_most=free, lease=self._rules.lease)
        for delivery in claimed:
            task = asyncio.create_task(self._see_through(delivery))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(claimed) == free

    async def finish(self) -> None:
        """See through what was taken on; what takes too long is left to its lease."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._rules.lease.total_seconds())
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _see_through(self, delivery: Delivery) -> None:
        try:
            await self._make(delivery)
        except (Unavailable, OutcomeUnknown) as error:
            self._report(error)  # its lease ends, and it is made again
        except Exception as error:  # noqa: BLE001 - nobody waits for it: this is where it is heard of
            self._report(error)

    async def _make(self, delivery: Delivery) -> None:
        if delivery.tries > self._rules.tries_max:
            # Whoever made the last tries has died in the middle of each.
            await self._park(delivery, "It was never seen through.")
            return
        try:
            message = self._write(delivery)
            async with asyncio.timeout(self._rules.try_seconds_max):
                await self._courier.deliver(message)
        except Undeliverable as error:
            await self._park(delivery, str(error))
        except TimeoutError:
            await self._put_off(delivery, "It was not taken in time.")
        except Fault as error:
            await self._put_off(delivery, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the worker, and it is told
            self._report(error)
            # By its kind alone: the words may be those of the message.
            await self._put_off(delivery, f"It cannot be made: {type(error).__name__}.")
        else:
            await self._persist(lambda: self._queue.settle(delivery))
            self.delivered += 1

    async def _put_off(self, delivery: Delivery, error: str) -> None:
        if delivery.tries >= self._rules.tries_max:
            await self._park(delivery, error)
            return
        pause = self._rules.pause_after(delivery.tries)
        await self._persist(lambda: self._queue.postpone(delivery, error[:_ERROR_LENGTH_MAX], pause=pause))
        self.postponed += 1

    async def _park(self, delivery: Delivery, error: str) -> None:
        await self._persist(lambda: self._queue.park(delivery, error[:_ERROR_LENGTH_MAX]))
        self.parked += 1

    async def _persist(self, note: Callable[[], Coroutine[None, None, bool]]) -> None:
        """Write down how it went, more than once if it has to be: what is not written down is done again."""
        for pause in _SETTLING_PAUSES:
            try:
                await note()
            except (Unavailable, OutcomeUnknown):
                await asyncio.sleep(pause)
            else:
                return
        await note()
