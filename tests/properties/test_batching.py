"""Whoever posts when, each caller gets the answer to their own command, and nobody waits without end."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.databases import run
from wallet_core.faults import OutcomeUnknown, Overloaded, Unavailable
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.commands import Command, Deposit
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.port import Ledger
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_transfer
from wallet_core.testing.contracts.books import a_person, balances

SECONDS_MAX = 10


class WatchedLedger:
    """A ledger that takes its time, counts what it is given, and fails where it is told to."""

    def __init__(self, ledger: Ledger, *, pauses: Sequence[int] = (0,)) -> None:
        self._ledger = ledger
        self._pauses = pauses
        self.batches: list[int] = []
        self.posted: list[Command] = []
        self.at_once = 0
        self.at_once_max = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: Callable[[Sequence[Command]], Exception | None] = lambda _: None

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        self.batches.append(len(commands))
        self.posted += commands
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            await self.gate.wait()
            for _ in range(self._pauses[len(self.batches) % len(self._pauses)]):
                await asyncio.sleep(0)
            failure = self.failing(commands)
            if failure is not None:
                raise failure
            return await self._ledger.post(commands)
        finally:
            self.at_once -= 1


@dataclass(frozen=True)
class Caller:
    """Comes after so many turns of the loop with so many commands."""

    turns: int
    commands: int


@given(
    callers=st.lists(st.builds(Caller, turns=st.integers(0, 12), commands=st.integers(1, 4)), max_size=25),
    pauses=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    batch_max=st.integers(1, 6),
    in_flight_max=st.integers(1, 3),
)
def test_every_answer_belongs_to_its_command_and_every_bound_holds(
    callers: list[Caller], pauses: list[int], batch_max: int, in_flight_max: int
) -> None:
    async def play() -> None:
        books = InMemoryBooks()
        alice = await a_person(books)
        watched = WatchedLedger(books.ledger, pauses=pauses)
        ledger = BatchingLedger(watched, batch_max=batch_max, in_flight_max=in_flight_max)

        async def call(caller: Caller) -> tuple[list[Deposit], list[Outcome]]:
            commands = [a_deposit(alice, amount=1) for _ in range(caller.commands)]
            for _ in range(caller.turns):
                await asyncio.sleep(0)
            return commands, await ledger.post(commands)

        async with asyncio.timeout(SECONDS_MAX):
            answers = await asyncio.gather(*map(call, callers))

        for commands, outcomes in answers:
            assert [each.transaction and each.transaction.id for each in outcomes] == [each.id for each in commands]
        assert sum(watched.batches) == sum(caller.commands for caller in callers)
        assert max(watched.batches, default=1) <= batch_max
        assert watched.at_once_max <= in_flight_max
        assert await balances(books, alice) == [sum(caller.commands for caller in callers)]

    run(play())


@pytest.fixture
async def books() -> InMemoryBooks:
    return InMemoryBooks()


@pytest.fixture
async def alice(books: InMemoryBooks) -> Account:
    return await a_person(books)


@pytest.fixture
async def watched(books: InMemoryBooks) -> WatchedLedger:
    return WatchedLedger(books.ledger)


async def test_an_idle_ledger_posts_at_once(watched: WatchedLedger, alice: Account) -> None:
    ledger = BatchingLedger(watched)

    for _ in range(3):
        await ledger.post([a_deposit(alice)])

    assert watched.batches == [1, 1, 1]


async def test_no_commands_have_no_outcomes(watched: WatchedLedger) -> None:
    assert await BatchingLedger(watched).post([]) == []
    assert watched.batches == []


async def test_what_arrives_during_a_commit_forms_the_next_batch(watched: WatchedLedger, alice: Account) -> None:
    ledger = BatchingLedger(watched, in_flight_max=1)
    watched.gate.clear()

    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(6)]
    watched.gate.set()
    await all_answered(callers)

    assert watched.batches == [1, 5]


async def test_who_has_nothing_in_common_with_a_batch_under_way_does_not_wait_for_it(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    bob, carol, dave = [await a_person(books) for _ in range(3)]
    ledger = BatchingLedger(watched, in_flight_max=2)
    watched.gate.clear()

    first = await waiting(ledger, a_transfer(alice, bob))
    behind = await waiting(ledger, a_transfer(bob, alice))
    free = await waiting(ledger, a_transfer(carol, dave))
    await asyncio.sleep(0)  # a batch is started one turn after it was formed
    under_way = list(watched.posted)
    watched.gate.set()
    await all_answered([first, behind, free])

    assert [command.user_id for command in under_way] == [alice.user_id, carol.user_id]
    assert [command.user_id for command in watched.posted] == [alice.user_id, carol.user_id, bob.user_id]


async def test_nobody_is_answered_before_the_commit(watched: WatchedLedger, alice: Account) -> None:
    watched.gate.clear()

    caller = await waiting(BatchingLedger(watched), a_deposit(alice))

    assert not caller.done()
    watched.gate.set()
    await all_answered([caller])


async def test_past_the_bound_of_the_queue_one_is_refused_at_once_and_the_others_answered(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, batch_max=1, in_flight_max=1, queue_max=3)
    watched.gate.clear()
    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(4)]

    with pytest.raises(Overloaded):
        await ledger.post([a_deposit(alice)])
    watched.gate.set()
    await all_answered(callers)

    assert await balances(books, alice) == [400]
    assert len(await ledger.post([a_deposit(alice)])) == 1


async def test_commands_that_do_not_all_fit_are_refused_whole(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, in_flight_max=1, queue_max=3)
    watched.gate.clear()
    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(2)]

    with pytest.raises(Overloaded):
        await ledger.post([a_deposit(alice) for _ in range(3)])
    watched.gate.set()
    await all_answered(callers)

    assert await balances(books, alice) == [200]


async def test_more_commands_than_the_queue_ever_takes_are_the_callers_mistake(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, queue_max=3)

    with pytest.raises(ValueError, match="At most 3"):
        await ledger.post([a_deposit(alice) for _ in range(4)])

    assert await balances(books, alice) == [0]


async def test_who_waits_behind_a_batch_that_hangs_is_turned_away_in_time_and_nothing_happens_later(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, in_flight_max=1, waiting_max=timedelta(milliseconds=50))
    watched.gate.clear()
    hanging = await waiting(ledger, a_deposit(alice))

    behind = [await waiting(ledger, a_deposit(alice)) for _ in range(3)]
    answers = await asyncio.wait_for(asyncio.gather(*behind, return_exceptions=True), SECONDS_MAX)
    late = await waiting(ledger, a_deposit(alice))
    watched.gate.set()
    await all_answered([hanging, late])
    await ledger.close()

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert watched.batches == [1, 1]
    assert await balances(books, alice) == [200]


async def test_a_queue_that_moves_turns_nobody_away(watched: WatchedLedger, alice: Account) -> None:
    ledger = BatchingLedger(watched, batch_max=1, in_flight_max=1, waiting_max=timedelta(milliseconds=200))

    for _ in range(3):
        watched.gate.clear()
        callers = [await waiting(ledger, a_deposit(alice)) for _ in range(4)]
        await asyncio.sleep(0.1)
        watched.gate.set()
        await all_answered(callers)

    assert watched.batches == [1] * 12


async def test_commands_of_one_caller_that_are_settled_in_part_are_not_said_to_have_left_nothing(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, batch_max=2, in_flight_max=1)
    watched.failing = lambda _: Unavailable("Out of order.") if len(watched.batches) == 2 else None

    with pytest.raises(OutcomeUnknown):
        await ledger.post([a_deposit(alice) for _ in range(4)])

    assert await balances(books, alice) == [200]


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_a_caller_who_goes_away_takes_no_command_back_and_no_neighbour_along(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account, leaving: int
) -> None:
    ledger = BatchingLedger(watched, in_flight_max=1)
    watched.gate.clear()
    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(3)]

    callers[leaving].cancel()
    await asyncio.wait([callers[leaving]])
    watched.gate.set()
    await all_answered([caller for caller in callers if caller is not callers[leaving]])
    await ledger.close()

    assert callers[leaving].cancelled()
    assert await balances(books, alice) == [300]


async def test_a_command_that_the_ledger_chokes_on_fails_alone(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched)
    poison = a_deposit(alice)
    watched.failing = lambda commands: ZeroDivisionError() if poison in commands else None

    callers = [await waiting(ledger, each) for each in (a_deposit(alice), poison, a_deposit(alice), a_deposit(alice))]
    answers = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(answer) for answer in answers] == [list, ZeroDivisionError, list, list]
    assert await balances(books, alice) == [300]


@pytest.mark.parametrize("fault", [Unavailable, OutcomeUnknown])
async def test_a_fault_is_told_to_the_whole_batch_and_the_batch_is_not_tried_again(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account, fault: type[Exception]
) -> None:
    ledger = BatchingLedger(watched)
    watched.failing = lambda _: fault("Out of order.")

    answers = await asyncio.gather(*(ledger.post([a_deposit(alice)]) for _ in range(3)), return_exceptions=True)
    watched.failing = lambda _: None

    assert [type(answer) for answer in answers] == [fault] * 3
    assert sum(watched.batches) == 3
    assert len(await ledger.post([a_deposit(alice)])) == 1


async def test_a_ledger_that_answers_too_little_leaves_nobody_waiting(alice: Account) -> None:
    class Taciturn:
        async def post(self, commands: Sequence[Command]) -> list[Outcome]:
            return []

    ledger = BatchingLedger(Taciturn())

    async with asyncio.timeout(SECONDS_MAX):
        with pytest.raises(OutcomeUnknown):
            await ledger.post([a_deposit(alice)])


async def test_closing_answers_everything_that_was_taken_and_takes_nothing_more(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    ledger = BatchingLedger(watched, batch_max=2, in_flight_max=1)
    watched.gate.clear()
    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(7)]

    closing = asyncio.create_task(ledger.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await ledger.post([a_deposit(alice)])
    watched.gate.set()
    async with asyncio.timeout(SECONDS_MAX):
        await closing

    assert all(caller.done() for caller in callers)
    assert await balances(books, alice) == [700]


async def test_closing_an_idle_ledger_returns(watched: WatchedLedger) -> None:
    ledger = BatchingLedger(watched)

    async with asyncio.timeout(SECONDS_MAX):
        await ledger.close()
        await ledger.close()


async def waiting(ledger: BatchingLedger, command: Command) -> asyncio.Task[list[Outcome]]:
    """A caller who has asked already."""
    caller = asyncio.create_task(ledger.post([command]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return caller


async def all_answered(callers: Sequence[asyncio.Task[list[Outcome]]]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*callers)
