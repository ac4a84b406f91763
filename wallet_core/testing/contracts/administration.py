"""What every administration repository promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from wallet_core.administration.audit import OPERATOR, Act, Action, Actor, ActorKind, AuditEntry, AuditQuery
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.clock import system_clock
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.ids import AuditId, SessionId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus, system_wallet_id
from wallet_core.ledger.commands import Adjustment, Command, LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Posted, Reason
from wallet_core.testing.builders import (
    a_deposit,
    a_session,
    a_transfer,
    a_user,
    a_withdrawal,
    granted_caps,
    new_id,
)
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
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
)
from wallet_core.wallets.entities import Wallet, WalletStatus

_FROZEN, _THAWED = WalletStatus.FROZEN, WalletStatus.ACTIVE
_DEACTIVATED, _ACTIVE = UserStatus.DEACTIVATED, UserStatus.ACTIVE


def an_act(reason: str = "Because", *, actor: Actor = OPERATOR) -> Act:
    """Something that is about to be changed."""
    return Act(id=AuditId(new_id()), actor=actor, reason=reason)


def an_adjustment(to: Account, *, amount: int = 100, by: UserId | None = None, key: str | None = None) -> Adjustment:
    """A deposit that an admin makes."""
    return Adjustment(
        id=TransactionId(new_id()),
        user_id=by or UserId(new_id()),
        key=key,
        wallet_id=to.wallet_id,
        currency=to.currency,
        amount=amount,
        because="Because",
    )


async def entries(books: BooksUnderTest) -> list[AuditEntry]:
    """The whole audit, the first entry first."""
    page = await books.audit.page(AuditQuery(limit=1_000))
    assert page.next_before is None
    return list(page.entries[::-1])


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


class GrantRules:
    """What operators grant."""

    async def test_other_limits_hold_at_once_and_nobody_raises_theirs_above_them(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        wanted = {LimitKind.TRANSFER: ChosenCaps(daily=50)}

        await books.administration.set_limits(owner(alice), "USD", wanted, an_act(), granted=granted_caps())
        refused = refusal(await post(books, a_transfer(alice, bob, amount=51)))
        raised = await books.limits.choose(
            owner(alice), "USD", {LimitKind.TRANSFER: ChosenCaps(daily=51)}, granted=granted_caps()
        )

        assert refused is Reason.LIMIT_EXCEEDED
        assert not raised
        limit = await limit_of(books, alice, LimitKind.TRANSFER)
        assert limit.caps == Caps(daily=50, monthly=granted_caps()[LimitKind.TRANSFER].monthly)

    async def test_what_a_person_chose_for_themselves_stays(self, books: BooksUnderTest) -> None:
        alice, kind = await a_person(books), LimitKind.TRANSFER
        await books.limits.choose(owner(alice), "USD", {kind: ChosenCaps(daily=70)}, granted=granted_caps())

        for daily in (60, 90_000):
            wanted = {kind: ChosenCaps(daily=daily)}
            await books.administration.set_limits(owner(alice), "USD", wanted, an_act(), granted=granted_caps())

        assert (await limit_of(books, alice, kind)).caps.daily == 70

    async def test_limits_in_a_currency_that_is_not_held_wait_for_it(self, books: BooksUnderTest) -> None:
        alice, kind = await a_person(books), LimitKind.WITHDRAWAL
        wanted = {kind: ChosenCaps(daily=7, monthly=8)}
        await books.administration.set_limits(owner(alice), "EUR", wanted, an_act(), granted=granted_caps())

        euros = await a_currency_of(books, alice, "EUR")

        assert (await limit_of(books, euros, kind)).granted == Caps(daily=7, monthly=8)

    async def test_the_entry_tells_what_was_granted_before_and_after(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, granted=granted_caps(daily=1, monthly=2))
        wanted = {LimitKind.TRANSFER: ChosenCaps(daily=50)}

        await books.administration.set_limits(owner(alice), "USD", wanted, an_act(), granted=granted_caps())
        again = await books.administration.set_limits(owner(alice), "USD", wanted, an_act(), granted=granted_caps())
        nobody = await books.administration.set_limits(
            UserId(new_id()), "USD", wanted, an_act(), granted=granted_caps()
        )

        (entry,) = await entries(books)
        withdrawal = {"daily": 1, "monthly": 2}
        assert (again, nobody) == (ChangeRefusal.UNCHANGED, ChangeRefusal.NOT_FOUND)
        assert (entry.action, entry.user_id) == (Action.LIMITS_CHANGED, alice.user_id)
        assert entry.before == {"currency": "USD", "transfer": {"daily": 1, "monthly": 2}, "withdrawal": withdrawal}
        assert entry.after == {"currency": "USD", "transfer": {"daily": 50, "monthly": 2}, "withdrawal": withdrawal}


class AdjustmentRules:
    """Deposits of admins."""

    async def test_a_deposit_comes_from_the_adjustments_and_has_its_entry(self, books: BooksUnderTest) -> None:
        alice, admin = await a_person(books, balance=500), await an_admin(books)
        act = an_act("Compensation")

        made = posted(await books.administration.deposit(an_adjustment(alice, amount=200, by=admin.id), act))

        (entry,) = await entries(books)
        source = made.transaction.source
        assert source is not None
        assert (source.wallet_id, made.transaction.user_id) == (system_wallet_id("adjustments"), admin.id)
        assert await balances(books, alice) == [700]
        assert (entry.id, entry.action, entry.reason) == (act.id, Action.DEPOSIT_MADE, "Compensation")
        assert (entry.target_id, entry.user_id) == (str(alice.wallet_id), alice.user_id)
        assert entry.before == {"balance": 500, "currency": "USD"}
        assert entry.after == {
            "balance": 700,
            "currency": "USD",
            "amount": 200,
            "transaction_id": str(made.transaction.id),
        }

    async def test_the_same_key_deposits_once_and_is_noted_once(self, books: BooksUnderTest) -> None:
        alice, admin = await a_person(books), await an_admin(books)
        deposits = [an_adjustment(alice, by=admin.id, key="k1") for _ in range(4)]

        outcomes = await asyncio.gather(*[books.administration.deposit(each, an_act()) for each in deposits])

        assert sum(outcome.replayed for outcome in outcomes) == 3
        assert len({posted(outcome).transaction.id for outcome in outcomes}) == 1
        assert await balances(books, alice) == [100]
        assert len(await entries(books)) == 1

    async def test_a_key_belongs_to_whoever_decides_and_not_to_the_wallet(self, books: BooksUnderTest) -> None:
        alice, bob, admin = await a_person(books), await a_person(books), await an_admin(books)
        await books.administration.deposit(an_adjustment(alice, by=admin.id, key="k1"), an_act())

        elsewhere = await books.administration.deposit(an_adjustment(bob, by=admin.id, key="k1"), an_act())
        owners = await post(books, a_deposit(alice, key="k1"))

        assert refusal(elsewhere) is Reason.IDEMPOTENCY_KEY_REUSED
        assert isinstance(owners, Posted)
        assert len(await entries(books)) == 1

    async def test_what_is_no_persons_or_not_held_is_credited_nothing(self, books: BooksUnderTest) -> None:
        alice, admin = await a_person(books), await an_admin(books)
        nobodys, systems = (
            replace(alice, wallet_id=WalletId(new_id())),
            replace(alice, wallet_id=system_wallet_id("payout")),
        )
        accounts = [replace(alice, currency="EUR"), nobodys, systems]

        refused = [
            refusal(await books.administration.deposit(an_adjustment(each, by=admin.id), an_act())) for each in accounts
        ]

        assert refused == [Reason.CURRENCY_NOT_HELD, Reason.WALLET_NOT_FOUND, Reason.WALLET_NOT_FOUND]
        assert await entries(books) == []


class SessionEndRules:
    """Sessions that admins end."""

    async def test_all_sessions_of_a_person_end_or_one_of_them(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        first, second, third = [await a_session_of(books, alice) for _ in range(3)]
        others = await a_session_of(books, bob)

        one = await books.administration.end_sessions(owner(alice), an_act(), session_id=second.id)
        rest = await books.administration.end_sessions(owner(alice), an_act())
        none = await books.administration.end_sessions(owner(alice), an_act())

        assert (one, rest, none) == (1, 2, ChangeRefusal.UNCHANGED)
        found = [await books.sessions.find(each.id) for each in (first, second, third, others)]
        ends = [None if each is None else each.ended_because for each in found]
        assert ends == [SessionEnd.ENDED_BY_ADMIN] * 3 + [None]
        told = [entry.after for entry in await entries(books)]
        assert told == [{"sessions": [str(second.id)]}, {"sessions": sorted([str(first.id), str(third.id)])}]

    async def test_a_session_of_somebody_else_is_not_found(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)
        session = await a_session_of(books, bob)

        ended = await books.administration.end_sessions(owner(alice), an_act(), session_id=session.id)
        nobodys = await books.administration.end_sessions(UserId(new_id()), an_act())

        assert (ended, nobodys) == (ChangeRefusal.NOT_FOUND, ChangeRefusal.NOT_FOUND)
        assert await books.administration.whose_session(session.id) == bob.user_id
        assert await books.administration.whose_session(SessionId(new_id())) is None
        assert await entries(books) == []


class AdministrationRepositoryContract(
    WalletStateRules, PersonStateRules, GrantRules, AdjustmentRules, SessionEndRules
):
    """What every AdministrationRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """


async def an_admin(books: BooksUnderTest) -> User:
    """Somebody new who administers."""
    admin = a_user(name="Root", role=Role.ADMIN)
    assert await books.users.add(admin, "hash") is None
    return admin


async def a_session_of(books: BooksUnderTest, account: Account) -> Session:
    """A session that the account's owner has begun."""
    begun = system_clock()
    session = a_session(user_id=owner(account), created_at=begun, expires_at=begun + timedelta(hours=1))
    kept = await books.sessions.add(session, session.id.bytes * 2, password_hash=None, sessions_max=10)
    assert kept is not None
    return kept
