"""From a message that somebody sends to a courier who takes it, tried again where that may help."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, assert_never

from wallet_core.faults import Unavailable
from wallet_core.notifications.background import Background
from wallet_core.notifications.messages import Mail, Message, Sms
from wallet_core.notifications.ports import Courier, Undeliverable

DELIVERY_SECONDS_MAX: Final = 12.0
PAUSES_SECONDS: Final = (1.0, 5.0)


class QueuedNotifier:
    """A Notifier that hands messages to a courier in the background.

    A delivery takes at most `seconds_max`. One that failed and may be tried again is, after each of the pauses: a
    server that took a message and was too slow to say so may take it twice then. What finds no room in the background,
    or is not delivered in the end, is lost: the background counts and reports it.
    """

    def __init__(
        self,
        courier: Courier,
        background: Background,
        *,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        seconds_max: float = DELIVERY_SECONDS_MAX,
    ) -> None:
        self._courier = courier
        self._background = background
        self._pauses_seconds = pauses_seconds
        self._seconds_max = seconds_max
        self.delivered = 0

    def send(self, message: Message) -> None:
        """As Notifier.send."""
        self._background.start(partial(self._deliver, message))

    async def _deliver(self, message: Message) -> None:
        for pause in self._pauses_seconds:
            try:
                await self._deliver_once(message)
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return
        await self._deliver_once(message)

    async def _deliver_once(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._seconds_max):
                await self._courier.deliver(message)
        except TimeoutError as error:
            raise Unavailable("A message was not taken in time.") from error
        self.delivered += 1


class CourierByChannel:
    """A Courier that leaves mail to one and text messages to another."""

    def __init__(self, *, mail: Courier, sms: Courier) -> None:
        self._mail = mail
        self._sms = sms

    async def deliver(self, message: Message) -> None:
        """As Courier.deliver."""
        match message:
            case Mail():
                await self._mail.deliver(message)
            case Sms():
                await self._sms.deliver(message)
            case _:
                assert_never(message)


class NoCourier:
    """A Courier where there is none: nothing reaches anybody."""

    async def deliver(self, _: Message) -> None:
        """Raises Undeliverable."""
        raise Undeliverable("Nobody is set up to deliver such messages.")
