"""What a worker does again and again, and what it does now and then, whatever comes of it."""

import asyncio
from datetime import timedelta

import pytest

from entrypoints.worker import loops
from entrypoints.worker.loops import repeat
from entrypoints.worker.schedule import Chore, Schedule
from wallet_core.faults import Unavailable
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.outbox import InMemoryTurns

MINUTE = timedelta(minutes=1)


class Steps:
    """Steps that come to what they are told to, and then to the end."""

    def __init__(self, outcomes: list[bool | Exception]) -> None:
        self._outcomes = outcomes
        self.stopping = asyncio.Event()
        self.taken = 0

    async def step(self) -> bool:
        self.taken += 1
        outcome = self._outcomes.pop(0)
        if not self._outcomes:
            self.stopping.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_steps_follow_one_another_while_there_is_more_to_do() -> None:
    steps = Steps([True, True, True, False])

    await asyncio.wait_for(repeat("steps", steps.step, stopping=steps.stopping, idle_seconds=60), 5)

    assert steps.taken == 4


async def test_a_step_that_fails_is_taken_again_and_what_nobody_thought_of_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "TROUBLE_SECONDS_FIRST", 0.01)
    steps = Steps([Unavailable("The database does not answer."), KeyError("x"), False])

    await asyncio.wait_for(repeat("steps", steps.step, stopping=steps.stopping, idle_seconds=0.01), 5)

    assert steps.taken == 3


async def test_whoever_waits_hears_at_once_that_it_is_over() -> None:
    stopping = asyncio.Event()

    async def nothing() -> bool:
        return False

    waiting = asyncio.create_task(repeat("nothing", nothing, stopping=stopping, idle_seconds=3_600))
    await asyncio.sleep(0.01)
    stopping.set()

    await asyncio.wait_for(waiting, 5)


async def test_a_chore_is_done_once_in_its_time_by_whoever_looks_first() -> None:
    clock, done = SettableClock(), list[str]()

    async def sweep() -> None:
        done.append("swept")

    turns = InMemoryTurns(clock)
    schedules = [Schedule(turns, [Chore(name="sweep", every=MINUTE, work=sweep)]) for _ in range(3)]

    for _ in range(2):
        await asyncio.gather(*(schedule.step() for schedule in schedules))
        clock.advance(MINUTE)

    assert done == ["swept", "swept"]


async def test_a_chore_that_fails_keeps_no_other_from_being_done() -> None:
    done: list[str] = []

    async def fail() -> None:
        raise Unavailable("The database does not answer.")

    async def break_down() -> None:
        raise KeyError("x")

    async def sweep() -> None:
        done.append("swept")

    chores = [Chore(name=str(number), every=MINUTE, work=each) for number, each in enumerate((fail, break_down, sweep))]

    await Schedule(InMemoryTurns(), chores).step()

    assert done == ["swept"]
