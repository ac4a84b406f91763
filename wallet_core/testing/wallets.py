"""Wallets and limits in memory."""

from collections.abc import Mapping
from dataclasses import replace

from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import ChosenCaps, Limit
from wallet_core.testing.records import Records
from wallet_core.wallets.entities import Wallet, WalletRefusal
from wallet_core.wallets.ports import GrantedCaps


class InMemoryWalletRepository:
    """A WalletRepository over the wallets and accounts of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def open(
        self, wallet: Wallet, account: Account, granted: GrantedCaps, *, wallets_max: int
    ) -> Wallet | WalletRefusal:
        """As WalletRepository.open."""
        if wallet.user_id not in self._records.users:
            return WalletRefusal.NOT_FOUND
        held = self._wallets(wallet.user_id)
        if len(held) >= wallets_max:
            return WalletRefusal.TOO_MANY
        if self._name_taken(wallet):
            return WalletRefusal.NAME_TAKEN
        self._records.wallets[wallet.id] = replace(wallet, is_default=not held, version=0, accounts=())
        self._open_account(wallet.user_id, account, granted)
        opened = self._records.wallet(wallet.id)
        return WalletRefusal.NOT_FOUND if opened is None else opened

    async def open_account(self, account: Account, granted: GrantedCaps) -> Account | WalletRefusal:
        """As WalletRepository.open_account."""
        user_id = account.user_id
        if user_id is None or self._own(user_id, account.wallet_id) is None:
            return WalletRefusal.NOT_FOUND
        if account.key in self._records.accounts:
            return WalletRefusal.CURRENCY_HELD
        self._open_account(user_id, account, granted)
        return self._records.accounts[account.key]

    async def of(self, user_id: UserId) -> list[Wallet]:
        """As WalletRepository.of."""
        wallets = sorted(self._wallets(user_id), key=lambda wallet: (wallet.created_at, wallet.id))
        return [whole for wallet in wallets if (whole := self._records.wallet(wallet.id)) is not None]

    async def find(self, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        """As WalletRepository.find."""
        return None if self._own(user_id, wallet_id) is None else self._records.wallet(wallet_id)

    async def account(self, user_id: UserId, wallet_id: WalletId, currency: str | None) -> Account | None:
        """As WalletRepository.account."""
        wallet = self._own(user_id, wallet_id)
        return None if wallet is None else self._records.accounts.get((wallet_id, currency or wallet.currency))

    async def change(
        self, user_id: UserId, wallet_id: WalletId, *, name: str | None, default: bool | None
    ) -> Wallet | WalletRefusal:
        """As WalletRepository.change."""
        wallet = self._own(user_id, wallet_id)
        if wallet is None:
            return WalletRefusal.NOT_FOUND
        if name is not None and name != wallet.name:
            wallet = replace(wallet, name=name, version=wallet.version + 1)
            if self._name_taken(wallet):
                return WalletRefusal.NAME_TAKEN
        if default and not wallet.is_default:
            wallet = replace(wallet, is_default=True, version=wallet.version + 1)
            for other in self._wallets(user_id):
                if other.is_default:
                    self._records.wallets[other.id] = replace(other, is_default=False, version=other.version + 1)
        self._records.wallets[wallet_id] = wallet
        changed = self._records.wallet(wallet_id)
        return WalletRefusal.NOT_FOUND if changed is None else changed

    async def recipient(self, *, email: str | None = None, phone: str | None = None) -> WalletId | None:
        """As WalletRepository.recipient."""
        reached = {
            user.id
            for user in self._records.users.values()
            if (_is_same(user.email, email) and user.email_verified_at is not None)
            or (_is_same(user.phone, phone) and user.phone_verified_at is not None)
        }
        wallets = self._records.wallets.values()
        return next((wallet.id for wallet in wallets if wallet.is_default and wallet.user_id in reached), None)

    async def is_settled(self, user_id: UserId, key: str) -> bool:
        """As WalletRepository.is_settled."""
        return (user_id, key) in self._records.settled

    def _wallets(self, user_id: UserId) -> list[Wallet]:
        return [wallet for wallet in self._records.wallets.values() if wallet.user_id == user_id]

    def _own(self, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        wallet = self._records.wallets.get(wallet_id)
        return wallet if wallet is not None and wallet.user_id == user_id else None

    def _name_taken(self, wallet: Wallet) -> bool:
        return any(
            other.id != wallet.id and other.name.lower() == wallet.name.lower()
            for other in self._wallets(wallet.user_id)
        )

    def _open_account(self, user_id: UserId, account: Account, granted: GrantedCaps) -> None:
        self._records.add_account(account)
        for kind, caps in granted.items():
            self._records.add_limit(user_id, kind, account.currency, caps)


class InMemoryLimitRepository:
    """A LimitRepository over the limits of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def of(self, user_id: UserId, currency: str) -> list[Limit]:
        """As LimitRepository.of."""
        limits = [self._records.limit((user_id, kind, currency)) for kind in sorted(LimitKind)]
        return [limit for limit in limits if limit is not None]

    async def choose(
        self, user_id: UserId, currency: str, chosen: Mapping[LimitKind, ChosenCaps], *, granted: GrantedCaps
    ) -> bool:
        """As LimitRepository.choose."""
        for kind, caps in granted.items():
            self._records.add_limit(user_id, kind, currency, caps)
        kept = {kind: self._records.limits[user_id, kind, currency] for kind in chosen}
        if not all(chosen[kind].within(limit.granted) for kind, limit in kept.items()):
            return False
        for kind, limit in kept.items():
            self._records.limits[user_id, kind, currency] = replace(limit, chosen=_over(limit.chosen, chosen[kind]))
        return True


def _is_same(address: str | None, asked_for: str | None) -> bool:
    return address is not None and asked_for is not None and address.lower() == asked_for.lower()


def _over(earlier: ChosenCaps, later: ChosenCaps) -> ChosenCaps:
    """The later choice, and the earlier one where the later says nothing."""
    return ChosenCaps(
        daily=earlier.daily if later.daily is None else later.daily,
        monthly=earlier.monthly if later.monthly is None else later.monthly,
    )
