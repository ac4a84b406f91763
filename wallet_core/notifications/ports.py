"""What sending messages asks of the world, and what the rest of the service may ask of it."""

from typing import Protocol

from wallet_core.faults import Fault
from wallet_core.notifications.messages import Message, Received


class Undeliverable(Fault):
    """A message cannot be delivered, however often it is tried. Says why, and neither to whom nor what."""


class Notifier(Protocol):
    """Sends messages. What the rest of the service knows of it.

    Every implementation passes `wallet_core.testing.contracts.NotifierContract`.
    """

    def send(self, message: Message) -> None:
        """Have the message delivered soon, if that can be done. Neither waits nor raises."""
        ...


class Courier(Protocol):
    """Takes a message to whoever it is for, or as far on its way as we can see.

    Every implementation passes `wallet_core.testing.contracts.CourierContract`.
    """

    async def deliver(self, message: Message) -> None:
        """Hand the message over. Raises Unavailable when it may be tried again, and Undeliverable when not."""
        ...


class Mailbox(Protocol):
    """Where messages lie that go no further: the outside world of somebody who develops.

    Every implementation passes `wallet_core.testing.contracts.MailboxContract`.
    """

    async def newest(self, number: int, *, to: str | None = None) -> list[Received]:
        """The messages that came last, newest first: at most so many, and where `to` is given only those to it."""
        ...


class NoNotifier:
    """Sends nothing to anybody."""

    def send(self, message: Message) -> None:
        """It goes nowhere."""
