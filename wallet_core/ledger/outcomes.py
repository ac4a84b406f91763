"""Outcomes: what became of a command, and the transaction that keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from wallet_core.ids import AccountId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.limits import Limit


class TransactionStatus(StrEnum):
    """Where a transaction is in its life. COMPLETED, FAILED and EXPIRED are the ends of it."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class Reason(StrEnum):
    """Why a command is refused, in descending precedence: the first that applies is the one given.

    Those before ACCOUNT_DEACTIVATED mean that the question itself was wrong: no transaction keeps them.
    """

    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    WALLET_NOT_FOUND = "wallet_not_found"
    CURRENCY_NOT_HELD = "currency_not_held"
    SAME_WALLET = "same_wallet"
    ACCOUNT_DEACTIVATED = "account_deactivated"
    WALLET_FROZEN = "wallet_frozen"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    CURRENCY_MISMATCH = "currency_mismatch"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    BALANCE_TOO_LARGE = "balance_too_large"


UNRECORDED_REASONS = frozenset(
    {
        Reason.IDEMPOTENCY_KEY_REUSED,
        Reason.WALLET_NOT_FOUND,
        Reason.CURRENCY_NOT_HELD,
        Reason.SAME_WALLET,
    }
)
"""Refusals that leave no transaction behind, so that a corrected request may use the same key."""

Details: TypeAlias = Mapping[str, str | int]
"""What a client can act on: for a limit its kind, window, figures in minor units, and when it resets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One end of a movement. `holder` is None for the system's side, `balance_after` None where nothing moved."""

    account_id: AccountId
    wallet_id: WalletId
    holder: str | None
    balance_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One movement, whatever became of it. `amount` is in minor units.

    Names and balances are those of the moment it was decided, so that it reads the same for ever.
    `business_date` is the day, in the time zone of `user_id`, on which it counts against the limits.
    """

    id: TransactionId
    kind: TransactionKind
    status: TransactionStatus
    user_id: UserId
    key: str | None
    fingerprint: bytes | None
    request_id: str | None = None
    currency: str
    amount: int
    source: Side | None
    destination: Side | None
    note: str | None = None
    reference: str | None = None
    reason: Reason | None = None
    details: Details | None = None
    business_date: date
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A leg of a movement: the signed amount, and the account as it stood right after it."""

    account: Account
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The money moved. What is not compared is what this very decision changed; a replay changes nothing."""

    transaction: Transaction
    entries: tuple[Entry, ...] = field(default=(), compare=False)
    limit: Limit | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts it changed, as they stand after it."""
        return tuple([entry.account for entry in self.entries])  # a generator takes twice as long


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The command breaks a rule and nothing moved.

    `transaction` keeps the refusal: not where the question itself was wrong, and not where too many were kept that day.
    """

    reason: Reason
    details: Details = field(default_factory=dict)
    transaction: Transaction | None = None
    account: Account | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts whose history it changed, as they stand after it."""
        return () if self.account is None else (self.account,)


Outcome: TypeAlias = Posted | Declined


def settled_outcome(transaction: Transaction) -> Outcome:
    """The outcome that a kept transaction stands for, as it is given again to a retry."""
    if transaction.reason is not None:
        details = transaction.details or {}
        return Declined(reason=transaction.reason, details=details, transaction=transaction, replayed=True)
    return Posted(transaction=transaction, replayed=True)
