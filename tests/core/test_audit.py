"""The audit finds every kind of damage that can be done to the books."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from wallet_core.ids import AccountId, TransactionId
from wallet_core.ledger.outcomes import Posted, Reason, TransactionStatus
from wallet_core.testing.audit import Holdings, Leg, findings
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_transfer, a_withdrawal, an_account, new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person


@pytest.fixture
async def held() -> Holdings:
    """The books after a few movements on two days, in order."""
    clock = SettableClock()
    books = InMemoryBooks(clock)
    alice, bob = await a_person(books, balance=500), await a_person(books)
    await books.ledger.post([a_transfer(alice, bob, amount=120, key="k1"), a_withdrawal(bob, amount=20)])
    clock.advance(timedelta(days=1))
    await books.ledger.post([a_transfer(alice, bob, amount=50), a_transfer(alice, bob, amount=9_000), a_deposit(bob)])
    return books.holdings()


async def test_books_that_are_in_order_have_no_findings(held: Holdings) -> None:
    assert findings(held) == []


DAMAGE: dict[str, tuple[Callable[[Holdings], Holdings], str]] = {
    "money from nowhere": (
        lambda books: replace(books, accounts=[*books.accounts, an_account(balance=5)]),
        "together hold",
    ),
    "a wrong balance": (
        lambda books: _with_account(books, balance=7),
        "its entries",
    ),
    "more held than there is": (
        lambda books: _with_account(books, held=10**6),
        "held of",
    ),
    "a missing entry": (
        lambda books: replace(books, legs=books.legs[1:]),
        "not numbered up to it",
    ),
    "a gap": (
        lambda books: replace(books, legs=[replace(leg, seq=leg.seq + (leg.seq > 1)) for leg in books.legs]),
        "not numbered up to it",
    ),
    "a changed amount": (
        lambda books: replace(books, legs=[replace(books.legs[0], amount=1), *books.legs[1:]]),
        "after entry",
    ),
    "an entry of nothing": (
        lambda books: replace(books, legs=[*books.legs, _a_leg(books)]),
        "which is not kept",
    ),
    "a failed transaction with entries": (
        lambda books: _with_transaction(books, TransactionStatus.COMPLETED, TransactionStatus.FAILED),
        "has the entries",
    ),
    "a failed transaction without a reason": (
        lambda books: _with_transaction(books, TransactionStatus.FAILED, TransactionStatus.FAILED),
        "has the reason",
    ),
    "a completed transaction with a reason": (
        lambda books: replace(
            books, transactions=[replace(each, reason=Reason.SAME_WALLET) for each in books.transactions]
        ),
        "has the reason",
    ),
    "two transactions under one key": (
        lambda books: replace(
            books, transactions=[*books.transactions, *(each for each in books.transactions if each.key == "k1")]
        ),
        "under the key",
    ),
    "a limit that counts too little": (
        lambda books: replace(books, limits=[replace(each, month_used=0, day_used=0) for each in books.limits]),
        "its transactions make",
    ),
    "another currency": (
        lambda books: replace(books, accounts=[replace(each, currency="EUR") for each in books.accounts]),
        "moved",
    ),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=list(DAMAGE))
async def test_damage_is_found(held: Holdings, damage: Callable[[Holdings], Holdings], said: str) -> None:
    assert any(said in finding for finding in findings(damage(held)))


async def test_a_transaction_whose_id_was_given_before_is_refused_and_nothing_kept() -> None:
    books = InMemoryBooks()
    alice = await a_person(books)
    command = a_deposit(alice)
    (outcome,) = await books.ledger.post([command])

    with pytest.raises(ValueError, match="given before"):
        await books.ledger.post([a_deposit(alice), command])

    assert isinstance(outcome, Posted)
    assert [each.id for each in books.holdings().transactions] == [command.id]
    assert books.findings() == []


def _with_account(books: Holdings, *, balance: int | None = None, held: int = 0) -> Holdings:
    changed = [
        each if each.user_id is None else replace(each, held=held, balance=each.balance if balance is None else balance)
        for each in books.accounts
    ]
    return replace(books, accounts=changed)


def _with_transaction(books: Holdings, of: TransactionStatus, status: TransactionStatus) -> Holdings:
    changed = [replace(each, status=status, reason=None) if each.status is of else each for each in books.transactions]
    return replace(books, transactions=changed)


def _a_leg(books: Holdings) -> Leg:
    return replace(books.legs[0], transaction_id=TransactionId(new_id()), account_id=AccountId(new_id()))
