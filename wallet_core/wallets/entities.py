"""Wallets as a person sees them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account

WALLET_NAME_LENGTH_MAX: Final = 60


class WalletStatus(StrEnum):
    """Whether money moves in and out of a wallet."""

    ACTIVE = "active"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A person's wallet: a name, a currency it is thought of in, and an account for each currency it holds.

    Each person has one default wallet, which receives what is sent to their address. `version` counts the changes to
    the wallet itself; its accounts have versions of their own.
    """

    id: WalletId
    user_id: UserId
    name: str
    currency: str
    status: WalletStatus = WalletStatus.ACTIVE
    is_default: bool = False
    version: int = 0
    created_at: datetime
    accounts: tuple[Account, ...] = ()

    def account(self, currency: str) -> Account | None:
        """The wallet's account in that currency, where it holds one."""
        return next((account for account in self.accounts if account.currency == currency), None)

    @property
    def etag(self) -> str:
        """Differs between any two states of the wallet and its accounts that can be told apart."""
        return f"{self.version}.{len(self.accounts)}.{sum(account.version for account in self.accounts)}"


class WalletRefusal(StrEnum):
    """Why a change to a wallet is refused."""

    NOT_FOUND = "not_found"
    NAME_TAKEN = "wallet_name_taken"
    TOO_MANY = "too_many_wallets"
    CURRENCY_HELD = "currency_held"
    CURRENCY_NOT_ENABLED = "currency_not_enabled"
