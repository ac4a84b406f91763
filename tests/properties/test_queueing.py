"""Whatever is asked of whom, batches that are under way at once have nothing in common, and nobody is overtaken."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Deposit, Transfer
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.queueing import SHARE_MIN, Batch, CommandQueue, Waiting
from wallet_core.testing.builders import a_deposit, a_transfer, an_account

PEOPLE = [an_account() for _ in range(12)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, len(PEOPLE) - 1), st.integers(1, len(PEOPLE) - 1)),  # a transfer, to whom from there
        st.just("start"),
        st.integers(0, 2),  # the end of that batch
    ),
    max_size=60,
)


@given(steps=STEPS, batch_max=st.integers(1, 5), in_flight_max=st.integers(1, 3))
def test_batches_at_once_have_nothing_in_common_and_nobody_is_overtaken(
    steps: list[tuple[int, int] | str | int], batch_max: int, in_flight_max: int
) -> None:
    queue = CommandQueue(batch_max=batch_max, in_flight_max=in_flight_max)
    asked: list[Transfer] = []
    started: list[Transfer] = []
    under_way: list[Batch] = []

    def start() -> None:
        batches = queue.next_batches()
        under_way.extend(batches)
        for batch in batches:
            started.extend(_commands(batch))
        touched = [touches for batch in under_way for touches in batch.touched]
        assert len(touched) == len(set(touched))
        assert len(under_way) <= in_flight_max
        assert all(0 < len(batch.members) <= batch_max for batch in batches)
        assert under_way or not len(queue)

    for step in steps:
        match step:
            case (source, hops):
                asked.append(a_transfer(PEOPLE[source], PEOPLE[(source + hops) % len(PEOPLE)]))
                queue.add(_waiting(asked[-1]))
            case int(number) if number < len(under_way):
                queue.ended(under_way.pop(number))
            case _:
                start()
    while len(queue):
        for batch in under_way:
            queue.ended(batch)
        under_way.clear()
        start()

    assert len(started) == len(asked)
    for person in PEOPLE:
        assert _touching(person, started) == _touching(person, asked)


def test_commands_that_have_nothing_in_common_are_shared_out_evenly() -> None:
    queue = _queue_of([_strangers() for _ in range(4 * SHARE_MIN)], in_flight_max=2)

    batches = queue.next_batches()

    assert [len(batch.members) for batch in batches] == [2 * SHARE_MIN, 2 * SHARE_MIN]


def test_a_batch_that_follows_is_no_longer_than_the_one_under_way_lets_it_be() -> None:
    queue = _queue_of([_strangers() for _ in range(SHARE_MIN)], in_flight_max=2)
    queue.next_batches()
    for _ in range(5 * SHARE_MIN):
        queue.add(_waiting(_strangers()))

    [batch] = queue.next_batches()

    assert len(batch.members) == 3 * SHARE_MIN


def test_few_commands_make_one_batch() -> None:
    queue = _queue_of([_strangers() for _ in range(SHARE_MIN)], in_flight_max=4)

    assert len(queue.next_batches()) == 1


def test_commands_that_all_touch_the_same_make_one_batch_however_many() -> None:
    gatherer = an_account()
    queue = _queue_of([a_transfer(an_account(), gatherer) for _ in range(6 * SHARE_MIN)], in_flight_max=3)

    batches = queue.next_batches()

    assert [len(batch.members) for batch in batches] == [6 * SHARE_MIN]


def test_who_touches_what_is_under_way_waits_and_others_do_not() -> None:
    alice, bob, carol, dave = (an_account() for _ in range(4))
    queue = _queue_of([a_transfer(alice, bob)], in_flight_max=2)
    [first] = queue.next_batches()
    queue.add(_waiting(behind := a_transfer(carol, alice)))
    nothing_new = queue.next_batches()
    queue.add(_waiting(a_transfer(dave, an_account())))

    [free] = queue.next_batches()
    queue.ended(first)
    [last] = queue.next_batches()

    assert nothing_new == []
    assert [command.user_id for command in _commands(free)] == [dave.user_id]
    assert _commands(last) == [behind]


def test_deposits_of_one_gateway_have_its_account_in_common() -> None:
    queue = CommandQueue(batch_max=512, in_flight_max=2)
    queue.add(_waiting(a_deposit(an_account())))
    queue.next_batches()
    queue.add(_waiting(a_deposit(an_account())))

    assert queue.next_batches() == []


def test_who_has_waited_long_enough_leaves_whether_they_were_passed_over_or_not_looked_at_yet() -> None:
    alice = an_account()
    queue = CommandQueue(batch_max=512, in_flight_max=2)
    for seconds in (1, 2, 3):
        queue.add(_waiting(a_transfer(alice, an_account()), until=timedelta(seconds=seconds)))
        if seconds < 3:
            queue.next_batches()

    leaving = queue.turned_away(timedelta(seconds=2))

    assert [waiting.until.total_seconds() for waiting in leaving] == [2]
    assert queue.next_to_leave == timedelta(seconds=3)
    assert queue.turned_away(timedelta(seconds=9)) != []
    assert queue.next_to_leave is None


def _strangers() -> Transfer:
    return a_transfer(an_account(), an_account())


def _queue_of(commands: Sequence[Transfer], *, in_flight_max: int) -> CommandQueue:
    queue = CommandQueue(batch_max=512, in_flight_max=in_flight_max)
    for command in commands:
        queue.add(_waiting(command))
    return queue


def _waiting(command: Transfer | Deposit, until: timedelta = timedelta(seconds=1)) -> Waiting:
    nobody = cast("asyncio.Future[Outcome]", None)  # the queue gives no answers
    return Waiting(command, nobody, until)


def _commands(batch: Batch) -> list[Transfer]:
    return [waiting.command for waiting in batch.members if isinstance(waiting.command, Transfer)]


def _touching(person: Account, commands: Sequence[Transfer]) -> list[Transfer]:
    return [command for command in commands if person.wallet_id in command.touches]
