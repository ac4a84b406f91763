"""What every wallet repository promises."""

import asyncio
from datetime import timedelta

from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.testing.builders import a_deposit, a_transfer, a_user, a_wallet, an_account, granted_caps, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import (
    WALLETS_MAX,
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    nobodys_account,
    now,
    owner,
    post,
)
from wallet_core.wallets.entities import Wallet, WalletRefusal, WalletStatus


class OpeningRules:
    """New wallets and the currencies they hold."""

    async def test_an_opened_wallet_is_found_as_it_was_opened(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)
        asked = a_wallet(user_id=user_id, name="Travel", currency="JPY", created_at=NOON)

        opened = await _open(books, asked)
        found = await books.wallets.find(user_id, asked.id)

        assert isinstance(opened, Wallet)
        assert opened == found
        assert (opened.id, opened.name, opened.currency) == (asked.id, "Travel", "JPY")
        assert (opened.status, opened.version, opened.created_at) == (WalletStatus.ACTIVE, 0, NOON)

    async def test_a_new_wallet_holds_an_empty_account_in_its_currency(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)
        asked = a_wallet(user_id=user_id, currency="EUR")

        opened = await _open(books, asked)

        assert isinstance(opened, Wallet)
        account = opened.account("EUR")
        assert account is not None
        assert opened.accounts == (account,)
        assert (account.wallet_id, account.user_id, account.status) == (asked.id, user_id, AccountStatus.ACTIVE)
        assert (account.balance, account.held, account.version, account.declines) == (0, 0, 0, 0)

    async def test_the_first_wallet_becomes_the_default_one(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)

        opened = [await _open(books, a_wallet(user_id=user_id, name=name)) for name in ("One", "Two", "Three")]

        assert [isinstance(each, Wallet) and each.is_default for each in opened] == [True, False, False]

    async def test_a_person_who_is_not_there_opens_nothing(self, books: BooksUnderTest) -> None:
        asked = a_wallet()

        assert await _open(books, asked) is WalletRefusal.NOT_FOUND
        assert await books.wallets.of(asked.user_id) == []

    async def test_no_two_wallets_of_a_person_have_one_name_in_any_case_of_letters(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)
        await _open(books, a_wallet(user_id=user_id, name="Travel"))

        refusals = [await _open(books, a_wallet(user_id=user_id, name=name)) for name in ("Travel", "tRAVEL")]

        assert refusals == [WalletRefusal.NAME_TAKEN] * 2
        assert len(await books.wallets.of(user_id)) == 1

    async def test_two_people_may_call_their_wallets_the_same(self, books: BooksUnderTest) -> None:
        opened = [await _open(books, a_wallet(user_id=await _somebody(books), name="Travel")) for _ in range(2)]

        assert [isinstance(each, Wallet) for each in opened] == [True, True]

    async def test_a_person_has_so_many_wallets_and_no_more(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)

        opened = [await _open(books, a_wallet(user_id=user_id, name=name), wallets_max=2) for name in ("1", "2", "3")]

        assert [isinstance(each, Wallet) for each in opened] == [True, True, False]
        assert opened[2] is WalletRefusal.TOO_MANY

    async def test_many_opened_at_once_are_no_more_than_may_be_with_one_default(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)

        asked = [a_wallet(user_id=user_id, name=f"Wallet {number}") for number in range(8)]
        opened = await asyncio.gather(*(_open(books, wallet, wallets_max=3) for wallet in asked))

        assert sum(each is WalletRefusal.TOO_MANY for each in opened) == 5
        kept = await books.wallets.of(user_id)
        assert len(kept) == 3
        assert [wallet.is_default for wallet in kept].count(True) == 1

    async def test_one_name_asked_for_by_many_at_once_is_given_once(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)

        opened = await asyncio.gather(*(_open(books, a_wallet(user_id=user_id, name="Travel")) for _ in range(5)))

        assert sum(each is WalletRefusal.NAME_TAKEN for each in opened) == 4
        assert len(await books.wallets.of(user_id)) == 1

    async def test_a_wallet_takes_up_one_more_currency(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books, balance=500)
        asked = an_account(wallet_id=dollars.wallet_id, user_id=dollars.user_id, currency="EUR")

        opened = await books.wallets.open_account(asked, granted_caps())

        assert isinstance(opened, Account)
        assert (opened.id, opened.currency, opened.balance) == (asked.id, "EUR", 0)
        assert await books.wallets.account(owner(dollars), dollars.wallet_id, "EUR") == opened

    async def test_a_currency_that_is_held_is_not_taken_up_again(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books, balance=500)
        asked = an_account(wallet_id=dollars.wallet_id, user_id=dollars.user_id)

        assert await books.wallets.open_account(asked, granted_caps()) is WalletRefusal.CURRENCY_HELD
        assert await now(books, dollars) == dollars

    async def test_one_currency_taken_up_by_many_at_once_is_held_once(self, books: BooksUnderTest) -> None:
        dollars = await a_person(books)
        asked = [an_account(wallet_id=dollars.wallet_id, user_id=dollars.user_id, currency="EUR") for _ in range(5)]

        opened = await asyncio.gather(*(books.wallets.open_account(each, granted_caps()) for each in asked))

        assert sum(each is WalletRefusal.CURRENCY_HELD for each in opened) == 4

    async def test_somebody_elses_wallet_takes_up_nothing(self, books: BooksUnderTest) -> None:
        alice, mallory = await a_person(books), await a_person(books)
        asked = an_account(wallet_id=alice.wallet_id, user_id=mallory.user_id, currency="EUR")

        assert await books.wallets.open_account(asked, granted_caps()) is WalletRefusal.NOT_FOUND
        assert await books.wallets.account(owner(alice), alice.wallet_id, "EUR") is None

    async def test_a_wallet_that_does_not_exist_takes_up_nothing(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        asked = an_account(user_id=alice.user_id, currency="EUR")

        assert await books.wallets.open_account(asked, granted_caps()) is WalletRefusal.NOT_FOUND


class ReadingRules:
    """Finding wallets and accounts."""

    async def test_the_wallets_of_a_person_come_oldest_first(self, books: BooksUnderTest) -> None:
        user_id = await _somebody(books)
        for name, days in (("b", 2), ("c", 3), ("a", 1)):
            await _open(books, a_wallet(user_id=user_id, name=name, created_at=NOON + timedelta(days=days)))

        assert [wallet.name for wallet in await books.wallets.of(user_id)] == ["a", "b", "c"]

    async def test_other_peoples_wallets_are_not_among_them(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)

        assert [wallet.id for wallet in await books.wallets.of(owner(alice))] == [alice.wallet_id]
        assert [wallet.id for wallet in await books.wallets.of(owner(bob))] == [bob.wallet_id]

    async def test_a_person_without_wallets_has_none(self, books: BooksUnderTest) -> None:
        assert await books.wallets.of(await _somebody(books)) == []
        assert await books.wallets.of(UserId(new_id())) == []

    async def test_a_wallet_shows_its_own_currency_first_and_the_others_by_code(self, books: BooksUnderTest) -> None:
        wallet = await a_person(books, currency="USD")
        for currency in ("JPY", "EUR", "GBP"):
            await a_currency_of(books, wallet, currency)

        found = await books.wallets.find(owner(wallet), wallet.wallet_id)

        assert found is not None
        assert [account.currency for account in found.accounts] == ["USD", "EUR", "GBP", "JPY"]

    async def test_accounts_show_what_moved(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await post(books, a_deposit(alice, amount=700))

        found = await books.wallets.find(owner(alice), alice.wallet_id)

        assert found is not None
        assert [(account.balance, account.version) for account in found.accounts] == [(700, 1)]

    async def test_without_a_currency_the_account_is_the_one_in_the_wallets_own(self, books: BooksUnderTest) -> None:
        wallet = await a_person(books, currency="JPY")
        await a_currency_of(books, wallet, "EUR")

        account = await books.wallets.account(owner(wallet), wallet.wallet_id, None)

        assert account == wallet

    async def test_a_currency_that_is_not_held_has_no_account(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        assert await books.wallets.account(owner(alice), alice.wallet_id, "EUR") is None

    async def test_somebody_elses_wallet_is_not_found(self, books: BooksUnderTest) -> None:
        alice, mallory = await a_person(books), await a_person(books)

        assert await books.wallets.find(owner(mallory), alice.wallet_id) is None
        assert await books.wallets.account(owner(mallory), alice.wallet_id, "USD") is None
        assert await books.wallets.account(owner(mallory), alice.wallet_id, None) is None

    async def test_a_wallet_that_does_not_exist_is_not_found(self, books: BooksUnderTest) -> None:
        alice, nobody = await a_person(books), nobodys_account()

        assert await books.wallets.find(owner(alice), nobody.wallet_id) is None
        assert await books.wallets.account(owner(alice), nobody.wallet_id, None) is None

    async def test_a_frozen_wallet_is_shown_as_frozen(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await books.set_status(alice.wallet_id, AccountStatus.FROZEN)

        found = await books.wallets.find(owner(alice), alice.wallet_id)

        assert found is not None
        assert found.status is WalletStatus.FROZEN
        assert [account.status for account in found.accounts] == [AccountStatus.FROZEN]


class ChangingRules:
    """Names, and which wallet is the default one."""

    async def test_a_wallet_is_renamed(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        changed = await books.wallets.change(owner(alice), alice.wallet_id, name="Travel", default=None)

        assert isinstance(changed, Wallet)
        assert (changed.name, changed.version, changed.is_default) == ("Travel", 1, True)
        assert await books.wallets.find(owner(alice), alice.wallet_id) == changed

    async def test_a_name_may_change_its_case_of_letters(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        changed = await books.wallets.change(owner(alice), alice.wallet_id, name="MAIN", default=None)

        assert isinstance(changed, Wallet)
        assert changed.name == "MAIN"

    async def test_the_name_of_another_wallet_is_taken_and_nothing_changes(self, books: BooksUnderTest) -> None:
        main = await a_person(books)
        savings = await a_wallet_of(books, owner(main), name="Savings")
        before = await books.wallets.of(owner(main))

        refusal = await books.wallets.change(owner(main), savings.wallet_id, name="main", default=True)

        assert refusal is WalletRefusal.NAME_TAKEN
        assert await books.wallets.of(owner(main)) == before

    async def test_there_is_one_default_wallet_after_another_became_it(self, books: BooksUnderTest) -> None:
        main = await a_person(books)
        savings = await a_wallet_of(books, owner(main), name="Savings")

        changed = await books.wallets.change(owner(main), savings.wallet_id, name=None, default=True)

        assert isinstance(changed, Wallet)
        assert changed.is_default
        kept = {wallet.name: (wallet.is_default, wallet.version) for wallet in await books.wallets.of(owner(main))}
        assert kept == {"Main": (False, 1), "Savings": (True, 1)}

    async def test_there_is_one_default_wallet_after_several_became_it_at_once(self, books: BooksUnderTest) -> None:
        main = await a_person(books)
        others = [await a_wallet_of(books, owner(main), name=f"Wallet {number}") for number in range(4)]

        await asyncio.gather(
            *(books.wallets.change(owner(main), each.wallet_id, name=None, default=True) for each in others)
        )

        assert [wallet.is_default for wallet in await books.wallets.of(owner(main))].count(True) == 1

    async def test_what_changes_nothing_leaves_the_version(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        before = await books.wallets.find(owner(alice), alice.wallet_id)

        same = [
            await books.wallets.change(owner(alice), alice.wallet_id, name=name, default=default)
            for name, default in ((None, None), ("Main", None), (None, True), (None, False))
        ]

        assert same == [before] * 4

    async def test_somebody_elses_wallet_is_not_changed(self, books: BooksUnderTest) -> None:
        alice, mallory = await a_person(books), await a_person(books)
        before = await books.wallets.of(owner(alice))

        refusal = await books.wallets.change(owner(mallory), alice.wallet_id, name="Mine", default=True)

        assert refusal is WalletRefusal.NOT_FOUND
        assert await books.wallets.of(owner(alice)) == before

    async def test_a_wallet_that_does_not_exist_is_not_changed(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        refusal = await books.wallets.change(owner(alice), WalletId(new_id()), name="Mine", default=None)

        assert refusal is WalletRefusal.NOT_FOUND


class RecipientRules:
    """Whose wallet receives what is sent to an address."""

    async def test_an_address_leads_to_the_default_wallet_of_its_person(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org", phone="+41446681800")
        await books.users.add(user, "hash")
        main = await a_wallet_of(books, user.id)
        savings = await a_wallet_of(books, user.id, name="Savings")

        first = await books.wallets.recipient(email="Alice@Example.org")
        await books.wallets.change(user.id, savings.wallet_id, name=None, default=True)
        second = await books.wallets.recipient(phone="+41446681800")

        assert (first, second) == (main.wallet_id, savings.wallet_id)

    async def test_an_address_of_nobody_leads_nowhere(self, books: BooksUnderTest) -> None:
        await a_person(books)

        assert await books.wallets.recipient(email="nobody@example.org") is None
        assert await books.wallets.recipient(phone="+41446681801") is None
        assert await books.wallets.recipient() is None

    async def test_the_address_of_a_person_without_wallets_leads_nowhere(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(email="alice@example.org"), "hash")

        assert await books.wallets.recipient(email="alice@example.org") is None

    async def test_an_address_leads_nowhere_until_its_person_has_shown_that_it_is_theirs(
        self, books: BooksUnderTest
    ) -> None:
        user = a_user(email="alice@example.org", phone="+41446681800", verified=False)
        await books.users.add(user, "hash")
        account = await a_wallet_of(books, user.id)

        nobodys = await books.wallets.recipient(email="alice@example.org", phone="+41446681800")
        await books.users.verify_address(user.id, email="alice@example.org", now=NOON)
        by_email = await books.wallets.recipient(email="alice@example.org")
        by_phone = await books.wallets.recipient(phone="+41446681800")
        await books.users.change(user.id, email="alicia@example.org")
        by_another = await books.wallets.recipient(email="alicia@example.org")

        assert nobodys is by_phone is by_another is None
        assert by_email == account.wallet_id


class SettledKeyRules:
    """Which idempotency keys are settled."""

    async def test_a_key_is_settled_once_its_movement_or_refusal_is_kept_and_for_its_person_alone(
        self, books: BooksUnderTest
    ) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books)
        await post(books, a_transfer(alice, bob, amount=200, key="moved"))
        await post(books, a_transfer(alice, bob, amount=900, key="refused"))

        asked = [(alice, "moved"), (alice, "refused"), (alice, "Moved"), (alice, "other"), (bob, "moved")]
        settled = [await books.wallets.is_settled(owner(account), key) for account, key in asked]

        assert settled == [True, True, False, False, False]


class WalletRepositoryContract(OpeningRules, ReadingRules, ChangingRules, RecipientRules, SettledKeyRules):
    """What every WalletRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """


async def _somebody(books: BooksUnderTest) -> UserId:
    user = a_user()
    assert await books.users.add(user, "hash") is None
    return user.id


async def _open(books: BooksUnderTest, wallet: Wallet, *, wallets_max: int = WALLETS_MAX) -> Wallet | WalletRefusal:
    account = an_account(wallet_id=wallet.id, user_id=wallet.user_id, currency=wallet.currency)
    return await books.wallets.open(wallet, account, granted_caps(), wallets_max=wallets_max)
