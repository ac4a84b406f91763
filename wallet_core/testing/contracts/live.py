"""What every source of live updates promises."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from wallet_core.ids import NotificationId, UserId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.ledger.statements import Direction
from wallet_core.live.news import AccountLine, Span, Standing
from wallet_core.live.ports import LiveRepository
from wallet_core.testing.builders import a_deposit, a_transfer, a_user, a_withdrawal
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
)

ALWAYS = NotificationId(UUID(int=0))

Notify: TypeAlias = Callable[[UserId, str], Awaitable[NotificationId]]
"""Puts something of that kind into a person's inbox, later than all that is there."""


class StandingRules:
    """How things stand with people."""

    async def test_each_of_several_people_has_all_their_accounts_and_nobody_elses(
        self, books: BooksUnderTest, live: LiveRepository
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=20)
        euros = await a_currency_of(books, alice, "EUR")
        second = await a_wallet_of(books, owner(alice), name="Second")

        standings = await live.standings({owner(alice): ALWAYS, owner(bob): ALWAYS})

        assert {each.id for each in standings[owner(alice)].accounts} == {alice.id, euros.id, second.id}
        assert [each.id for each in standings[owner(bob)].accounts] == [bob.id]
        (told,) = standings[owner(bob)].accounts
        assert (told.wallet_id, told.user_id, told.currency) == (bob.wallet_id, owner(bob), "USD")
        assert (told.balance, told.held, told.version) == (20, 0, 1)
        assert told.status is AccountStatus.ACTIVE

    async def test_who_has_nothing_stands_nowhere(self, live: LiveRepository) -> None:
        nobody = a_user().id

        standing = (await live.standings({nobody: ALWAYS})).get(nobody, Standing())

        assert not standing.accounts
        assert not standing.notification_ids
        assert not await live.standings({})

    async def test_a_freeze_shows(self, books: BooksUnderTest, live: LiveRepository) -> None:
        alice = await a_person(books)

        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)

        (told,) = (await live.standings({owner(alice): ALWAYS}))[owner(alice)].accounts
        assert told.status is AccountStatus.FROZEN


class EntryRules:
    """The lines of entries."""

    async def test_entries_have_the_lines_that_their_accounts_see_in_order(
        self, books: BooksUnderTest, live: LiveRepository
    ) -> None:
        alice, bob = await a_person(books, name="Alice", balance=500), await a_person(books, name="Bob")
        paid = posted(await post(books, a_transfer(alice, bob, amount=200))).transaction
        withdrawn = posted(await post(books, a_withdrawal(alice, amount=50))).transaction
        spans = [Span(account_id=alice.id, after=1, upto=3), Span(account_id=bob.id, after=0, upto=1)]

        lines = await live.lines(spans)

        assert _told(lines, alice.id) == [(2, paid.id, Direction.OUT), (3, withdrawn.id, Direction.OUT)]
        assert _told(lines, bob.id) == [(1, paid.id, Direction.IN)]
        (received,) = [each.line for each in lines if each.account_id == bob.id]
        assert received.transaction == paid
        assert received.counterparty is not None
        assert (received.counterparty.holder, received.own and received.own.balance_after) == ("Alice", 200)

    async def test_both_sides_of_a_movement_between_two_wallets_of_one_person_are_told(
        self, books: BooksUnderTest, live: LiveRepository
    ) -> None:
        alice = await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(alice), name="Savings")
        moved = posted(await post(books, a_transfer(alice, savings, amount=200))).transaction

        lines = await live.lines([Span(account_id=each.id, after=each.version, upto=9) for each in (alice, savings)])

        assert _told(lines, alice.id) == [(2, moved.id, Direction.OUT)]
        assert _told(lines, savings.id) == [(1, moved.id, Direction.IN)]

    async def test_a_span_ends_where_it_says(self, books: BooksUnderTest, live: LiveRepository) -> None:
        alice = await a_person(books, balance=500)
        for _ in range(4):
            await post(books, a_deposit(alice, amount=1))

        lines = await live.lines([Span(account_id=alice.id, after=1, upto=3)])

        assert [each.seq for each in lines] == [2, 3]
        assert await live.lines([]) == []

    async def test_each_entry_has_its_line_and_each_line_the_balance_after_it(
        self, books: BooksUnderTest, live: LiveRepository
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        await books.ledger.post([a_transfer(*pair, amount=7) for pair in [(alice, bob), (bob, alice), (alice, bob)]])
        version = (await now(books, alice)).version

        lines = await live.lines([Span(account_id=alice.id, after=0, upto=version)])

        assert [each.seq for each in lines] == list(range(1, version + 1))
        last = lines[-1].line.own
        assert last is not None
        assert [last.balance_after] == await balances(books, alice)


class InboxRules:
    """Notifications."""

    async def test_notifications_behind_the_one_given_are_named_and_read(
        self, books: BooksUnderTest, live: LiveRepository, notify: Notify
    ) -> None:
        alice, bob = await a_person(books), await a_person(books)
        first, second = await notify(owner(alice), "wallet.frozen"), await notify(owner(alice), "wallet.unfrozen")
        await notify(owner(bob), "wallet.frozen")

        everything = await live.standings({owner(alice): ALWAYS})
        newer = await live.standings({owner(alice): first, owner(bob): second})
        read = await live.notifications([second, first])

        assert set(everything[owner(alice)].notification_ids) == {first, second}
        assert newer[owner(alice)].notification_ids == [second]
        assert len(newer[owner(bob)].notification_ids) == 1
        assert [(each.id, each.kind) for each in read] == [(first, "wallet.frozen"), (second, "wallet.unfrozen")]


class LiveRepositoryContract(StandingRules, EntryRules, InboxRules):
    """What every LiveRepository promises.

    Subclass it and provide the fixtures `books`, `live`, over the same people and money, and `notify`.
    """


def _told(lines: Sequence[AccountLine], account_id: UUID) -> list[tuple[int, UUID, Direction]]:
    return [
        (each.seq, each.line.transaction.id, each.line.direction) for each in lines if each.account_id == account_id
    ]
