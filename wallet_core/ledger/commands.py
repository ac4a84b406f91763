"""Commands: what a person asks the ledger to do, in words that need no look-up."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TypeAlias
from uuid import UUID

from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import (
    ADJUSTMENTS,
    BALANCE_MAX,
    PAYOUT,
    AccountKey,
    gateway_wallet,
    system_wallet_id,
)


class TransactionKind(StrEnum):
    """What a movement is."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"


class LimitKind(StrEnum):
    """What a daily and a monthly limit is set for."""

    TRANSFER = "transfer"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Movement:
    """What all commands say. `amount` is in minor units and more than zero; `key` is the idempotency key.

    `request_id` names the request that first asked, and is kept with the transaction.
    """

    id: TransactionId
    user_id: UserId
    key: str | None = None
    wallet_id: WalletId
    currency: str
    amount: int
    request_id: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.amount <= BALANCE_MAX:
            raise ValueError("A movement has an amount of more than zero that a balance can hold.")

    @property
    def own(self) -> AccountKey:
        """The account of the person who asks."""
        return (self.wallet_id, self.currency)

    @property
    def other(self) -> AccountKey | None:
        """The account on the other side, where there is one."""
        raise NotImplementedError  # each kind of movement has its own

    @property
    def touches(self) -> tuple[UUID, ...]:
        """The person and the wallets that it is about: commands with none in common wait for no lock of each other."""
        other = self.other
        return (self.user_id, self.wallet_id) if other is None else (self.user_id, self.wallet_id, other[0])

    @property
    def fingerprint(self) -> bytes:
        """Tells whether two commands under one idempotency key ask for the same thing."""
        asked = (type(self).__name__, str(self.wallet_id), self.currency, self.amount, *self._terms())
        return blake2b(repr(asked).encode(), digest_size=16).digest()

    def _terms(self) -> tuple[str | None, ...]:
        """What this kind of movement asks for besides. What the service adds by itself is no part of it."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(_Movement):
    """Credit a wallet with money that a gateway has collected."""

    gateway: str
    reference: str | None = None

    kind = TransactionKind.DEPOSIT
    limit_kind = None

    @property
    def other(self) -> AccountKey:
        """The gateway's account, which the money comes from."""
        return (system_wallet_id(gateway_wallet(self.gateway)), self.currency)

    def _terms(self) -> tuple[str | None, ...]:
        return (self.gateway,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(_Movement):
    """Credit anybody's wallet for a reason, which is kept in the audit. `user_id` is whose decision it is."""

    because: str

    kind = TransactionKind.DEPOSIT
    limit_kind = None

    @property
    def other(self) -> AccountKey:
        """The account for adjustments, which the money comes from."""
        return (system_wallet_id(ADJUSTMENTS), self.currency)

    def _terms(self) -> tuple[str | None, ...]:
        return (self.because,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(_Movement):
    """Debit a wallet for money that is paid out. `destination` is where to, in the person's own words."""

    destination: str | None = None

    kind = TransactionKind.WITHDRAW
    limit_kind = LimitKind.WITHDRAWAL

    @property
    def other(self) -> AccountKey:
        """The account for payouts, which the money goes to."""
        return (system_wallet_id(PAYOUT), self.currency)

    def _terms(self) -> tuple[str | None, ...]:
        return (self.destination,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(_Movement):
    """Move money to another wallet.

    `to` is the recipient as the sender wrote it (a wallet's id, an address); `to_wallet_id` is the wallet it led to,
    None where it led nowhere. A retry is the same command even when the address leads elsewhere by then.
    """

    to: str
    to_wallet_id: WalletId | None
    note: str | None = None

    kind = TransactionKind.TRANSFER
    limit_kind = LimitKind.TRANSFER

    @property
    def other(self) -> AccountKey | None:
        """The recipient's account."""
        return None if self.to_wallet_id is None else (self.to_wallet_id, self.currency)

    def _terms(self) -> tuple[str | None, ...]:
        return (self.to, self.note)


Command: TypeAlias = Deposit | Adjustment | Withdraw | Transfer
