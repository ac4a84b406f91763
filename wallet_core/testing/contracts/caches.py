"""What every cache of accounts and of pages promises."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from wallet_core.ids import AccountId, UserId, WalletId
from wallet_core.ledger.accounts import BALANCE_MAX, Account, AccountStatus
from wallet_core.ledger.caching import ACCOUNT_SECONDS_MAX, AccountCache
from wallet_core.testing.ids import SequentialIds
from wallet_core.wallets.pages import PAGE_BYTES_MAX, PAGE_SECONDS_MAX, PageCache

LetPass: TypeAlias = Callable[[float], Awaitable[None]]
"""Lets that many seconds go by for the cache."""

LoseEverything: TypeAlias = Callable[[], Awaitable[None]]
"""Makes the cache forget all it holds."""


class AccountCacheContract:
    """What every AccountCache promises.

    Subclass it and provide the fixtures `account_cache`, which keeps an account for `seconds_max`; `let_pass`; and
    `lose_everything`.
    """

    seconds_max = ACCOUNT_SECONDS_MAX

    async def test_what_was_never_put_is_absent(self, account_cache: AccountCache) -> None:
        account = an_account()

        assert await account_cache.get(*account.key) is None

    async def test_an_account_comes_back_whole(self, account_cache: AccountCache) -> None:
        wallets = SequentialIds(first=1_000)
        plain = an_account()
        accounts = [
            replace(account, wallet_id=WalletId(wallets()))
            for account in (
                plain,
                replace(plain, balance=BALANCE_MAX, held=BALANCE_MAX, version=2**62, declines=2**61),
                replace(plain, user_id=None, holder=None, balance=-BALANCE_MAX, currency="JPY"),
                replace(plain, holder='Zo\u00eb "O\'Hara" \\ \N{PILE OF POO} \0\n :{}', held=1, balance=2),
                replace(plain, holder=""),
                replace(plain, holder="lone \ud800 surrogate"),
                *(replace(plain, status=status) for status in AccountStatus),
            )
        ]

        await account_cache.put(accounts)
        kept = [await account_cache.get(*account.key) for account in accounts]

        assert kept == accounts

    async def test_the_currencies_of_a_wallet_are_kept_apart(self, account_cache: AccountCache) -> None:
        dollars = an_account(balance=1)
        euros = replace(dollars, id=AccountId(SequentialIds(first=50)()), currency="EUR", balance=2)

        await account_cache.put([dollars, euros])

        assert await account_cache.get(dollars.wallet_id, "USD") == dollars
        assert await account_cache.get(dollars.wallet_id, "EUR") == euros
        assert await account_cache.get(dollars.wallet_id, "GBP") is None

    async def test_a_newer_account_takes_the_place_of_an_older_one(self, account_cache: AccountCache) -> None:
        account = an_account()

        await account_cache.put([account])
        await account_cache.put([account.moved(5)])

        assert await account_cache.get(*account.key) == account.moved(5)

    async def test_a_recorded_refusal_makes_an_account_newer_too(self, account_cache: AccountCache) -> None:
        account = an_account()
        refused, _ = account.declining(date(2026, 1, 15))

        await account_cache.put([refused])
        await account_cache.put([account])

        assert await account_cache.get(*account.key) == refused

    async def test_of_one_revision_the_last_that_was_put_stays(self, account_cache: AccountCache) -> None:
        account = an_account()
        frozen = replace(account, status=AccountStatus.FROZEN)

        await account_cache.put([account])
        await account_cache.put([frozen])

        assert await account_cache.get(*account.key) == frozen

    async def test_a_reader_that_was_held_up_does_not_put_back_what_a_writer_replaced(
        self, account_cache: AccountCache
    ) -> None:
        read_before_the_commit = an_account()
        committed = read_before_the_commit.moved(-1)

        await account_cache.put([committed])
        await account_cache.put([read_before_the_commit])

        assert await account_cache.get(*committed.key) == committed

    async def test_revisions_are_compared_as_the_whole_numbers_they_are(self, account_cache: AccountCache) -> None:
        for older, newer in ((9, 10), (99, 100), (2**53, 2**53 + 1), (2**62, 2**62 + 1)):
            account = replace(an_account(), wallet_id=WalletId(SequentialIds(first=older % 2**40 + newer % 7)()))

            await account_cache.put([replace(account, version=newer)])
            await account_cache.put([replace(account, version=older)])

            assert await account_cache.get(*account.key) == replace(account, version=newer), newer

    async def test_whoever_is_last_of_many_at_once_the_newest_stays(self, account_cache: AccountCache) -> None:
        account = an_account()
        revisions = [replace(account, version=version, balance=version) for version in range(200)]
        random.Random(7).shuffle(revisions)  # noqa: S311 - an order, not a secret

        await asyncio.gather(*(account_cache.put([revision]) for revision in revisions))

        assert await account_cache.get(*account.key) == replace(account, version=199, balance=199)

    async def test_a_whole_batch_is_put_at_once(self, account_cache: AccountCache) -> None:
        ids = SequentialIds()
        accounts = [replace(an_account(), wallet_id=WalletId(ids()), balance=number) for number in range(1_024)]

        await account_cache.put(accounts)

        assert [await account_cache.get(*account.key) for account in accounts] == accounts

    async def test_in_one_batch_too_the_newest_stays(self, account_cache: AccountCache) -> None:
        account, other = an_account(), replace(an_account(), wallet_id=WalletId(SequentialIds(first=60)()))

        await account_cache.put([account.moved(1), other, account, account.moved(1).moved(1), account.moved(1)])

        assert await account_cache.get(*account.key) == account.moved(1).moved(1)
        assert await account_cache.get(*other.key) == other

    async def test_an_empty_batch_changes_nothing(self, account_cache: AccountCache) -> None:
        account = an_account()
        await account_cache.put([account])

        await account_cache.put([])

        assert await account_cache.get(*account.key) == account

    async def test_an_account_is_forgotten_when_its_time_is_over(
        self, account_cache: AccountCache, let_pass: LetPass
    ) -> None:
        account = an_account()
        await account_cache.put([account])
        in_time = await account_cache.get(*account.key)

        await let_pass(self.seconds_max)

        assert in_time == account
        assert await account_cache.get(*account.key) is None

    async def test_reading_and_an_older_put_do_not_lengthen_its_time(
        self, account_cache: AccountCache, let_pass: LetPass
    ) -> None:
        account = an_account()
        await account_cache.put([account.moved(1)])

        await let_pass(self.seconds_max * 0.6)
        await account_cache.get(*account.key)
        await account_cache.put([account])
        await let_pass(self.seconds_max * 0.6)

        assert await account_cache.get(*account.key) is None

    async def test_after_a_loss_an_old_account_is_shown_for_its_time_at_most(
        self, account_cache: AccountCache, let_pass: LetPass, lose_everything: LoseEverything
    ) -> None:
        read_before_the_commit = an_account()
        await account_cache.put([read_before_the_commit.moved(1)])

        await lose_everything()
        after_the_loss = await account_cache.get(*read_before_the_commit.key)
        await account_cache.put([read_before_the_commit])
        put_back = await account_cache.get(*read_before_the_commit.key)
        await let_pass(self.seconds_max)

        assert after_the_loss is None
        assert put_back == read_before_the_commit
        assert await account_cache.get(*read_before_the_commit.key) is None


class PageCacheContract:
    """What every PageCache promises.

    Subclass it and provide the fixtures `page_cache`, which keeps a page for `seconds_max`; `let_pass`; and
    `lose_everything`.
    """

    seconds_max = PAGE_SECONDS_MAX

    async def test_what_was_never_put_is_absent(self, page_cache: PageCache) -> None:
        assert await page_cache.get("k1") is None

    async def test_a_page_comes_back_byte_for_byte(self, page_cache: PageCache) -> None:
        pages = {"every byte": bytes(range(256)), "none": b"", "lines": b"\r\n$5\r\n", "text": "\u20ac".encode()}

        for key, page in pages.items():
            await page_cache.put(key, page)

        assert {key: await page_cache.get(key) for key in pages} == pages

    async def test_only_exactly_the_same_key_finds_a_page(self, page_cache: PageCache) -> None:
        keys = [
            "",
            "a",
            "A",
            "a ",
            "a\0",
            "a\nb",
            "a:b",
            "a:b:",
            "\u00e9",
            "e\u0301",
            "\ud800",
            "x" * 5_000,
            "x" * 5_001,
        ]

        for key in keys:
            await page_cache.put(key, key.encode("utf-8", errors="surrogatepass"))
        kept = [await page_cache.get(key) for key in keys]

        assert kept == [key.encode("utf-8", errors="surrogatepass") for key in keys]
        assert await page_cache.get("b") is None

    async def test_the_last_page_under_a_key_stays(self, page_cache: PageCache) -> None:
        await page_cache.put("k1", b"first")
        await page_cache.put("k1", b"second")

        assert await page_cache.get("k1") == b"second"

    async def test_the_longest_page_is_kept_and_a_longer_one_is_not(self, page_cache: PageCache) -> None:
        longest, too_long = b"x" * PAGE_BYTES_MAX, b"x" * (PAGE_BYTES_MAX + 1)

        await page_cache.put("longest", longest)
        await page_cache.put("too long", too_long)

        assert await page_cache.get("longest") == longest
        assert await page_cache.get("too long") is None

    async def test_a_page_is_forgotten_when_its_time_is_over(self, page_cache: PageCache, let_pass: LetPass) -> None:
        await page_cache.put("k1", b"page")
        in_time = await page_cache.get("k1")

        await let_pass(self.seconds_max)

        assert in_time == b"page"
        assert await page_cache.get("k1") is None

    async def test_reading_does_not_lengthen_its_time(self, page_cache: PageCache, let_pass: LetPass) -> None:
        await page_cache.put("k1", b"page")

        await let_pass(self.seconds_max * 0.6)
        await page_cache.get("k1")
        await let_pass(self.seconds_max * 0.6)

        assert await page_cache.get("k1") is None

    async def test_a_loss_is_an_absence(self, page_cache: PageCache, lose_everything: LoseEverything) -> None:
        await page_cache.put("k1", b"page")

        await lose_everything()

        assert await page_cache.get("k1") is None


def an_account(*, balance: int = 500) -> Account:
    """A person's account in USD; the same one whenever it is asked for."""
    ids = SequentialIds()
    return Account(
        id=AccountId(ids()),
        wallet_id=WalletId(ids()),
        user_id=UserId(ids()),
        holder="Alice",
        currency="USD",
        balance=balance,
        version=3,
        declines=1,
    )
