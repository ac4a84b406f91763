"""What every ledger promises to callers who post at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.outcomes import Outcome, Reason
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, granted_caps
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_person,
    a_wallet_of,
    balances,
    limit_of,
    now,
    owner,
    post,
    refusal,
    statement,
)

_RACE_SECONDS_MAX = 30


class RaceRules:
    """Whoever comes first, the books come out right."""

    async def test_more_transfers_at_once_than_the_wallet_can_pay_are_paid_up_to_its_balance(
        self, books: BooksUnderTest
    ) -> None:
        alice, bob = await a_person(books, balance=100), await a_person(books)

        outcomes = await _at_once(books, [a_transfer(alice, bob, amount=10) for _ in range(25)])

        assert _reasons(outcomes) == {None: 10, Reason.INSUFFICIENT_FUNDS: 15}
        assert await balances(books, alice, bob) == [0, 100]

    async def test_more_at_once_than_the_limit_admits_goes_up_to_the_limit(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=1_000, granted=granted_caps(daily=100)), await a_person(books)

        outcomes = await _at_once(books, [a_transfer(alice, bob, amount=10) for _ in range(25)])

        assert _reasons(outcomes) == {None: 10, Reason.LIMIT_EXCEEDED: 15}
        assert (await limit_of(books, alice, LimitKind.TRANSFER)).day_used == 100

    async def test_two_wallets_at_once_share_one_limit(self, books: BooksUnderTest) -> None:
        main = await a_person(books, balance=1_000, granted=granted_caps(daily=100))
        savings = await a_wallet_of(books, owner(main), name="Savings", balance=1_000)
        # To one recipient, or out, they would wait for each other at that account whatever becomes of the limit.
        ways = [(main, await a_person(books)), (savings, await a_person(books))]

        outcomes = await _at_once(books, [a_transfer(*ways[number % 2], amount=10) for number in range(24)])

        assert _reasons(outcomes) == {None: 10, Reason.LIMIT_EXCEEDED: 14}
        assert (await limit_of(books, main, LimitKind.TRANSFER)).day_used == 100

    async def test_there_and_back_at_once_ends_as_it_should(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        there = [a_transfer(alice, bob, amount=3) for _ in range(20)]
        back = [a_transfer(bob, alice, amount=2) for _ in range(20)]

        outcomes = await _at_once(books, [command for pair in zip(there, back, strict=True) for command in pair])

        assert _reasons(outcomes) == {None: 40}
        assert await balances(books, alice, bob) == [480, 520]

    async def test_batches_that_cross_each_other_at_once_end_as_they_should(self, books: BooksUnderTest) -> None:
        people = [await a_person(books, balance=1_000) for _ in range(4)]
        batches = [
            [a_transfer(people[at % 4], people[(at + 1) % 4], amount=7) for at in range(turn, turn + 4)]
            for turn in range(8)
        ]

        async with asyncio.timeout(_RACE_SECONDS_MAX):
            outcomes = await asyncio.gather(*(books.ledger.post(batch) for batch in batches))

        assert [refusal(outcome) for batch in outcomes for outcome in batch] == [None] * 32
        assert await balances(books, *people) == [1_000] * 4

    async def test_one_key_posted_by_many_at_once_moves_the_money_once(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcomes = await _at_once(books, [a_transfer(alice, bob, key="k1") for _ in range(15)])

        assert outcomes == [outcomes[0]] * 15
        assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 14
        assert await balances(books, alice, bob) == [400, 100]

    async def test_two_wallets_that_race_for_one_key_move_money_once(self, books: BooksUnderTest) -> None:
        main = await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(main), name="Savings", balance=500)
        bob = await a_person(books)

        for turn in range(5):
            outcomes = await _at_once(
                books, [a_transfer(main, bob, key=f"k{turn}"), a_transfer(savings, bob, key=f"k{turn}")]
            )

            assert _reasons(outcomes) == {None: 1, Reason.IDEMPOTENCY_KEY_REUSED: 1}

        assert await balances(books, bob) == [500]

    async def test_movements_that_share_nothing_but_their_key_race_for_it(self, books: BooksUnderTest) -> None:
        """Neither waits for a lock of the other: what keeps the second out is that the key was settled meanwhile."""
        main = await a_person(books)
        savings = await a_wallet_of(books, owner(main), name="Savings", balance=500)

        for turn in range(10):
            outcomes = await _at_once(
                books, [a_deposit(main, amount=7, key=f"k{turn}"), a_withdrawal(savings, amount=7, key=f"k{turn}")]
            )

            assert _reasons(outcomes) == {None: 1, Reason.IDEMPOTENCY_KEY_REUSED: 1}

        paid_in, left = await balances(books, main, savings)
        assert paid_in + (500 - left) == 70

    async def test_neighbours_of_a_lost_race_are_answered_as_well(self, books: BooksUnderTest) -> None:
        main = await a_person(books)
        savings = await a_wallet_of(books, owner(main), name="Savings", balance=500)
        bob, carol, dave = await a_person(books), await a_person(books, balance=1), await a_person(books)

        async with asyncio.timeout(_RACE_SECONDS_MAX):
            first, second = await asyncio.gather(
                books.ledger.post([a_deposit(main, key="k1"), a_deposit(bob, amount=1)]),
                books.ledger.post([a_withdrawal(savings, key="k1"), a_transfer(carol, dave, amount=1)]),
            )

        assert [refusal(first[1]), refusal(second[1])] == [None, None]
        assert _reasons([first[0], second[0]]) == {None: 1, Reason.IDEMPOTENCY_KEY_REUSED: 1}
        assert await balances(books, bob, carol, dave) == [1, 0, 1]

    async def test_deposits_at_once_are_all_there(self, books: BooksUnderTest) -> None:
        people = [await a_person(books) for _ in range(3)]

        outcomes = await _at_once(books, [a_deposit(people[number % 3], amount=number + 1) for number in range(30)])

        assert _reasons(outcomes) == {None: 30}
        assert sum(await balances(books, *people)) == 465
        assert [(await now(books, person)).version for person in people] == [10, 10, 10]

    async def test_each_movement_of_a_race_is_in_the_statement_with_a_balance_of_its_own(
        self, books: BooksUnderTest
    ) -> None:
        alice = await a_person(books)

        await _at_once(books, [a_deposit(alice, amount=5) for _ in range(20)])

        owns = [line.own for line in await statement(books, alice)]
        assert sorted(own.balance_after or 0 for own in owns if own is not None) == list(range(5, 105, 5))


async def _at_once(books: BooksUnderTest, commands: Sequence[Command]) -> list[Outcome]:
    """Post each command on its own, all at the same time."""
    async with asyncio.timeout(_RACE_SECONDS_MAX):
        return list(await asyncio.gather(*(post(books, command) for command in commands)))


def _reasons(outcomes: Sequence[Outcome]) -> dict[Reason | None, int]:
    """How often each reason was given; None stands for money that moved."""
    return Counter(refusal(outcome) for outcome in outcomes)
