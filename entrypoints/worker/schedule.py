"""What is to be done now and then, by whichever worker is first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from wallet_core.faults import Fault
from wallet_core.notifications.turns import Turns

LOOKED_EVERY_SECONDS: Final = 1.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Work for one worker at a time. What fails is done again at its next turn."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[None]]


class Schedule:
    """Does each chore when it is its turn, one after the other."""

    def __init__(self, turns: Turns, chores: Sequence[Chore]) -> None:
        self._turns = turns
        self._chores = chores

    async def step(self) -> bool:
        """Do what is due. Raises Unavailable where that cannot be told."""
        for chore in self._chores:
            if await self._turns.take(chore.name, every=chore.every):
                await self._do(chore)
        return False

    async def _do(self, chore: Chore) -> None:
        try:
            await chore.work()
        except Fault as fault:
            _log.warning("a chore was not done", chore=chore.name, fault=str(fault))
        except Exception as error:  # noqa: BLE001 - the other chores are still to be done, and this is told of
            _log.error("a chore failed", chore=chore.name, exc_info=error)
