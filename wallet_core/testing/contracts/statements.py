"""What every statement repository promises."""

from datetime import timedelta

from wallet_core.ids import TransactionId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.ledger.statements import Direction, StatementLine
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_person,
    a_wallet_of,
    declined,
    owner,
    post,
    posted,
    statement,
)
from wallet_core.testing.contracts.statement_pages import FilterRules, PageRules, ReadingRules

_HOUR = timedelta(hours=1)


class LineRules:
    """What a line shows, and to whom."""

    async def test_a_new_wallet_has_no_lines(self, books: BooksUnderTest) -> None:
        assert await statement(books, await a_person(books)) == []

    async def test_a_line_holds_the_whole_transaction(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        kept = [
            posted(await post(books, a_transfer(alice, bob, key="k1", note="For \N{SLICE OF PIZZA}"))).transaction,
            declined(await post(books, a_transfer(alice, bob, amount=20_000, key="k2"))).transaction,
            posted(await post(books, a_withdrawal(alice, destination="IBAN 1"))).transaction,
        ]

        lines = await statement(books, alice)

        assert sorted((line.transaction.id for line in lines[:3]), reverse=True) == [
            line.transaction.id for line in lines[:3]
        ]
        assert {line.transaction.id: line.transaction for line in lines[:3]} == {each.id: each for each in kept if each}

    async def test_both_sides_of_a_transfer_see_it_each_in_its_direction(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, name="Alice", balance=500), await a_person(books, name="Bob")
        await post(books, a_transfer(alice, bob, amount=200))

        sent, received = (await statement(books, alice))[0], (await statement(books, bob))[0]

        assert (sent.direction, received.direction) == (Direction.OUT, Direction.IN)
        assert _own_balances([sent, received]) == [300, 200]
        assert sent.counterparty is not None
        assert received.counterparty is not None
        assert (sent.counterparty.wallet_id, sent.counterparty.holder) == (bob.wallet_id, "Bob")
        assert (received.counterparty.wallet_id, received.counterparty.holder) == (alice.wallet_id, "Alice")

    async def test_a_refused_transfer_does_not_tell_whose_address_it_was(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await post(books, a_transfer(alice, bob, amount=501, to="bob@example.org"))

        [refused, _] = await statement(books, alice)

        assert refused.transaction.status is TransactionStatus.FAILED
        assert refused.counterparty is None

    async def test_the_system_is_nobodys_counterparty(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)
        await post(books, a_withdrawal(alice))

        lines = await statement(books, alice)

        assert {line.direction: line.counterparty for line in lines} == {Direction.OUT: None, Direction.IN: None}

    async def test_a_failed_transfer_is_shown_to_its_sender_alone(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        transaction = declined(await post(books, a_transfer(alice, bob))).transaction
        assert transaction is not None

        assert [line.transaction for line in await statement(books, alice)] == [transaction]
        assert await statement(books, bob) == []
        assert await books.statements.line(transaction.id, owner(bob)) is None

    async def test_a_failed_transfer_between_ones_own_wallets_has_one_line(self, books: BooksUnderTest) -> None:
        main = await a_person(books)
        savings = await a_wallet_of(books, owner(main), name="Savings")
        await post(books, a_transfer(main, savings))

        assert [line.direction for line in await statement(books, main, savings)] == [Direction.OUT]

    async def test_failed_deposits_and_withdrawals_are_shown_to_whoever_asked(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)
        await post(books, a_deposit(alice))
        await post(books, a_withdrawal(alice))

        lines = await statement(books, alice)

        assert {(line.transaction.kind, line.direction, line.transaction.status) for line in lines} == {
            (TransactionKind.DEPOSIT, Direction.IN, TransactionStatus.FAILED),
            (TransactionKind.WITHDRAW, Direction.OUT, TransactionStatus.FAILED),
        }

    async def test_a_movement_between_ones_own_wallets_has_two_lines_the_paying_side_first(
        self, books: BooksUnderTest, clock: SettableClock
    ) -> None:
        main = await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(main), name="Savings")
        clock.advance(_HOUR)
        await post(books, a_transfer(main, savings, amount=200))

        lines = (await statement(books, savings, main))[:2]

        assert [line.direction for line in lines] == [Direction.OUT, Direction.IN]
        assert _own_balances(lines) == [300, 200]

    async def test_the_newest_line_is_the_first(self, books: BooksUnderTest, clock: SettableClock) -> None:
        alice = await a_person(books)
        for amount in (1, 2, 3):
            await post(books, a_deposit(alice, amount=amount))
            clock.advance(_HOUR)

        assert [line.transaction.amount for line in await statement(books, alice)] == [3, 2, 1]

    async def test_lines_of_one_moment_are_in_the_order_of_their_ids(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        commands = [a_deposit(alice) for _ in range(9)]
        await books.ledger.post(commands)

        lines = await statement(books, alice)

        assert [line.transaction.id for line in lines] == sorted((command.id for command in commands), reverse=True)

    async def test_other_peoples_lines_are_not_shown(self, books: BooksUnderTest) -> None:
        alice, bob, carol = await a_person(books, balance=500), await a_person(books), await a_person(books)
        await post(books, a_transfer(alice, bob))

        assert await statement(books, carol) == []
        assert len(await statement(books, bob)) == 1

    async def test_no_wallets_have_no_lines(self, books: BooksUnderTest) -> None:
        await a_person(books, balance=500)

        assert await statement(books) == []


class OneLineRules:
    """Looking one transaction up."""

    async def test_a_transaction_is_found_by_either_side_as_that_side_sees_it(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        transaction = posted(await post(books, a_transfer(alice, bob))).transaction

        sent = await books.statements.line(transaction.id, owner(alice))
        received = await books.statements.line(transaction.id, owner(bob))

        assert sent == StatementLine(transaction=transaction, direction=Direction.OUT)
        assert received == StatementLine(transaction=transaction, direction=Direction.IN)

    async def test_a_movement_between_ones_own_wallets_is_found_as_its_paying_side(self, books: BooksUnderTest) -> None:
        main = await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(main), name="Savings")
        transaction = posted(await post(books, a_transfer(main, savings))).transaction

        line = await books.statements.line(transaction.id, owner(main))

        assert line is not None
        assert line.direction is Direction.OUT

    async def test_deposits_come_in_and_withdrawals_go_out(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        paid_in, paid_out = await books.ledger.post([a_deposit(alice), a_withdrawal(alice)])

        lines = [await books.statements.line(posted(each).transaction.id, owner(alice)) for each in (paid_in, paid_out)]

        assert [line and line.direction for line in lines] == [Direction.IN, Direction.OUT]

    async def test_a_failed_transaction_is_found_by_whoever_asked(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        transaction = declined(await post(books, a_withdrawal(alice))).transaction
        assert transaction is not None

        line = await books.statements.line(transaction.id, owner(alice))

        assert line == StatementLine(transaction=transaction, direction=Direction.OUT)

    async def test_somebody_elses_transaction_is_not_found(self, books: BooksUnderTest) -> None:
        alice, mallory = await a_person(books), await a_person(books, balance=500)
        transaction = posted(await post(books, a_deposit(alice))).transaction

        assert await books.statements.line(transaction.id, owner(mallory)) is None

    async def test_an_unknown_transaction_is_not_found(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        assert await books.statements.line(TransactionId(new_id()), owner(alice)) is None


def _own_balances(lines: list[StatementLine]) -> list[int | None]:
    """What each line's own wallet held after it."""
    return [None if line.own is None else line.own.balance_after for line in lines]


class StatementRepositoryContract(LineRules, OneLineRules, PageRules, FilterRules, ReadingRules):
    """What every StatementRepository promises.

    Subclass it and provide the fixtures `clock`, a SettableClock, and `books`, a BooksUnderTest that goes by it.
    """
