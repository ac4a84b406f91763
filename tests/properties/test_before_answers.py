"""Between the commit and the answers: who waits for what is done there, and who does not."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from tests.properties.test_batching import WatchedLedger, all_answered, waiting
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.queueing import SHARE_MIN
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit
from wallet_core.testing.contracts.books import a_person, balances


class Keeper:
    """What a ledger awaits before its answers: takes its time, and keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.at_once = 0
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, outcomes: Sequence[Outcome]) -> None:
        self.kept.append(len(outcomes))
        self.at_once += 1
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
async def books() -> InMemoryBooks:
    return InMemoryBooks()


@pytest.fixture
async def alice(books: InMemoryBooks) -> Account:
    return await a_person(books)


@pytest.fixture
async def watched(books: InMemoryBooks) -> WatchedLedger:
    return WatchedLedger(books.ledger)


async def test_nobody_is_answered_before_what_comes_before_the_answers(watched: WatchedLedger, alice: Account) -> None:
    keeper = Keeper()

    caller = await waiting(BatchingLedger(watched, before_answers=keeper), a_deposit(alice))
    await _turns()

    assert (keeper.kept, caller.done()) == ([1], False)
    keeper.gate.set()
    await all_answered([caller])


async def test_the_batch_for_a_crowd_begins_with_the_commit_and_only_so_many_wait_for_what_comes_after_it(
    watched: WatchedLedger, alice: Account
) -> None:
    keeper = Keeper()
    ledger = BatchingLedger(watched, before_answers=keeper, in_flight_max=2, batch_max=1)
    watched.gate.clear()

    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(SHARE_MIN + 4)]
    watched.gate.set()
    await _turns()
    begun, at_once = list(watched.batches), keeper.at_once
    keeper.gate.set()
    await all_answered(callers)

    # Two are waited for; the third, which is committed too, keeps the place that the others need.
    assert (begun, at_once) == ([1, 1, 1], 2)
    assert keeper.kept == [1] * len(callers)


async def test_a_few_wait_for_the_answers_before_them_and_for_company(watched: WatchedLedger, alice: Account) -> None:
    keeper = Keeper()
    ledger = BatchingLedger(watched, before_answers=keeper, in_flight_max=2)

    callers = [await waiting(ledger, a_deposit(alice)) for _ in range(4)]
    await _turns()
    begun = list(watched.batches)
    keeper.gate.set()
    await all_answered(callers)

    assert (begun, watched.batches) == ([1], [1, 3])


async def test_what_fails_after_the_commit_fails_nobody(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    keeper, heard = Keeper(), list[dict[str, object]]()
    keeper.failure = ZeroDivisionError()
    keeper.gate.set()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    ledger = BatchingLedger(watched, before_answers=keeper)

    answers = [await ledger.post([a_deposit(alice)]) for _ in range(3)]
    await ledger.close()
    gc.collect()

    assert [len(answer) for answer in answers] == [1, 1, 1]
    assert [type(context["exception"]) for context in heard] == [ZeroDivisionError] * 3
    assert await balances(books, alice) == [300]


async def test_a_batch_that_is_stopped_after_its_commit_is_answered(
    books: InMemoryBooks, watched: WatchedLedger, alice: Account
) -> None:
    keeper, others = Keeper(), asyncio.all_tasks()
    caller = await waiting(BatchingLedger(watched, before_answers=keeper), a_deposit(alice))
    await _turns()

    [batch] = asyncio.all_tasks() - others - {caller}
    batch.cancel()
    await all_answered([caller])

    assert len(caller.result()) == 1
    assert await balances(books, alice) == [100]


async def _turns() -> None:
    """Time for whatever waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)
