"""Accounts: one balance in one currency, of a person's wallet or of the system."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias
from uuid import UUID, uuid5

from wallet_core.ids import AccountId, UserId, WalletId

BALANCE_MAX: Final = 2**63 - 1
"""The largest balance, up or down, that an account can hold: what a signed 64-bit integer holds."""

DECLINES_RECORDED_MAX: Final = 100
"""How many refusals of one account's commands are kept as transactions in one UTC day."""

HOLDING_MAX: Final = 10**15
"""The largest balance of a person's account, in minor units. Beyond any use, and so far below BALANCE_MAX that it takes
thousands of full accounts to fill up one of the system's, which everybody's money comes through."""

PAYOUT: Final = "payout"
"""The system wallet that money leaves through."""

ADJUSTMENTS: Final = "adjustments"
"""The system wallet that the deposits of admins come from."""

_SYSTEM_WALLETS: Final = UUID("2f0d7ab4-7c5e-5d0e-9f6c-5b1a3c0e8d11")

AccountKey: TypeAlias = tuple[WalletId, str]
"""What commands call an account by: its wallet and its currency."""


def gateway_wallet(gateway: str) -> str:
    """The name of the system wallet that a gateway's money comes from."""
    return f"gateway:{gateway}"


@lru_cache(maxsize=64)
def system_wallet_id(name: str) -> WalletId:
    """The id of a wallet of the system, the same in every installation."""
    return WalletId(uuid5(_SYSTEM_WALLETS, name))


class AccountStatus(StrEnum):
    """Whether money may move. Kept on the account, so that the lock that orders movements orders a freeze too."""

    ACTIVE = "active"
    FROZEN = "frozen"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it stood when its row was read. Amounts are minor units.

    `version` counts its entries and `declines` the recorded refusals of its owner's commands; `declined_today` counts
    all refusals on the UTC day `declined_on`, those beyond what is recorded included. `holder` is the name the other
    side sees. An account without a user is the system's and may go below zero.
    """

    id: AccountId
    wallet_id: WalletId
    user_id: UserId | None
    holder: str | None = None
    currency: str
    balance: int = 0
    held: int = 0
    version: int = 0
    declines: int = 0
    declined_on: date = date.min
    declined_today: int = 0
    status: AccountStatus = AccountStatus.ACTIVE

    @property
    def key(self) -> AccountKey:
        """What commands call it by."""
        return (self.wallet_id, self.currency)

    @property
    def available(self) -> int:
        """What may be spent: the balance less what is held."""
        return self.balance - self.held

    @property
    def revision(self) -> int:
        """Rises with everything that its owner's history shows."""
        return self.version + self.declines

    def moved(self, amount: int) -> "Account":
        """The account after one more entry of that signed amount."""
        # Spelled out, as the commonest thing that happens to an account: `replace` takes three times as long.
        return Account(
            id=self.id,
            wallet_id=self.wallet_id,
            user_id=self.user_id,
            holder=self.holder,
            currency=self.currency,
            balance=self.balance + amount,
            held=self.held,
            version=self.version + 1,
            declines=self.declines,
            declined_on=self.declined_on,
            declined_today=self.declined_today,
            status=self.status,
        )

    def declining(self, today: date) -> "tuple[Account, bool]":
        """The account after one more refusal, and whether that one is to be recorded.

        Somebody who tries all day what is refused fills no table: past DECLINES_RECORDED_MAX a day they are counted.
        """
        before = self.declined_today if self.declined_on == today else 0
        recorded = before < DECLINES_RECORDED_MAX
        after = replace(
            self,
            declined_on=today,
            declined_today=before + 1,
            declines=self.declines + 1 if recorded else self.declines,
        )
        return after, recorded
