"""From the outbox to those whom it concerns: each event once."""

from dataclasses import dataclass
from typing import Final, Protocol

BATCH_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBacklog:
    """What is still to be told."""

    not_relayed: int
    """Events that nobody has looked at yet."""
    pending: int
    """Deliveries that are to be made, or made again."""
    parked: int
    """Deliveries that were given up, until somebody has them made again."""
    oldest_seconds: float
    """How long ago the oldest event happened that is not relayed or not delivered; zero where there is none. What is
    parked does not count."""


class Outbox(Protocol):
    """The events that are written with what they tell of, and what was made of them.

    All methods raise Unavailable, and `relay` OutcomeUnknown too. Every implementation passes
    `wallet_core.testing.contracts.OutboxContract`.
    """

    async def relay(self, *, events_max: int) -> int:
        """Take at most so many of the oldest events that nobody else is taking; how many were relayed.

        What `notice_of` has to say of each goes into the inbox of whom it concerns, and a delivery is made ready for
        each of `recipients_of`: all of that and the note that the event was relayed, in one transaction. One that
        cannot be told holds up no other: it is left for a while, stays in the backlog and is not counted here.
        """
        ...

    async def backlog(self) -> EventBacklog:
        """How much is still to be told."""
        ...


class Relay:
    """Empties the outbox, batch by batch. Any number of them, in whatever processes, share the work."""

    def __init__(self, outbox: Outbox, *, batch_max: int = BATCH_MAX) -> None:
        self._outbox = outbox
        self._batch_max = batch_max
        self.relayed = 0

    async def step(self) -> bool:
        """Relay one batch; whether there may be more."""
        number = await self._outbox.relay(events_max=self._batch_max)
        self.relayed += number
        return number == self._batch_max
