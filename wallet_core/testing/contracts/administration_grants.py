"""What every administration repository promises about limits, admins, deposits and sessions."""

import asyncio
from dataclasses import replace

from wallet_core.administration.audit import Action
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.identity.entities import Role
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.accounts import system_wallet_id
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Posted, Reason
from wallet_core.testing.builders import (
    a_deposit,
    a_transfer,
    a_user,
    granted_caps,
    new_id,
)
from wallet_core.testing.contracts.audited import a_session_of, an_act, an_adjustment, an_admin, entries
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    balances,
    limit_of,
    owner,
    post,
    posted,
    refusal,
)


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


class AdminRules:
    """Admins whom operators add."""

    async def test_an_admin_who_is_added_has_an_entry(self, books: BooksUnderTest) -> None:
        admin, act = a_user(name="Root", role=Role.ADMIN), an_act("We opened")

        taken = await books.administration.add_admin(admin, "hash", act)

        (entry,) = await entries(books)
        assert taken is None
        assert await books.users.by_id(admin.id) == admin
        assert await books.users.password_hash(admin.id) == "hash"
        assert (entry.id, entry.action, entry.reason) == (act.id, Action.ADMIN_ADDED, "We opened")
        assert (entry.target_id, entry.user_id, entry.before) == (str(admin.id), admin.id, None)
        assert entry.after == {"role": "admin", "status": "active"}

    async def test_nobody_is_added_by_an_address_that_is_taken(self, books: BooksUnderTest) -> None:
        admin = await an_admin(books)

        taken = await books.administration.add_admin(
            a_user(name="Other", role=Role.ADMIN, email=admin.email), "hash", an_act()
        )

        assert taken is Taken.EMAIL
        assert await entries(books) == []


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
