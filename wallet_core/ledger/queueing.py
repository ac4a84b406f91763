"""The queue in front of a ledger: which commands are committed together, and which at the same time."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Outcome

SHARE_MIN: Final = 64
"""Fewer commands than these are not divided into batches: what each batch costs by itself outweighs the company. So a
third batch is for a crowd."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command, where its answer goes, and how long it may wait, by the event loop's clock."""

    command: Command
    answer: asyncio.Future[Outcome]
    until: timedelta


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Commands that are committed together, and the people and wallets that they touch."""

    members: list[Waiting] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)

    def add(self, waiting: Waiting) -> None:
        """Take one more along."""
        self.members.append(waiting)
        self.touched.update(waiting.command.touches)


class CommandQueue:
    """Commands in the order in which they came, handed out in batches that touch nobody and no wallet in common.

    So batches that are under way at the same time never wait for each other's locks, and of two commands that touch the
    same the one that came first is decided first. At most `in_flight_max` batches of at most `batch_max` commands are
    under way.
    """

    def __init__(self, *, batch_max: int, in_flight_max: int) -> None:
        self._batch_max = batch_max
        self._in_flight_max = in_flight_max
        self._in_flight: list[Batch] = []
        # Those that have to wait for the end of a batch, and what they and the batches under way touch; then those that
        # came after them and were not looked at yet.
        self._held_back: deque[Waiting] = deque()
        self._barred: set[UUID] = set()
        self._arrived: deque[Waiting] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._held_back) + len(self._arrived)

    def add(self, waiting: Waiting) -> None:
        """Put one at the end."""
        self._arrived.append(waiting)

    def next_batches(self) -> Sequence[Batch]:
        """What may be committed now, in as many batches as may be under way. One is under way until it has `ended`."""
        share = self._fair_share()
        forming = [Batch() for _ in range(self._in_flight_max - len(self._in_flight))]
        for _ in range(min(len(self._arrived), self._batch_max * len(forming))):
            waiting = self._arrived.popleft()
            batch = self._batch_for(waiting.command.touches, forming, share)
            if batch is None:
                self._held_back.append(waiting)
                self._barred.update(waiting.command.touches)
            else:
                batch.add(waiting)
        batches = [batch for batch in forming if batch.members]
        for batch in batches:
            self._barred |= batch.touched
        self._in_flight += batches
        return batches

    def ended(self, batch: Batch) -> None:
        """Let those go on who waited for it."""
        self._in_flight.remove(batch)
        self._barred = {touched for other in self._in_flight for touched in other.touched}
        self._arrived.extendleft(reversed(self._held_back))
        self._held_back.clear()

    def turned_away(self, now: timedelta) -> Sequence[Waiting]:
        """Those who have waited long enough, who leave the queue."""
        leaving = []
        for queue in (self._held_back, self._arrived):
            while queue and queue[0].until <= now:
                leaving.append(queue.popleft())
        return leaving

    @property
    def next_to_leave(self) -> timedelta | None:
        """When the first of them will have waited long enough: those behind came later."""
        for queue in (self._held_back, self._arrived):
            if queue:
                return queue[0].until
        return None

    def _fair_share(self) -> int:
        """How many to a batch, so that one is not twice as long as the other."""
        outstanding = len(self) + sum(len(batch.members) for batch in self._in_flight)
        return min(max(-(-outstanding // self._in_flight_max), SHARE_MIN), self._batch_max)

    def _batch_for(self, touches: Sequence[UUID], forming: Sequence[Batch], share: int) -> Batch | None:
        """The batch for a command that touches these, or None when it has to wait for the end of one."""
        if not self._barred.isdisjoint(touches):
            return None
        same = [batch for batch in forming if not batch.touched.isdisjoint(touches)]
        if not same:
            return next((batch for batch in forming if len(batch.members) < share), None)
        # It could go with no other: so it goes with this one though its share is full.
        return same[0] if len(same) == 1 and len(same[0].members) < self._batch_max else None
