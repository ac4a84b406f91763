"""Changes of state: what is decided and kept, and what the use case does besides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from wallet_core.administration.administration import OPERATORS, Administration, Deposit
from wallet_core.administration.audit import OPERATOR, Act, Actor, ActorKind, AuditQuery
from wallet_core.administration.chain import AuditSealing, ChainCheck, next_seals
from wallet_core.administration.changes import (
    Change,
    ChangeRefusal,
    account_status,
    granted_anew,
    person_change,
    wallet_change,
)
from wallet_core.clock import system_clock
from wallet_core.events.kinds import EventKind
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.ids import AuditId, UserId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Declined, Posted
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_user, a_wallet, an_account, granted_caps, new_id
from wallet_core.testing.caches import InMemoryAccountCache
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import a_person, owner
from wallet_core.wallets.entities import Wallet, WalletStatus

WHY = "Because"


class Announcements:
    """Counts what is announced."""

    number = 0

    async def announce(self) -> None:
        self.number += 1


class Stage:
    """The use case over books in memory."""

    def __init__(self) -> None:
        self.books = InMemoryBooks()
        self.cache = InMemoryAccountCache(system_clock)
        self.announcements = Announcements()
        self.administration = Administration(
            self.books.administration, self.cache, self.announcements, granted={"USD": granted_caps()}, ids=new_id
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()


def an_act(reason: str = WHY) -> Act:
    return Act(id=AuditId(new_id()), actor=OPERATOR, reason=reason)


@pytest.mark.parametrize("reason", ["", " ", "x" * 501])
def test_a_reason_that_says_nothing_or_too_much_is_none(reason: str) -> None:
    with pytest.raises(ValueError, match="1 to 500 characters"):
        an_act(reason)


@pytest.mark.parametrize(
    ("person", "wallet", "expected"),
    [
        (UserStatus.ACTIVE, WalletStatus.ACTIVE, AccountStatus.ACTIVE),
        (UserStatus.ACTIVE, WalletStatus.FROZEN, AccountStatus.FROZEN),
        (UserStatus.DEACTIVATED, WalletStatus.ACTIVE, AccountStatus.DEACTIVATED),
        (UserStatus.DEACTIVATED, WalletStatus.FROZEN, AccountStatus.DEACTIVATED),
    ],
)
def test_an_account_stands_as_its_person_and_then_as_its_wallet_does(
    person: UserStatus, wallet: WalletStatus, expected: AccountStatus
) -> None:
    assert account_status(person, wallet) is expected


def test_a_freeze_is_kept_with_the_versions_of_all_its_accounts_and_told_to_its_owner() -> None:
    accounts = (an_account(version=3), an_account(currency="EUR", version=5))
    wallet, act = a_wallet(name="Savings", accounts=accounts), an_act()

    change = wallet_change(wallet, WalletStatus.FROZEN, act, NOON)

    assert isinstance(change, Change)
    assert change.entry.after == {
        "status": "frozen",
        "accounts": {str(accounts[0].id): 3, str(accounts[1].id): 5},
    }
    assert change.event is not None
    assert (change.event.kind, change.event.user_id) == (EventKind.WALLET_FROZEN, wallet.user_id)
    assert (change.event.subject_id, change.event.facts) == (
        wallet.id, {"audit_id": str(act.id), "wallet": "Savings"})  # fmt: skip


def test_nobody_is_told_why() -> None:
    """It is for those who administer: an investigation may hang on it."""
    change = wallet_change(a_wallet(), WalletStatus.FROZEN, an_act("Suspected of fraud"), NOON)

    assert isinstance(change, Change)
    assert change.event is not None
    assert "fraud" not in str(dict(change.event.facts))


@pytest.mark.parametrize(("admins", "expected"), [(1, ChangeRefusal.LAST_ADMIN), (2, None)])
def test_an_admin_may_go_while_another_stays(admins: int, expected: ChangeRefusal | None) -> None:
    admin = a_user(role=Role.ADMIN)

    change = person_change(admin, [], UserStatus.DEACTIVATED, an_act(), NOON, active_admins=admins)

    assert change is expected if expected is not None else isinstance(change, Change)


def test_what_is_not_said_of_limits_stays() -> None:
    before = {LimitKind.TRANSFER: Caps(daily=1, monthly=2), LimitKind.WITHDRAWAL: Caps(daily=3, monthly=4)}

    after = granted_anew(before, {LimitKind.TRANSFER: ChosenCaps(monthly=0)})

    assert after == {LimitKind.TRANSFER: Caps(daily=1, monthly=0), LimitKind.WITHDRAWAL: Caps(daily=3, monthly=4)}


async def test_whoever_is_deactivated_is_known_everywhere_at_once(stage: Stage) -> None:
    alice = await a_person(stage.books)

    gone = await stage.administration.deactivate(owner(alice), by=OPERATOR, reason=WHY)
    again = await stage.administration.deactivate(owner(alice), by=OPERATOR, reason=WHY)

    assert isinstance(gone, User)
    assert again is ChangeRefusal.UNCHANGED
    assert stage.announcements.number == 1


async def test_whoever_deposits_reads_the_balance_that_they_made(stage: Stage) -> None:
    alice = await a_person(stage.books)
    asked = Deposit(asked_by=OPERATORS, wallet_id=alice.wallet_id, currency="USD", amount=250, key="k")

    made = await stage.administration.deposit(asked, by=OPERATOR, reason=WHY)
    again = await stage.administration.deposit(asked, by=OPERATOR, reason=WHY)
    for_another_reason = await stage.administration.deposit(asked, by=OPERATOR, reason="Another")

    cached = await stage.cache.get(alice.wallet_id, "USD")
    assert isinstance(cached, Account)
    assert cached.balance == 250
    assert isinstance(made, Posted)
    assert isinstance(again, Posted)
    assert again.replayed
    assert isinstance(for_another_reason, Declined)
    assert len((await stage.books.audit.page(AuditQuery())).entries) == 1


async def test_a_wallet_that_is_frozen_is_given_back_as_it_stands(stage: Stage) -> None:
    alice = await a_person(stage.books)
    actor = Actor(kind=ActorKind.ADMIN, id=UserId(new_id()))

    frozen = await stage.administration.freeze(alice.wallet_id, by=actor, reason=WHY)

    assert isinstance(frozen, Wallet)
    assert (frozen.status, frozen.accounts[0].status) == (WalletStatus.FROZEN, AccountStatus.FROZEN)
    (entry,) = (await stage.books.audit.page(AuditQuery())).entries
    assert (entry.actor, entry.reason) == (actor, WHY)


async def test_sealing_goes_on_until_nothing_is_left(stage: Stage) -> None:
    alice = await a_person(stage.books)
    for _ in range(3):
        await stage.administration.freeze(alice.wallet_id, by=OPERATOR, reason=WHY)
        await stage.administration.unfreeze(alice.wallet_id, by=OPERATOR, reason=WHY)
    sealing = AuditSealing(stage.books.seals)

    first, second, head = await sealing.seal(), await sealing.seal(), await sealing.head()

    assert (first, second) == (6, 0)
    assert head is not None
    assert head.seq == 6


async def test_a_broken_link_is_told_once_and_what_follows_it_is_judged_by_what_it_says(stage: Stage) -> None:
    alice = await a_person(stage.books)
    for _ in range(2):
        await stage.administration.freeze(alice.wallet_id, by=OPERATOR, reason=WHY)
        await stage.administration.unfreeze(alice.wallet_id, by=OPERATOR, reason=WHY)
    entries = list((await stage.books.audit.page(AuditQuery())).entries[::-1])
    seals = next_seals(None, entries[:3], NOON)
    seals += next_seals(seals[-1], entries[3:], NOON + timedelta(minutes=1))
    entries[1] = replace(entries[1], reason="Another")
    check = ChainCheck()

    broken = [link for seal, entry in zip(seals, entries, strict=True) for link in check.broken(seal, entry)]

    assert [(link.seq, link.audit_id) for link in broken] == [(2, entries[1].id)]
