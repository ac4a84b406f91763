"""Work that is to be done now and then, by one of many workers."""

from datetime import timedelta
from typing import Protocol


class Turns(Protocol):
    """Says whose turn it is.

    Every implementation passes `wallet_core.testing.contracts.TurnsContract`.
    """

    async def take(self, name: str, *, every: timedelta) -> bool:
        """Whether the caller is to do the work of that name now: once in such a time, whoever asks and however many.

        Raises Unavailable and OutcomeUnknown.
        """
        ...
