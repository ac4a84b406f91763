"""Watching a ledger at work: how many commands go together, what becomes of them, and how many wait."""

from collections.abc import Sequence
from typing import Protocol

from wallet_core.faults import Overloaded
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.port import Ledger


class BatchWatch(Protocol):
    """Follows one batch to its end."""

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """The batch is committed."""
        ...

    def failed(self, error: BaseException) -> None:
        """It met a fault, or was cancelled."""
        ...


class LedgerObserver(Protocol):
    """Is told of each batch, within it: it has to be quick, and never fails."""

    def began(self, commands: Sequence[Command]) -> BatchWatch:
        """A batch of those is about to be posted."""
        ...


class ObservedLedger:
    """A Ledger whose every post an observer is told of. It stands behind what makes batches: once for each of them."""

    def __init__(self, ledger: Ledger, observer: LedgerObserver) -> None:
        self._ledger = ledger
        self._observer = observer
        self.under_way = 0
        """How many commands are being committed."""

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post."""
        watch = self._observer.began(commands)
        self.under_way += len(commands)
        try:
            outcomes = await self._ledger.post(commands)
        except BaseException as error:
            watch.failed(error)
            raise
        finally:
            self.under_way -= len(commands)
        watch.ended(outcomes)
        return outcomes


class LedgerEntrance:
    """A Ledger that counts who is inside. It stands before what makes batches."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.inside = 0
        """How many commands wait or are being committed."""
        self.turned_away = 0
        """How many found no room, since the start."""

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post."""
        self.inside += len(commands)
        try:
            return await self._ledger.post(commands)
        except Overloaded:
            self.turned_away += len(commands)
            raise
        finally:
            self.inside -= len(commands)
