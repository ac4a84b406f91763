"""Opening, naming and reading wallets."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wallet_core.clock import Clock
from wallet_core.ids import AccountId, IdGenerator, UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.caching import AccountCache
from wallet_core.wallets.entities import Wallet, WalletRefusal
from wallet_core.wallets.ports import GrantedCaps, WalletRepository

WALLETS_REMEMBERED_MAX: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotal:
    """What a person holds in one currency over all their wallets, in minor units."""

    currency: str
    balance: int
    available: int


class Wallets:
    """What a person does with their wallets, moving money apart.

    `granted` holds, for each enabled currency, the limits that the operator allows by default: a currency without them
    is not enabled.
    """

    def __init__(
        self,
        repository: WalletRepository,
        cache: AccountCache,
        *,
        granted: Mapping[str, GrantedCaps],
        wallets_max: int,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._granted = granted
        self._wallets_max = wallets_max
        self._ids = ids
        self._clock = clock
        # A wallet's owner and currency never change, so remembering them is safe; the bound keeps it small.
        self._known: OrderedDict[WalletId, tuple[UserId, str]] = OrderedDict()

    async def open(self, user_id: UserId, *, name: str | None, currency: str) -> Wallet | WalletRefusal:
        """Open a wallet with an account in that currency. Without a name it gets one of its currency."""
        granted = self._granted.get(currency)
        if granted is None:
            return WalletRefusal.CURRENCY_NOT_ENABLED
        if name is not None:
            return await self._open(user_id, name, currency, granted)
        opened: Wallet | WalletRefusal = WalletRefusal.NAME_TAKEN
        # More names than a person may have wallets: one of them is free.
        for number in range(1, self._wallets_max + 2):
            if opened is not WalletRefusal.NAME_TAKEN:
                break
            opened = await self._open(
                user_id, f"{currency} wallet" + (f" {number}" if number > 1 else ""), currency, granted
            )
        return opened

    async def _open(self, user_id: UserId, name: str, currency: str, granted: GrantedCaps) -> Wallet | WalletRefusal:
        wallet = Wallet(
            id=WalletId(self._ids()), user_id=user_id, name=name, currency=currency, created_at=self._clock()
        )
        account = self._account(user_id, wallet.id, currency)
        return await self._repository.open(wallet, account, granted, wallets_max=self._wallets_max)

    async def open_account(self, user_id: UserId, wallet_id: WalletId, currency: str) -> Account | WalletRefusal:
        """Let a wallet hold one more currency."""
        granted = self._granted.get(currency)
        if granted is None:
            return WalletRefusal.CURRENCY_NOT_ENABLED
        return await self._repository.open_account(self._account(user_id, wallet_id, currency), granted)

    async def change(
        self, user_id: UserId, wallet_id: WalletId, *, name: str | None = None, default: bool | None = None
    ) -> Wallet | WalletRefusal:
        """Rename a wallet or make it the default one."""
        return await self._repository.change(user_id, wallet_id, name=name, default=default)

    async def of(self, user_id: UserId) -> list[Wallet]:
        """The person's wallets, oldest first."""
        return await self._repository.of(user_id)

    async def default(self, user_id: UserId) -> Wallet | None:
        """The person's default wallet."""
        return next((wallet for wallet in await self._repository.of(user_id) if wallet.is_default), None)

    async def find(self, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        """That wallet, when it is that person's."""
        return await self._repository.find(user_id, wallet_id)

    async def currency(self, user_id: UserId, wallet_id: WalletId) -> str | None:
        """The currency that the wallet is thought of in, when it is that person's."""
        known = self._known.get(wallet_id)
        if known is None:
            account = await self._repository.account(user_id, wallet_id, None)
            if account is None:
                return None
            known = self._remember(user_id, account)
        owner, currency = known
        return currency if owner == user_id else None

    async def balance(self, user_id: UserId, wallet_id: WalletId, currency: str | None) -> Account | None:
        """The account in that currency, or in the wallet's own: from the cache, else from the books."""
        known = self._known.get(wallet_id)
        wanted = currency or (None if known is None else known[1])
        if wanted is not None:
            cached = await self._cache.get(wallet_id, wanted)
            if cached is not None:
                return cached if cached.user_id == user_id else None
        account = await self._repository.account(user_id, wallet_id, wanted)
        if account is not None:
            await self._cache.put([account])
            if currency is None:
                self._remember(user_id, account)
        return account

    async def totals(self, user_id: UserId) -> list[CurrencyTotal]:
        """What the person holds over all their wallets, a row for each currency, by its code."""
        accounts = [account for wallet in await self._repository.of(user_id) for account in wallet.accounts]
        return [
            CurrencyTotal(
                currency=currency,
                balance=sum(account.balance for account in accounts if account.currency == currency),
                available=sum(account.available for account in accounts if account.currency == currency),
            )
            for currency in sorted({account.currency for account in accounts})
        ]

    def _account(self, user_id: UserId, wallet_id: WalletId, currency: str) -> Account:
        return Account(id=AccountId(self._ids()), wallet_id=wallet_id, user_id=user_id, currency=currency)

    def _remember(self, user_id: UserId, account: Account) -> tuple[UserId, str]:
        """Keep what the account in a wallet's own currency tells of the wallet."""
        known = self._known[account.wallet_id] = (user_id, account.currency)
        if len(self._known) > WALLETS_REMEMBERED_MAX:
            self._known.popitem(last=False)
        return known
