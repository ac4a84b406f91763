"""What every administration repository promises about wallets and people."""

import asyncio
from datetime import timedelta

import pytest

from wallet_core.administration.audit import Action, Actor, ActorKind
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.clock import system_clock
from wallet_core.identity.entities import User, UserStatus
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.accounts import AccountStatus, system_wallet_id
from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Reason
from wallet_core.testing.builders import (
    a_deposit,
    a_transfer,
    a_withdrawal,
    new_id,
)
from wallet_core.testing.contracts.audited import a_session_of, an_act, an_adjustment, an_admin, entries
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    declined,
    now,
    owner,
    post,
    refusal,
)
from wallet_core.wallets.entities import Wallet, WalletStatus

_FROZEN, _THAWED = WalletStatus.FROZEN, WalletStatus.ACTIVE
_DEACTIVATED, _ACTIVE = UserStatus.DEACTIVATED, UserStatus.ACTIVE


class WalletStateRules:
    """Freezing and unfreezing."""

    async def test_a_frozen_wallet_refuses_whatever_moves_money_until_it_is_unfrozen(
        self, books: BooksUnderTest
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        commands: list[Command] = [
            a_transfer(alice, bob),
            a_withdrawal(alice),
            a_deposit(alice),
            a_transfer(bob, alice),
        ]

        frozen = await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())
        refused = [refusal(await post(books, command)) for command in commands]
        adjusted = declined(await books.administration.deposit(an_adjustment(alice), an_act()))
        thawed = await books.administration.set_wallet_status(alice.wallet_id, _THAWED, an_act())
        again: list[Command] = [a_transfer(alice, bob), a_withdrawal(alice), a_deposit(alice), a_transfer(bob, alice)]
        accepted = [refusal(await post(books, command)) for command in again]

        assert isinstance(frozen, Wallet)
        assert isinstance(thawed, Wallet)
        assert (frozen.status, thawed.status) == (_FROZEN, _THAWED)
        assert refused == [Reason.WALLET_FROZEN] * 3 + [Reason.RECIPIENT_UNAVAILABLE]
        assert adjusted.reason is Reason.WALLET_FROZEN
        assert accepted == [None] * 4

    async def test_a_freeze_reaches_every_account_of_its_wallet_and_no_other(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        euros = await a_currency_of(books, alice, "EUR")
        savings = await a_wallet_of(books, owner(alice), name="Savings")

        await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())
        later = await a_currency_of(books, alice, "GBP")

        standing = [(await now(books, each)).status for each in (alice, euros, later, savings)]
        assert standing == [AccountStatus.FROZEN] * 3 + [AccountStatus.ACTIVE]

    async def test_a_currency_that_is_taken_up_at_that_moment_is_frozen_too(self, books: BooksUnderTest) -> None:
        for currency in ("EUR", "GBP", "INR", "JPY"):
            alice = await a_person(books)

            _, opened = await asyncio.gather(
                books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act()),
                a_currency_of(books, alice, currency),
            )

            standing = [(await now(books, each)).status for each in (alice, opened)]
            assert standing == [AccountStatus.FROZEN] * 2

    async def test_whoever_knows_a_wallets_tag_learns_that_it_is_another(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        before = await books.wallets.find(owner(alice), alice.wallet_id)
        assert before is not None

        frozen = await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())

        assert isinstance(frozen, Wallet)
        assert frozen.etag != before.etag
        assert await books.wallets.find(owner(alice), alice.wallet_id) == frozen

    async def test_what_is_frozen_already_is_not_frozen_again(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())

        again = await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())

        assert again is ChangeRefusal.UNCHANGED
        assert len(await entries(books)) == 1

    @pytest.mark.parametrize("wallet_id", [WalletId(new_id()), system_wallet_id("payout")])
    async def test_a_wallet_that_is_nobodys_is_not_found(self, books: BooksUnderTest, wallet_id: WalletId) -> None:
        changed = await books.administration.set_wallet_status(wallet_id, _FROZEN, an_act())

        assert changed is ChangeRefusal.NOT_FOUND
        assert await entries(books) == []

    async def test_of_many_who_freeze_at_once_one_does(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        freezing = [books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act()) for _ in range(5)]
        changed = await asyncio.gather(*freezing)

        assert sum(isinstance(each, Wallet) for each in changed) == 1
        assert len(await entries(books)) == 1

    async def test_the_entry_of_a_freeze_tells_who_did_it_why_and_after_which_entries(
        self, books: BooksUnderTest
    ) -> None:
        alice = await a_person(books, balance=500)
        actor = Actor(kind=ActorKind.ADMIN, id=UserId(new_id()), session_id=SessionId(new_id()), request_id="r-1")
        act = an_act("Asked for by the police", actor=actor)

        await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, act)

        (entry,) = await entries(books)
        assert (entry.id, entry.actor, entry.reason) == (act.id, actor, "Asked for by the police")
        assert (entry.action, entry.target_kind) == (Action.WALLET_FROZEN, "wallet")
        assert (entry.target_id, entry.user_id) == (str(alice.wallet_id), alice.user_id)
        assert entry.before == {"status": "active"}
        assert entry.after == {"status": "frozen", "accounts": {str(alice.id): 1}}
        assert abs(system_clock() - entry.at) < timedelta(minutes=1)


class PersonStateRules:
    """Deactivating and activating."""

    async def test_the_wallets_of_a_deactivated_person_neither_send_nor_receive(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, balance=500)
        savings = await a_wallet_of(books, owner(alice), name="Savings")
        commands: list[Command] = [
            a_transfer(alice, bob),
            a_withdrawal(alice),
            a_deposit(savings),
            a_transfer(bob, savings),
        ]

        changed = await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())
        refused = [refusal(await post(books, command)) for command in commands]

        assert isinstance(changed, User)
        assert changed.status is _DEACTIVATED
        assert await books.users.by_id(owner(alice)) == changed
        assert refused == [Reason.ACCOUNT_DEACTIVATED] * 3 + [Reason.RECIPIENT_UNAVAILABLE]

    async def test_their_sessions_end(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        session = await a_session_of(books, alice)

        await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())

        ended = await books.sessions.find(session.id)
        assert ended is not None
        assert ended.ended_because is SessionEnd.ACCOUNT_DEACTIVATED

    async def test_what_they_open_meanwhile_moves_nothing_either(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())

        savings = await a_wallet_of(books, owner(alice), name="Savings")
        euros = await a_currency_of(books, alice, "EUR")

        standing = [(await now(books, each)).status for each in (savings, euros)]
        assert standing == [AccountStatus.DEACTIVATED] * 2

    async def test_what_they_open_at_that_moment_moves_nothing_either(self, books: BooksUnderTest) -> None:
        for _ in range(4):
            alice = await a_person(books)

            _, savings, euros = await asyncio.gather(
                books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act()),
                a_wallet_of(books, owner(alice), name="Savings"),
                a_currency_of(books, alice, "EUR"),
            )

            standing = [(await now(books, each)).status for each in (alice, savings, euros)]
            assert standing == [AccountStatus.DEACTIVATED] * 3

    async def test_whoever_is_activated_acts_again_and_what_is_frozen_stays_frozen(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        savings = await a_wallet_of(books, owner(alice), name="Savings")
        await books.administration.set_wallet_status(savings.wallet_id, _FROZEN, an_act())

        await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())
        between = [(await now(books, each)).status for each in (alice, savings)]
        await books.administration.set_person_status(owner(alice), _ACTIVE, an_act())
        after = [(await now(books, each)).status for each in (alice, savings)]

        assert between == [AccountStatus.DEACTIVATED] * 2
        assert after == [AccountStatus.ACTIVE, AccountStatus.FROZEN]

    async def test_what_is_frozen_or_unfrozen_meanwhile_is_so_afterwards(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        savings = await a_wallet_of(books, owner(alice), name="Savings")
        await books.administration.set_wallet_status(savings.wallet_id, _FROZEN, an_act())
        await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())

        await books.administration.set_wallet_status(savings.wallet_id, _THAWED, an_act())
        await books.administration.set_wallet_status(alice.wallet_id, _FROZEN, an_act())
        between = [(await now(books, each)).status for each in (alice, savings)]
        await books.administration.set_person_status(owner(alice), _ACTIVE, an_act())

        assert between == [AccountStatus.DEACTIVATED] * 2
        after = [(await now(books, each)).status for each in (alice, savings)]
        assert after == [AccountStatus.FROZEN, AccountStatus.ACTIVE]

    async def test_the_last_admin_stays_active(self, books: BooksUnderTest) -> None:
        first, second = [await an_admin(books) for _ in range(2)]

        one = await books.administration.set_person_status(first.id, _DEACTIVATED, an_act())
        other = await books.administration.set_person_status(second.id, _DEACTIVATED, an_act())

        assert isinstance(one, User)
        assert other is ChangeRefusal.LAST_ADMIN
        assert len(await entries(books)) == 1

    async def test_of_admins_who_leave_at_once_one_stays(self, books: BooksUnderTest) -> None:
        admins = [await an_admin(books) for _ in range(4)]

        leaving = [books.administration.set_person_status(each.id, _DEACTIVATED, an_act()) for each in admins]
        changed = await asyncio.gather(*leaving)

        assert sum(isinstance(each, User) for each in changed) == 3
        assert changed.count(ChangeRefusal.LAST_ADMIN) == 1

    async def test_nobody_is_deactivated_twice_and_nobody_unknown_at_all(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())

        again = await books.administration.set_person_status(owner(alice), _DEACTIVATED, an_act())
        nobody = await books.administration.set_person_status(UserId(new_id()), _DEACTIVATED, an_act())

        assert (again, nobody) == (ChangeRefusal.UNCHANGED, ChangeRefusal.NOT_FOUND)
        (entry,) = await entries(books)
        assert (entry.action, entry.target_id) == (Action.PERSON_DEACTIVATED, str(alice.user_id))
        assert entry.after == {"status": "deactivated", "accounts": {str(alice.id): 0}}
