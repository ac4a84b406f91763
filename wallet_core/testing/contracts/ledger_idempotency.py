"""What every ledger promises about retries: one key, one decision, for ever."""

from dataclasses import replace
from datetime import timedelta

from wallet_core.ids import TransactionId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.outcomes import Reason
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, granted_caps, new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_person,
    a_wallet_of,
    balances,
    declined,
    limit_of,
    now,
    owner,
    post,
    posted,
    refusal,
    statement,
)


def _again(command: Command) -> Command:
    """The same command in a request of its own."""
    return replace(command, id=TransactionId(new_id()), request_id="another request")


class ReplayRules:
    """A key that is settled gives its first outcome again."""

    async def test_the_same_key_moves_the_money_once(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        command = a_transfer(alice, bob, amount=200, key="k1")

        first = await post(books, command)
        second = await post(books, _again(command))

        assert second == first
        assert (first.replayed, second.replayed) == (False, True)
        assert await balances(books, alice, bob) == [300, 200]

    async def test_deposits_and_withdrawals_are_replayed_too(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)
        commands: list[Command] = [a_deposit(alice, key="k1"), a_withdrawal(alice, key="k2", destination="IBAN 1")]

        first = await books.ledger.post(commands)
        second = await books.ledger.post([_again(command) for command in commands])

        assert second == first
        assert [outcome.replayed for outcome in second] == [True, True]
        assert await balances(books, alice) == [500]

    async def test_a_replay_changes_nothing(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        command = a_transfer(alice, bob, key="k1")
        await post(books, command)
        before = [await now(books, alice), await now(books, bob), await limit_of(books, alice, LimitKind.TRANSFER)]

        replay = await post(books, _again(command))

        after = [await now(books, alice), await now(books, bob), await limit_of(books, alice, LimitKind.TRANSFER)]
        assert after == before
        assert replay.accounts == ()
        assert len(await statement(books, bob)) == 1

    async def test_a_refusal_is_replayed_even_when_it_would_pass_by_now(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        command = a_transfer(alice, bob, key="k1")
        first = declined(await post(books, command))
        await post(books, a_deposit(alice, amount=500))

        second = await post(books, _again(command))

        assert second == first
        assert second.replayed
        assert (await now(books, alice)).declines == 1

    async def test_the_figures_of_a_refusal_are_replayed_as_they_were(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=100))
        command = a_withdrawal(alice, amount=101, key="k1")
        first = declined(await post(books, command))
        await post(books, a_withdrawal(alice, amount=30))
        clock.advance(timedelta(days=40))

        second = declined(await post(books, _again(command)))

        assert first.reason is Reason.LIMIT_EXCEEDED
        assert second == first
        assert second.details == first.details

    async def test_a_movement_is_replayed_even_when_it_would_be_refused_by_now(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice, bob = await a_person(books, balance=100), await a_person(books)
        command = a_transfer(alice, bob, key="k1")
        first = posted(await post(books, command))
        await books.set_status(alice.wallet_id, AccountStatus.DEACTIVATED)
        clock.advance(timedelta(days=4_000))

        second = await post(books, _again(command))

        assert second == first

    async def test_a_retry_is_the_same_when_the_address_leads_elsewhere_by_then(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books, balance=500), await a_person(books), await a_person(books)
        first = await post(books, a_transfer(alice, bob, key="k1", to="friend@example.org"))

        to_another = await post(books, a_transfer(alice, carol, key="k1", to="friend@example.org"))
        to_nobody = await post(books, a_transfer(alice, None, key="k1", to="friend@example.org"))

        assert [to_another, to_nobody] == [first, first]
        assert await balances(books, alice, bob, carol) == [400, 100, 0]

    async def test_a_retry_is_the_same_when_the_gateway_calls_it_otherwise(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        first = await post(books, a_deposit(alice, key="k1", reference="ch_1"))

        second = await post(books, a_deposit(alice, key="k1", reference="ch_2"))

        assert second == first
        assert await balances(books, alice) == [100]

    async def test_without_a_key_two_are_two(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        command = a_transfer(alice, bob)

        await post(books, command)
        await post(books, _again(command))

        assert await balances(books, alice, bob) == [300, 200]


class KeyRules:
    """What makes two keys the same, and what one may be used for."""

    async def test_a_key_is_good_for_one_question_only(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books, balance=500), await a_person(books), await a_person(books)
        savings = await a_wallet_of(books, owner(alice), name="Savings", balance=500)
        await post(books, a_transfer(alice, bob, amount=100, key="k1", note="Lunch"))

        others: list[Command] = [
            a_transfer(alice, bob, amount=101, key="k1", note="Lunch"),
            a_transfer(alice, carol, amount=100, key="k1", note="Lunch"),
            a_transfer(alice, bob, amount=100, key="k1", note="Dinner"),
            a_transfer(alice, bob, amount=100, key="k1"),
            a_transfer(alice, bob, amount=100, key="k1", note="Lunch", currency="EUR"),
            a_transfer(savings, bob, amount=100, key="k1", note="Lunch"),
            a_withdrawal(alice, amount=100, key="k1"),
            a_deposit(alice, amount=100, key="k1"),
        ]
        outcomes = [declined(await post(books, other)) for other in others]

        assert [outcome.reason for outcome in outcomes] == [Reason.IDEMPOTENCY_KEY_REUSED] * len(others)
        assert [outcome.transaction for outcome in outcomes] == [None] * len(others)
        assert await balances(books, alice, savings, bob, carol) == [400, 500, 100, 0]

    async def test_the_reuse_of_a_key_does_not_unsettle_it(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        command = a_transfer(alice, bob, key="k1")
        first = await post(books, command)
        await post(books, a_withdrawal(alice, key="k1"))

        assert await post(books, _again(command)) == first

    async def test_the_key_of_a_refusal_is_used_as_well(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        await post(books, a_transfer(alice, bob, key="k1"))

        outcome = await post(books, a_deposit(alice, key="k1"))

        assert refusal(outcome) is Reason.IDEMPOTENCY_KEY_REUSED

    async def test_each_person_has_keys_of_their_own(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)

        outcomes = await books.ledger.post([a_deposit(alice, key="k1"), a_deposit(bob, key="k1")])

        assert [outcome.replayed for outcome in outcomes] == [False, False]
        assert await balances(books, alice, bob) == [100, 100]

    async def test_keys_that_look_alike_are_different(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        keys = ["k", "K", "k.", "k" * 255, "k" * 254, "%6B", "'", '"', "\\", "k--", "null"]

        outcomes = await books.ledger.post([a_deposit(alice, key=key) for key in keys])

        assert [outcome.replayed for outcome in outcomes] == [False] * len(keys)
        assert await balances(books, alice) == [100 * len(keys)]

    async def test_the_same_key_many_times_in_one_batch_moves_the_money_once(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        command = a_transfer(alice, bob, key="k1")

        outcomes = await books.ledger.post([command, *(_again(command) for _ in range(9))])

        assert outcomes == [outcomes[0]] * 10
        assert [outcome.replayed for outcome in outcomes] == [False] + [True] * 9
        assert await balances(books, alice, bob) == [400, 100]

    async def test_a_refused_key_many_times_in_one_batch_is_refused_once(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        command = a_transfer(alice, bob, key="k1")

        outcomes = await books.ledger.post([command, a_deposit(alice), *(_again(command) for _ in range(3))])

        assert [outcomes[0], *outcomes[2:]] == [outcomes[0]] * 4
        assert await balances(books, alice, bob) == [100, 0]
        assert (await now(books, alice)).declines == 1

    async def test_two_questions_under_one_key_in_one_batch_are_told_apart(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcomes = await books.ledger.post(
            [a_transfer(alice, bob, amount=100, key="k1"), a_transfer(alice, bob, amount=200, key="k1")]
        )

        assert [refusal(outcome) for outcome in outcomes] == [None, Reason.IDEMPOTENCY_KEY_REUSED]
        assert await balances(books, alice, bob) == [400, 100]
