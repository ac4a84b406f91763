"""Many callers, few commits: commands that arrive while a batch is being committed form the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Final, TypeAlias

from wallet_core.faults import Fault, OutcomeUnknown, Overloaded, Unavailable
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.port import Ledger
from wallet_core.ledger.queueing import SHARE_MIN, Batch, CommandQueue, Waiting

WAITING_MAX: Final = timedelta(seconds=3)
"""How long a command may wait for its batch. Whoever waits longer stands behind a batch that hangs."""

BeforeAnswers: TypeAlias = Callable[[Sequence[Outcome]], Awaitable[None]]
"""What is to be done with the outcomes of a batch between its commit and its answers."""


async def nothing_more(_: Sequence[Outcome]) -> None:
    """Nothing: the answers follow the commit."""


class BatchingLedger:
    """A Ledger that gathers the commands of many callers into batches for another one.

    There is no timer: an idle service answers as fast as the ledger behind it, a busy one shares each commit among
    everybody who waited for it. At most `in_flight_max` batches of at most `batch_max` commands are under way, which
    touch nobody and no wallet in common, so that none waits for another one's locks. At most `queue_max` commands wait;
    one more is refused with Overloaded. A command that has waited `waiting_max` without its batch being started leaves
    the queue with Unavailable. Nobody is answered before the commit, and a caller that goes away does not take its
    command back.

    The callers of a batch wait for `before_answers` too, and a crowd behind them does not: then the next batch begins
    with the commit. At most `in_flight_max` batches that are committed wait for it; one more keeps its place among
    those under way.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        before_answers: BeforeAnswers = nothing_more,
        batch_max: int = 512,
        in_flight_max: int = 3,
        queue_max: int = 4096,
        waiting_max: timedelta = WAITING_MAX,
    ) -> None:
        self._ledger = ledger
        self._before_answers = before_answers
        self._queue = CommandQueue(batch_max=batch_max, in_flight_max=in_flight_max)
        self._places_to_answer = asyncio.Semaphore(in_flight_max)
        self._queue_max = queue_max
        self._waiting_max = waiting_max
        self._under_way: set[asyncio.Task[None]] = set()
        self._start: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post, except that the commands may be committed in several batches. Also raises Overloaded,
        and ValueError for more commands than the queue ever takes.

        Raises OutcomeUnknown too where some of the commands are settled and others met a fault.
        """
        if len(commands) > self._queue_max:
            raise ValueError(f"At most {self._queue_max} commands fit the queue.")
        if self._closed:
            raise Unavailable("The ledger is shutting down.")
        if len(self._queue) + len(commands) > self._queue_max:
            raise Overloaded("Too many movements wait already.")
        loop = asyncio.get_running_loop()
        answers = [loop.create_future() for _ in commands]
        until = timedelta(seconds=loop.time()) + self._waiting_max
        for command, answer in zip(commands, answers, strict=True):
            self._queue.add(Waiting(command, answer, until))
        if self._start is None:
            # When everybody has joined the queue who comes in this turn of the loop.
            self._start = loop.call_soon(self._start_batches)
        self._set_alarm()
        if len(answers) == 1:
            return [await answers[0]]
        return _all_or_fault(await asyncio.gather(*answers, return_exceptions=True))

    async def close(self) -> None:
        """Take nothing more, and return when everything that was taken is answered."""
        self._closed = True
        self._start_batches()
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _start_batches(self) -> None:
        self._start = None
        for batch in self._queue.next_batches():
            task = asyncio.get_running_loop().create_task(self._carry_out(batch))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, batch: Batch) -> None:
        with ExitStack() as place:
            place.callback(self._ended, batch)
            await self._settle(batch.members, place)

    def _ended(self, batch: Batch) -> None:
        self._queue.ended(batch)
        self._start_batches()

    def _set_alarm(self) -> None:
        """For the moment at which somebody will have waited long enough."""
        if self._alarm is None and (until := self._queue.next_to_leave) is not None:
            self._alarm = asyncio.get_running_loop().call_at(until.total_seconds(), self._turn_away)

    def _turn_away(self) -> None:
        """Tell everybody who has waited long enough that nothing happened, and that it will not."""
        self._alarm = None
        for waiting in self._queue.turned_away(timedelta(seconds=asyncio.get_running_loop().time())):
            _fail(waiting, Unavailable("The movements before this one take too long."))
        self._set_alarm()

    async def _settle(self, batch: list[Waiting], place: ExitStack) -> None:
        """Commit the batch and answer it. Its place among those under way is given up with the commit, where enough
        wait for it."""
        try:
            outcomes = await self._outcomes([waiting.command for waiting in batch])
        except Fault as fault:
            for waiting in batch:
                _fail(waiting, fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
            await self._settle_one_by_one(batch, error)
        except asyncio.CancelledError:
            for waiting in batch:
                _fail(waiting, Unavailable("The ledger was stopped."))
            raise
        else:
            await self._answer(batch, outcomes, place)

    async def _answer(self, batch: list[Waiting], outcomes: list[Outcome], place: ExitStack) -> None:
        try:
            async with self._places_to_answer:
                if len(self._queue) >= SHARE_MIN:
                    place.close()
                await self._before_answers(outcomes)
        finally:
            # What is committed is answered, whatever became of the rest.
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)

    async def _outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        outcomes = await self._ledger.post(commands)
        if len(outcomes) != len(commands):
            # The commit has happened: posting them again is not ours to try.
            raise OutcomeUnknown("The ledger did not answer each command.")
        return outcomes

    async def _settle_one_by_one(self, batch: list[Waiting], error: Exception) -> None:
        """A command that the ledger chokes on must not fail its neighbours: find out which one it is."""
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for waiting in batch:
            await self._settle([waiting], ExitStack())  # they have one place in all, and leave it together


def _all_or_fault(answers: Sequence[Outcome | BaseException]) -> list[Outcome]:
    """The outcomes, or the fault that is true of the commands as a whole."""
    faults = [answer for answer in answers if isinstance(answer, BaseException)]
    if not faults:
        return [answer for answer in answers if not isinstance(answer, BaseException)]
    if len(faults) < len(answers):
        raise OutcomeUnknown("Some of the commands are settled and others are not.") from faults[0]
    for fault in faults:
        if not isinstance(fault, Unavailable):
            raise fault
    raise faults[0]


def _fail(waiting: Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
