"""What every ledger promises about money that moves, and about batches."""

from dataclasses import replace
from datetime import timedelta

from wallet_core.faults import Fault
from wallet_core.ledger.commands import Command, TransactionKind
from wallet_core.ledger.outcomes import Reason, TransactionStatus
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    balances,
    now,
    owner,
    post,
    posted,
    refusal,
    statement,
)


class MovementRules:
    """What a movement changes, and what it says of itself."""

    async def test_a_deposit_credits_the_wallet_and_debits_the_gateway(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        first = posted(await post(books, a_deposit(alice, amount=700)))
        second = posted(await post(books, a_deposit(alice, amount=50)))

        assert await balances(books, alice) == [750]
        assert first.transaction.source is not None
        assert second.transaction.source is not None
        assert (first.transaction.source.balance_after, second.transaction.source.balance_after) == (-700, -750)

    async def test_a_withdrawal_debits_the_wallet_and_credits_the_account_for_payouts(
        self, books: BooksUnderTest
    ) -> None:
        alice = await a_person(books, balance=500)

        outcome = posted(await post(books, a_withdrawal(alice, amount=200)))

        assert await balances(books, alice) == [300]
        assert outcome.transaction.destination is not None
        assert outcome.transaction.destination.balance_after == 200

    async def test_a_transfer_takes_from_one_and_gives_to_the_other(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=30)

        await post(books, a_transfer(alice, bob, amount=200))

        assert await balances(books, alice, bob) == [300, 230]

    async def test_a_person_may_send_all_they_have(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        await post(books, a_transfer(alice, bob, amount=500))

        assert await balances(books, alice, bob) == [0, 500]

    async def test_money_moves_between_two_wallets_of_one_person(self, books: BooksUnderTest) -> None:
        main = await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(main), name="Savings")

        await post(books, a_transfer(main, savings, amount=200))

        assert await balances(books, main, savings) == [300, 200]

    async def test_a_movement_leaves_the_wallets_other_currencies_alone(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books, balance=500)
        euros = await a_currency_of(books, dollars, "EUR", balance=70)

        await post(books, a_withdrawal(dollars, amount=100))

        assert await balances(books, dollars, euros) == [400, 70]

    async def test_a_transaction_says_who_moved_what_from_where_to_where(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, name="Alice", balance=500), await a_person(books, name="Bob", balance=5)
        command = a_transfer(alice, bob, amount=200, key="k1", note="For lunch")

        transaction = posted(await post(books, replace(command, request_id="r1"))).transaction

        assert (transaction.id, transaction.kind, transaction.status) == (
            command.id,
            TransactionKind.TRANSFER,
            TransactionStatus.COMPLETED,
        )
        assert (transaction.user_id, transaction.key, transaction.request_id) == (alice.user_id, "k1", "r1")
        assert (transaction.amount, transaction.currency, transaction.note) == (200, "USD", "For lunch")
        source, destination = transaction.source, transaction.destination
        assert source is not None
        assert destination is not None
        assert (source.wallet_id, source.holder, source.balance_after) == (alice.wallet_id, "Alice", 300)
        assert (destination.wallet_id, destination.holder, destination.balance_after) == (bob.wallet_id, "Bob", 205)

    async def test_the_systems_side_has_no_holder(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        paid_in = posted(await post(books, a_deposit(alice))).transaction
        paid_out = posted(await post(books, a_withdrawal(alice))).transaction

        assert paid_in.source is not None
        assert paid_in.source.holder is None
        assert paid_out.destination is not None
        assert paid_out.destination.holder is None

    async def test_a_deposit_keeps_the_gateways_reference_and_a_withdrawal_where_to(
        self, books: BooksUnderTest
    ) -> None:
        alice = await a_person(books, balance=500)

        paid_in = posted(await post(books, a_deposit(alice, reference="ch_1")))
        paid_out = posted(await post(books, a_withdrawal(alice, destination="IBAN 1")))

        assert (paid_in.transaction.reference, paid_out.transaction.reference) == ("ch_1", "IBAN 1")

    async def test_a_movement_is_dated_by_the_clock(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice = await a_person(books)
        clock.advance(timedelta(days=3, microseconds=1))

        transaction = posted(await post(books, a_deposit(alice))).transaction

        assert (transaction.created_at, transaction.completed_at) == (clock(), clock())

    async def test_a_transaction_keeps_the_names_of_its_moment(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        alice, bob = await a_person(books, name="Alice", balance=500), await a_person(books)
        await post(books, a_transfer(alice, bob))
        clock.advance(timedelta(hours=1))
        await books.users.change(owner(alice), name="Alicia")

        await post(books, a_transfer(alice, bob))

        sources = [line.transaction.source for line in await statement(books, bob)]
        assert [source and source.holder for source in sources] == ["Alicia", "Alice"]

    async def test_the_version_counts_the_movements_of_an_account(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        await books.ledger.post([a_transfer(alice, bob, amount=10) for _ in range(3)])
        await post(books, a_transfer(bob, alice, amount=10))

        assert ((await now(books, alice)).version, (await now(books, bob)).version) == (5, 4)

    async def test_an_outcome_carries_the_accounts_it_changed_as_they_stand_after_it(
        self, books: BooksUnderTest
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcome = posted(await post(books, a_transfer(alice, bob, amount=200)))

        changed = {account.id: (account.balance, account.version) for account in outcome.accounts}
        assert changed == {alice.id: (300, 2), bob.id: (200, 1)}

    async def test_the_balance_is_on_record_after_each_movement(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        await books.ledger.post([a_transfer(alice, bob, amount=amount) for amount in (100, 150)])

        owns = [line.own for line in await statement(books, alice)]
        assert {own and own.balance_after for own in owns} == {500, 400, 250}


class BatchRules:
    """What the commands of one batch are to each other."""

    async def test_no_commands_have_no_outcomes(self, books: BooksUnderTest) -> None:
        assert await books.ledger.post([]) == []

    async def test_outcomes_come_in_the_order_of_the_commands(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        commands: list[Command] = [
            a_withdrawal(bob),
            a_transfer(alice, bob),
            a_deposit(alice),
            a_transfer(bob, alice),
            a_withdrawal(alice),
        ]

        outcomes = await books.ledger.post(commands)

        assert [posted(outcome).transaction.id for outcome in outcomes] == [command.id for command in commands]

    async def test_a_command_sees_the_money_of_those_before_it(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books), await a_person(books), await a_person(books)

        outcomes = await books.ledger.post(
            [a_deposit(alice), a_transfer(alice, bob), a_transfer(bob, carol), a_withdrawal(carol)]
        )

        assert [refusal(outcome) for outcome in outcomes] == [None] * 4
        assert await balances(books, alice, bob, carol) == [0, 0, 0]

    async def test_a_command_does_not_see_the_money_of_those_after_it(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)

        outcomes = await books.ledger.post([a_transfer(alice, bob), a_deposit(alice)])

        assert [refusal(outcome) for outcome in outcomes] == [Reason.INSUFFICIENT_FUNDS, None]
        assert await balances(books, alice, bob) == [100, 0]

    async def test_money_that_is_spent_once_in_a_batch_is_not_there_twice(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=250), await a_person(books)

        outcomes = await books.ledger.post([a_transfer(alice, bob, amount=100) for _ in range(4)])

        assert [refusal(outcome) for outcome in outcomes] == [
            None,
            None,
            Reason.INSUFFICIENT_FUNDS,
            Reason.INSUFFICIENT_FUNDS,
        ]
        assert await balances(books, alice, bob) == [50, 200]

    async def test_a_refused_command_disturbs_no_neighbour(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)

        outcomes = await books.ledger.post(
            [
                a_transfer(alice, bob, amount=100),
                a_transfer(alice, alice, amount=100),
                a_transfer(alice, None, amount=100),
                a_transfer(bob, alice, amount=9_999),
                a_transfer(alice, bob, amount=50),
            ]
        )

        assert [refusal(outcome) for outcome in outcomes] == [
            None,
            Reason.SAME_WALLET,
            Reason.RECIPIENT_UNAVAILABLE,
            Reason.INSUFFICIENT_FUNDS,
            None,
        ]
        assert await balances(books, alice, bob) == [350, 150]

    async def test_a_batch_of_hundreds_is_one_batch(self, books: BooksUnderTest) -> None:
        alice, others = await a_person(books, balance=1_000), [await a_person(books) for _ in range(3)]
        commands = [a_transfer(alice, others[number % 3], amount=2) for number in range(400)]

        outcomes = await books.ledger.post(commands)

        assert {refusal(outcome) for outcome in outcomes} == {None}
        assert await balances(books, alice, *others) == [200, 268, 266, 266]

    async def test_a_batch_that_cannot_be_kept_is_not_kept_in_part(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        used = posted(await post(books, a_deposit(alice, amount=500))).transaction.id

        failed = await _fails(books, [a_transfer(alice, bob), a_withdrawal(alice, id=used), a_deposit(bob)])

        assert failed
        assert await balances(books, alice, bob) == [500, 0]
        assert len(await statement(books, alice, bob)) == 1


async def _fails(books: BooksUnderTest, commands: list[Command]) -> bool:
    """Whether posting raises. An id that was given before is a mistake in the program: no Fault, which one retries."""
    try:
        await books.ledger.post(commands)
    except Fault:
        raise
    except Exception:  # noqa: BLE001 - which error it is, is each implementation's own
        return True
    return False
