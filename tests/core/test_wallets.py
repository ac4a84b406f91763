"""What people do with their wallets, on the books in memory."""

from datetime import timedelta

import pytest

from wallet_core.ids import UserId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_user, a_withdrawal, granted_caps
from wallet_core.testing.caches import InMemoryAccountCache
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.ids import SequentialIds
from wallet_core.wallets.allowances import Allowances
from wallet_core.wallets.entities import Wallet, WalletRefusal
from wallet_core.wallets.wallets import CurrencyTotal, Wallets

GRANTED = {"USD": granted_caps(), "EUR": granted_caps(daily=70, monthly=80)}
WALLETS_MAX = 3


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def books(clock: SettableClock) -> InMemoryBooks:
    return InMemoryBooks(clock)


@pytest.fixture
def cache(clock: SettableClock) -> InMemoryAccountCache:
    return InMemoryAccountCache(clock)


@pytest.fixture
def wallets(books: InMemoryBooks, cache: InMemoryAccountCache, clock: SettableClock) -> Wallets:
    return Wallets(
        books.wallets, cache, granted=GRANTED, wallets_max=WALLETS_MAX, ids=SequentialIds(first=10**6), clock=clock
    )


@pytest.fixture
async def user_id(books: InMemoryBooks) -> UserId:
    user = a_user()
    await books.users.add(user, "hash")
    return user.id


async def _opened(wallets: Wallets, user_id: UserId, name: str | None = None, currency: str = "USD") -> Wallet:
    wallet = await wallets.open(user_id, name=name, currency=currency)
    assert isinstance(wallet, Wallet)
    return wallet


async def test_wallets_without_a_name_are_named_after_their_currency(wallets: Wallets, user_id: UserId) -> None:
    names = [(await _opened(wallets, user_id)).name for _ in range(WALLETS_MAX)]

    assert names == ["USD wallet", "USD wallet 2", "USD wallet 3"]


async def test_past_the_last_wallet_none_is_opened_with_or_without_a_name(wallets: Wallets, user_id: UserId) -> None:
    for _ in range(WALLETS_MAX):
        await _opened(wallets, user_id)

    assert await wallets.open(user_id, name=None, currency="USD") is WalletRefusal.TOO_MANY
    assert await wallets.open(user_id, name="More", currency="USD") is WalletRefusal.TOO_MANY


async def test_a_currency_that_is_not_enabled_opens_nothing(wallets: Wallets, user_id: UserId) -> None:
    wallet = await _opened(wallets, user_id)

    assert await wallets.open(user_id, name=None, currency="XXX") is WalletRefusal.CURRENCY_NOT_ENABLED
    assert await wallets.open_account(user_id, wallet.id, "XXX") is WalletRefusal.CURRENCY_NOT_ENABLED


async def test_totals_are_by_currency_over_all_wallets(wallets: Wallets, books: InMemoryBooks, user_id: UserId) -> None:
    one, two = await _opened(wallets, user_id, "One"), await _opened(wallets, user_id, "Two")
    euros = await wallets.open_account(user_id, one.id, "EUR")
    assert isinstance(euros, Account)
    await books.ledger.post([a_deposit(one.accounts[0]), a_deposit(two.accounts[0], amount=50), a_deposit(euros)])

    assert await wallets.totals(user_id) == [
        CurrencyTotal(currency="EUR", balance=100, available=100),
        CurrencyTotal(currency="USD", balance=150, available=150),
    ]


async def test_a_balance_is_read_from_the_cache_while_it_is_there(
    wallets: Wallets, books: InMemoryBooks, user_id: UserId, clock: SettableClock
) -> None:
    wallet = await _opened(wallets, user_id)
    first = await wallets.balance(user_id, wallet.id, None)
    await books.ledger.post([a_deposit(wallet.accounts[0])])

    cached = await wallets.balance(user_id, wallet.id, None)
    clock.advance(timedelta(seconds=6))
    fresh = await wallets.balance(user_id, wallet.id, None)

    assert first is not None
    assert cached == first
    assert fresh is not None
    assert fresh.balance == 100


async def test_a_cached_balance_is_shown_to_nobody_else(wallets: Wallets, user_id: UserId) -> None:
    wallet = await _opened(wallets, user_id)
    await wallets.balance(user_id, wallet.id, None)

    assert await wallets.balance(a_user().id, wallet.id, None) is None
    assert await wallets.balance(a_user().id, wallet.id, "USD") is None
    assert await wallets.currency(a_user().id, wallet.id) is None


async def test_the_default_wallet_is_the_one_that_was_made_it(wallets: Wallets, user_id: UserId) -> None:
    await _opened(wallets, user_id, "One")
    two = await _opened(wallets, user_id, "Two")
    await wallets.change(user_id, two.id, default=True)

    default = await wallets.default(user_id)

    assert default is not None
    assert default.id == two.id


async def test_limits_of_a_currency_not_held_yet_are_the_default_ones(books: InMemoryBooks, user_id: UserId) -> None:
    allowances = Allowances(books.limits, granted=GRANTED, clock=SettableClock())

    limits = await allowances.of(user_id, "EUR", time_zone="UTC")

    assert [(limit.kind, limit.caps) for limit in limits] == [(kind, Caps(daily=70, monthly=80)) for kind in LimitKind]


async def test_limits_are_shown_as_they_stand_now(
    books: InMemoryBooks, wallets: Wallets, user_id: UserId, clock: SettableClock
) -> None:
    allowances = Allowances(books.limits, granted=GRANTED, clock=clock)
    (account,) = (await _opened(wallets, user_id)).accounts
    await books.ledger.post([a_deposit(account), a_withdrawal(account, amount=60)])
    clock.advance(timedelta(days=1))

    limits = {limit.kind: limit for limit in await allowances.of(user_id, "USD", time_zone="UTC")}

    assert (limits[LimitKind.WITHDRAWAL].day_used, limits[LimitKind.WITHDRAWAL].month_used) == (0, 60)


async def test_a_limit_is_lowered_and_not_raised_above_the_default(books: InMemoryBooks, user_id: UserId) -> None:
    allowances = Allowances(books.limits, granted=GRANTED, clock=SettableClock())

    raised = await allowances.choose(user_id, "EUR", {LimitKind.TRANSFER: ChosenCaps(daily=71)})
    lowered = await allowances.choose(user_id, "EUR", {LimitKind.TRANSFER: ChosenCaps(daily=69)})

    assert (raised, lowered) == (False, True)
    assert (await allowances.of(user_id, "EUR", time_zone="UTC"))[0].caps == Caps(daily=69, monthly=80)
