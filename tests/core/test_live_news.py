"""Whoever is cut off anywhere and comes back is told of everything once, in order."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from wallet_core.clock import system_clock
from wallet_core.ids import NotificationId
from wallet_core.ledger.accounts import Account
from wallet_core.live.news import (
    LINES_MAX,
    NOTIFICATIONS_MAX,
    BalanceIs,
    LiveEvent,
    Moved,
    Reset,
    Standing,
    Told,
    is_behind,
    new_notifications,
    news,
    position_at,
    spans_of,
)
from wallet_core.live.position import Place, Position, read_position, written
from wallet_core.notifications.inbox import Notification
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_transfer, new_id
from wallet_core.testing.contracts.books import a_person, a_wallet_of, now, owner
from wallet_core.testing.contracts.live import ALWAYS


async def told(books: InMemoryBooks, account: Account, position: Position) -> list[LiveEvent]:
    """What the account's owner is told who stands there."""
    standing = (await books.live.standings({owner(account): ALWAYS}))[owner(account)]
    lines: dict[object, list[object]] = {}
    for line in await books.live.lines(spans_of(position, standing)):
        lines.setdefault(line.account_id, []).append(line)
    return list(news(position, standing, lines, ()))  # type: ignore[arg-type]  # by account, as they come


async def beginning(books: InMemoryBooks, account: Account) -> Position:
    """The position of the account's owner who has been told everything up to now."""
    standing = (await books.live.standings({owner(account): ALWAYS}))[owner(account)]
    position = position_at(standing)
    return [position, *(event.position for event in news(position, standing, {}, ()))][-1]


def moved(events: Sequence[LiveEvent]) -> list[tuple[object, int | None]]:
    """The accounts that the events tell movements of, with the balances after them."""
    owns = [event.line.own for event in events if isinstance(event, Moved)]
    return [(own.account_id, own.balance_after) for own in owns if own is not None]


async def test_who_begins_is_told_the_balance_of_each_account_and_nothing_that_was() -> None:
    books = InMemoryBooks()
    alice = await a_person(books, balance=500)
    await a_wallet_of(books, owner(alice), name="Second")
    standing = (await books.live.standings({owner(alice): ALWAYS}))[owner(alice)]

    events = list(news(position_at(standing), standing, {}, ()))

    assert [type(event) for event in events] == [BalanceIs, BalanceIs]
    assert sorted(event.account.balance for event in events if isinstance(event, BalanceIs)) == [0, 500]
    assert not is_behind(events[-1].position, standing)


async def test_wherever_somebody_is_cut_off_they_are_told_the_rest_once() -> None:
    books, dice = InMemoryBooks(), random.Random(20261120)
    alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
    savings = await a_wallet_of(books, owner(alice), name="Savings", balance=500)
    begun = await beginning(books, alice)
    for _ in range(12):
        source, target = dice.sample([alice, bob, savings], 2)
        await books.ledger.post([a_transfer(source, target, amount=dice.randint(1, 20))])
    uncut = await told(books, alice, begun)

    for cut in range(len(uncut) + 1):
        reached = begun if cut == 0 else uncut[cut - 1].position
        rest = await told(books, alice, read_position(written(reached)))

        assert [type(event) for event in rest] == [type(event) for event in uncut[cut:]]
        assert moved(uncut[:cut]) + moved(rest) == moved(uncut)
        assert [event.position for event in rest] == [event.position for event in uncut[cut:]]
    balances = {event.account.id: event.account.balance for event in uncut if isinstance(event, BalanceIs)}
    assert balances == {each.id: (await now(books, each)).balance for each in (alice, savings)}


async def test_the_lines_of_an_account_are_in_its_order_and_its_balance_comes_after_them() -> None:
    books = InMemoryBooks()
    alice = await a_person(books, balance=500)
    begun = await beginning(books, alice)
    await books.ledger.post([a_deposit(alice, amount=1) for _ in range(5)])

    events = await told(books, alice, begun)

    assert [balance for _, balance in moved(events)] == [501, 502, 503, 504, 505]
    assert [type(event) for event in events] == [Moved] * 5 + [BalanceIs]


async def test_who_missed_too_much_is_told_the_newest_and_to_read_the_rest() -> None:
    books = InMemoryBooks()
    alice = await a_person(books, balance=500)
    await a_wallet_of(books, owner(alice), name="Quiet")
    begun = await beginning(books, alice)
    await books.ledger.post([a_deposit(alice, amount=1) for _ in range(LINES_MAX + 1)])

    events = await told(books, alice, begun)

    assert isinstance(events[0], Reset)
    assert events[0].wallet_ids == [alice.wallet_id]
    assert len(moved(events)) == LINES_MAX
    assert moved(events)[-1] == (alice.id, 500 + LINES_MAX + 1)


async def test_who_was_told_what_the_books_do_not_have_any_more_begins_anew() -> None:
    """The books were restored from a backup."""
    books = InMemoryBooks()
    alice = await a_person(books, balance=500)
    ahead = (await beginning(books, alice)).told(alice, Place(9))

    events = await told(books, alice, ahead)

    assert [type(event) for event in events] == [Reset, BalanceIs]
    assert moved(events) == []


async def test_a_wallet_that_was_opened_meanwhile_is_told_from_its_first_entry() -> None:
    books = InMemoryBooks()
    alice = await a_person(books)
    begun = await beginning(books, alice)
    second = await a_wallet_of(books, owner(alice), name="Second", balance=30)

    events = await told(books, alice, begun)

    assert [type(event) for event in events] == [Moved, BalanceIs]
    assert moved(events) == [(second.id, 30)]


async def test_what_is_held_changes_the_balance_that_is_told() -> None:
    books = InMemoryBooks()
    alice = await a_person(books, balance=500)
    begun = await beginning(books, alice)
    account = books._records.accounts[alice.key]
    books._records.accounts[alice.key] = replace(account, held=100)

    events = await told(books, alice, begun)

    assert [event.account.held for event in events if isinstance(event, BalanceIs)] == [100]


def test_a_notification_that_turns_up_late_is_told_and_none_is_told_twice() -> None:
    late, first, second = (NotificationId(new_id()) for _ in range(3))
    standing = Standing(notification_ids=[second, first])
    begun = position_at(Standing(notification_ids=[first]))

    one = new_notifications(begun, standing)
    after = begun.notified(second)
    other = new_notifications(read_position(written(after)), Standing(notification_ids=[second, first, late]))

    assert (one, other) == ([second], [late])


@pytest.mark.parametrize(("number", "lost"), [(1, False), (NOTIFICATIONS_MAX, True)])
def test_who_missed_too_many_notifications_is_told_to_read_the_inbox(number: int, lost: bool) -> None:
    inbox = [
        Notification(id=NotificationId(new_id()), kind="k", facts={}, created_at=system_clock(), read_at=None)
        for _ in range(number)
    ]

    events = list(news(Position(), Standing(notification_ids=[each.id for each in inbox]), {}, inbox))

    assert [event.inbox for event in events if isinstance(event, Reset)] == [True] * lost
    assert sum(isinstance(event, Told) for event in events) == number
