"""Many callers, few commits: commands that arrive while a batch is being committed form the next one."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from wallet_core.faults import Fault, OutcomeUnknown, Overloaded, Unavailable
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.port import Ledger


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    answer: asyncio.Future[Outcome]


class BatchingLedger:
    """A Ledger that gathers the commands of many callers into batches for another one.

    There is no timer: an idle service answers as fast as the ledger behind it, a busy one shares each commit among
    everybody who waited for it. At most `in_flight_max` batches of at most `batch_max` commands are under way and at
    most `queue_max` commands wait; one more is refused with Overloaded. Nobody is answered before the commit, and a
    caller that goes away does not take its command back.
    """

    def __init__(self, ledger: Ledger, *, batch_max: int = 512, in_flight_max: int = 2, queue_max: int = 4096) -> None:
        self._ledger = ledger
        self._batch_max = batch_max
        self._in_flight_max = in_flight_max
        self._queue_max = queue_max
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._closed = False

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post, except that the commands may be committed in several batches. Also raises Overloaded."""
        if self._closed:
            raise Unavailable("The ledger is shutting down.")
        if len(self._waiting) + len(commands) > self._queue_max:
            raise Overloaded("Too many movements wait already.")
        loop = asyncio.get_running_loop()
        answers = [loop.create_future() for _ in commands]
        self._waiting.extend(map(_Waiting, commands, answers))
        self._start_batch()
        if len(answers) == 1:
            return [await answers[0]]
        return list(await asyncio.gather(*answers))

    async def close(self) -> None:
        """Take nothing more, and return when everything that was taken is answered."""
        self._closed = True
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    def _start_batch(self) -> None:
        if self._waiting and len(self._in_flight) < self._in_flight_max:
            task = asyncio.get_running_loop().create_task(self._commit_next())
            self._in_flight.add(task)
            task.add_done_callback(self._batch_ended)

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._start_batch()

    async def _commit_next(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
        if batch:
            await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._outcomes([waiting.command for waiting in batch])
        except Fault as fault:
            for waiting in batch:
                _fail(waiting, fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
            await self._commit_one_by_one(batch, error)
        except asyncio.CancelledError:
            for waiting in batch:
                _fail(waiting, Unavailable("The ledger was stopped."))
            raise
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)

    async def _outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        outcomes = await self._ledger.post(commands)
        if len(outcomes) != len(commands):
            # The commit has happened: posting them again is not ours to try.
            raise OutcomeUnknown("The ledger did not answer each command.")
        return outcomes

    async def _commit_one_by_one(self, batch: list[_Waiting], error: Exception) -> None:
        """A command that the ledger chokes on must not fail its neighbours: find out which one it is."""
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for waiting in batch:
            await self._commit([waiting])


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
