"""What every ledger promises about the commands it refuses: each reason, and which of several is given."""

from datetime import timedelta

from wallet_core.ids import UserId
from wallet_core.ledger.accounts import BALANCE_MAX, DECLINES_RECORDED_MAX, HOLDING_MAX, PAYOUT, Account, AccountStatus
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Reason, TransactionStatus
from wallet_core.testing.builders import a_deposit, a_system_account, a_transfer, a_withdrawal, granted_caps
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    balances,
    declined,
    nobodys_account,
    now,
    owner,
    post,
    posted,
    refusal,
    statement,
)


class UnrecordedRefusalRules:
    """Questions that were wrong themselves: no transaction keeps them."""

    async def test_a_wallet_that_does_not_exist_is_not_found(self, books: BooksUnderTest) -> None:
        alice, nobody = await a_person(books, balance=500), nobodys_account()

        asked = _each_kind(nobody, alice, user_id=owner(alice))
        outcomes = [declined(await post(books, each)) for each in asked]

        assert [(outcome.reason, outcome.transaction) for outcome in outcomes] == [(Reason.WALLET_NOT_FOUND, None)] * 3

    async def test_somebody_elses_wallet_is_not_found(self, books: BooksUnderTest) -> None:
        alice, mallory = await a_person(books, balance=500), await a_person(books)

        asked = _each_kind(alice, mallory, user_id=owner(mallory))
        outcomes = [declined(await post(books, each)) for each in asked]

        assert [(outcome.reason, outcome.transaction) for outcome in outcomes] == [(Reason.WALLET_NOT_FOUND, None)] * 3
        assert await balances(books, alice, mallory) == [500, 0]

    async def test_somebody_elses_wallet_is_not_found_in_a_currency_it_does_not_hold_either(
        self, books: BooksUnderTest
    ) -> None:
        alice, mallory = await a_person(books), await a_person(books)

        outcome = await post(books, a_withdrawal(alice, currency="EUR", user_id=owner(mallory)))

        assert refusal(outcome) is Reason.WALLET_NOT_FOUND

    async def test_nobody_moves_the_systems_money(self, books: BooksUnderTest) -> None:
        mallory = await a_person(books)
        payout = a_system_account(PAYOUT)

        outcome = declined(await post(books, a_transfer(payout, mallory, user_id=owner(mallory))))

        assert (outcome.reason, outcome.transaction) == (Reason.WALLET_NOT_FOUND, None)

    async def test_a_currency_that_the_wallet_does_not_hold_is_said_to_be_missing(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, currency="EUR")

        asked = _each_kind(alice, bob, currency="EUR")
        outcomes = [declined(await post(books, each)) for each in asked]

        assert [(outcome.reason, outcome.transaction) for outcome in outcomes] == [(Reason.CURRENCY_NOT_HELD, None)] * 3

    async def test_a_transfer_to_the_same_wallet_is_refused(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        outcome = declined(await post(books, a_transfer(alice, alice)))

        assert (outcome.reason, outcome.transaction) == (Reason.SAME_WALLET, None)
        assert await balances(books, alice) == [500]

    async def test_a_wrong_question_leaves_no_trace(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        await books.ledger.post([a_transfer(alice, alice, key="k1"), a_withdrawal(alice, currency="EUR", key="k2")])

        assert (await now(books, alice)).revision == 1
        assert len(await statement(books, alice)) == 1

    async def test_a_corrected_question_may_use_the_same_key(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcomes = await books.ledger.post([a_transfer(alice, alice, key="k1"), a_transfer(alice, bob, key="k1")])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.SAME_WALLET, None]


class RecordedRefusalRules:
    """Refusals that are kept as failed transactions."""

    async def test_a_refused_command_is_kept_as_failed_with_its_reason(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        clock.advance(timedelta(hours=1))
        command = a_transfer(alice, bob, amount=501, note="Too much")

        outcome = declined(await post(books, command))

        transaction = outcome.transaction
        assert transaction is not None
        assert (transaction.id, transaction.status) == (command.id, TransactionStatus.FAILED)
        assert (transaction.reason, transaction.details) == (outcome.reason, outcome.details)
        assert (transaction.created_at, transaction.completed_at) == (clock(), None)
        assert transaction.source is not None
        assert (transaction.source.wallet_id, transaction.source.balance_after) == (alice.wallet_id, None)
        assert transaction in [line.transaction for line in await statement(books, alice)]

    async def test_a_refusal_is_counted_and_moves_nothing(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcome = declined(await post(books, a_transfer(alice, bob, amount=501)))
        await books.ledger.post([a_transfer(alice, bob, amount=501), a_withdrawal(alice, amount=501)])

        sender, recipient = await now(books, alice), await now(books, bob)
        assert (sender.balance, sender.version, sender.declines) == (500, 1, 3)
        assert (recipient.balance, recipient.version, recipient.declines) == (0, 0, 0)
        assert [(account.id, account.declines) for account in outcome.accounts] == [(alice.id, 1)]

    async def test_a_flood_of_refusals_is_counted_and_only_its_beginning_kept(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        flood = [a_transfer(alice, bob, amount=501, key=f"k{number}") for number in range(DECLINES_RECORDED_MAX + 20)]

        outcomes = await books.ledger.post(flood[:30]) + await books.ledger.post(flood[30:])

        assert {refusal(outcome) for outcome in outcomes} == {Reason.INSUFFICIENT_FUNDS}
        kept = [outcome for outcome in outcomes if outcome.transaction is not None]
        assert kept == outcomes[:DECLINES_RECORDED_MAX]
        sender = await now(books, alice)
        assert (sender.declines, sender.declined_today) == (DECLINES_RECORDED_MAX, DECLINES_RECORDED_MAX + 20)
        clock.advance(timedelta(days=1))
        assert declined(await post(books, a_transfer(alice, bob, amount=501))).transaction is not None

    async def test_a_refusal_that_was_not_kept_is_decided_anew(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await books.ledger.post([a_transfer(alice, bob, amount=501) for _ in range(DECLINES_RECORDED_MAX)])
        command = a_transfer(alice, bob, amount=501, key="late")
        declined(await post(books, command))
        await books.ledger.post([a_deposit(alice, amount=1)])

        outcome = posted(await post(books, command))

        assert not outcome.replayed

    async def test_more_than_is_there_is_refused_and_all_of_it_is_not(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcomes = await books.ledger.post(
            [a_transfer(alice, bob, amount=501), a_withdrawal(alice, amount=501), a_withdrawal(alice, amount=500)]
        )

        assert [refusal(outcome) for outcome in outcomes] == [
            Reason.INSUFFICIENT_FUNDS,
            Reason.INSUFFICIENT_FUNDS,
            None,
        ]
        assert await balances(books, alice) == [0]

    async def test_a_recipient_who_cannot_be_found_is_unavailable(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        outcomes = await books.ledger.post([a_transfer(alice, None), a_transfer(alice, nobodys_account())])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.RECIPIENT_UNAVAILABLE] * 2
        assert [outcome.transaction and outcome.transaction.destination for outcome in outcomes] == [None, None]

    async def test_people_cannot_send_to_the_systems_wallets(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        outcomes = [
            await post(books, a_transfer(alice, a_system_account(name))) for name in (PAYOUT, "gateway:sandbox")
        ]

        assert [refusal(outcome) for outcome in outcomes] == [Reason.RECIPIENT_UNAVAILABLE] * 2

    async def test_a_recipient_without_that_currency_is_a_mismatch(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, currency="EUR")

        outcome = await post(books, a_transfer(alice, bob))

        assert refusal(outcome) is Reason.CURRENCY_MISMATCH
        assert await balances(books, alice, bob) == [500, 0]

    async def test_a_balance_that_no_longer_fits_disturbs_nobody(self, books: BooksUnderTest) -> None:
        rich, alice, bob = await a_person(books), await a_person(books), await a_person(books)
        await post(books, a_deposit(rich, amount=HOLDING_MAX - 100))

        outcomes = await books.ledger.post(
            [
                a_deposit(alice, amount=60),
                a_deposit(rich, amount=101),
                a_deposit(bob, amount=BALANCE_MAX),
                a_deposit(bob, amount=40),
            ]
        )

        assert [refusal(outcome) for outcome in outcomes] == [
            None,
            Reason.BALANCE_TOO_LARGE,
            Reason.BALANCE_TOO_LARGE,
            None,
        ]
        assert await balances(books, rich, alice, bob) == [HOLDING_MAX - 100, 60, 40]


class StandingRules:
    """Frozen and deactivated wallets, on either side."""

    async def test_a_frozen_wallet_neither_sends_nor_withdraws_nor_receives(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)

        own = [await post(books, each) for each in _each_kind(alice, bob)]
        incoming = await post(books, a_transfer(bob, alice))

        assert [refusal(outcome) for outcome in own] == [Reason.WALLET_FROZEN] * 3
        assert refusal(incoming) is Reason.RECIPIENT_UNAVAILABLE
        assert await balances(books, alice, bob) == [500, 500]

    async def test_a_deactivated_wallet_neither_sends_nor_withdraws_nor_receives(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        await books.set_status(alice.wallet_id, AccountStatus.DEACTIVATED)

        own = [await post(books, each) for each in _each_kind(alice, bob)]
        incoming = await post(books, a_transfer(bob, alice))

        assert [refusal(outcome) for outcome in own] == [Reason.ACCOUNT_DEACTIVATED] * 3
        assert refusal(incoming) is Reason.RECIPIENT_UNAVAILABLE
        assert await balances(books, alice, bob) == [500, 500]

    async def test_a_deposit_to_a_frozen_wallet_is_shown_to_its_owner(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)

        outcome = declined(await post(books, a_deposit(alice)))

        assert [line.transaction for line in await statement(books, alice)] == [outcome.transaction]
        assert (await now(books, alice)).declines == 1

    async def test_a_thawed_wallet_moves_money_again(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)
        await post(books, a_transfer(alice, bob))
        await books.set_status(alice.wallet_id, AccountStatus.ACTIVE)

        outcome = posted(await post(books, a_transfer(alice, bob)))

        assert outcome.transaction.status is TransactionStatus.COMPLETED
        assert await balances(books, alice, bob) == [400, 100]

    async def test_a_currency_that_a_frozen_wallet_takes_up_is_frozen_too(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)
        euros = await a_currency_of(books, alice, "EUR")

        outcome = await post(books, a_deposit(euros))

        assert refusal(outcome) is Reason.WALLET_FROZEN


class PrecedenceRules:
    """Where a command breaks several rules, the first in the order of `Reason` is given."""

    async def test_a_key_that_is_reused_comes_before_all_else(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await post(books, a_transfer(alice, bob, key="k1"))

        asked: list[Command] = [
            a_withdrawal(nobodys_account(), key="k1", user_id=owner(alice)),
            a_withdrawal(alice, key="k1", currency="EUR"),
            a_transfer(alice, alice, key="k1"),
            a_withdrawal(alice, key="k1", amount=9_999),
        ]
        outcomes = await books.ledger.post(asked)

        assert [refusal(outcome) for outcome in outcomes] == [Reason.IDEMPOTENCY_KEY_REUSED] * 4

    async def test_a_missing_currency_comes_before_the_same_wallet(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        outcome = await post(books, a_transfer(alice, alice, currency="EUR"))

        assert refusal(outcome) is Reason.CURRENCY_NOT_HELD

    async def test_the_same_wallet_comes_before_its_standing(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)

        outcome = await post(books, a_transfer(alice, alice))

        assert refusal(outcome) is Reason.SAME_WALLET

    async def test_ones_own_standing_comes_before_the_recipients(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books), await a_person(books), await a_person(books, currency="EUR")
        await books.set_status(alice.wallet_id, AccountStatus.DEACTIVATED)
        await books.set_status(bob.wallet_id, AccountStatus.FROZEN)

        outcomes = await books.ledger.post([a_transfer(alice, other) for other in (bob, carol, None)])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.ACCOUNT_DEACTIVATED] * 3

    async def test_the_recipient_comes_before_the_money(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books), await a_person(books), await a_person(books, currency="EUR")
        await books.set_status(bob.wallet_id, AccountStatus.FROZEN)

        outcomes = await books.ledger.post([a_transfer(alice, other) for other in (bob, carol, None)])

        assert [refusal(outcome) for outcome in outcomes] == [
            Reason.RECIPIENT_UNAVAILABLE,
            Reason.CURRENCY_MISMATCH,
            Reason.RECIPIENT_UNAVAILABLE,
        ]

    async def test_the_money_comes_before_the_limit(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100, monthly=100))

        outcomes = await books.ledger.post([a_withdrawal(alice, amount=501), a_withdrawal(alice, amount=500)])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.INSUFFICIENT_FUNDS, Reason.LIMIT_EXCEEDED]


def _each_kind(
    own: Account, other: Account, *, currency: str | None = None, user_id: UserId | None = None
) -> list[Command]:
    """A command of each kind over the same account."""
    return [
        a_transfer(own, other, currency=currency, user_id=user_id),
        a_withdrawal(own, currency=currency, user_id=user_id),
        a_deposit(own, currency=currency, user_id=user_id),
    ]
