"""What happens in a run: everything that people, operators and time do to the books.

People and wallets are numbers, in the order in which they came; whoever carries an operation out gives them ids. The
number of a person or wallet to be is spent even when the operation is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

EXPONENTS: Final[Mapping[str, int]] = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
"""The currencies of a run, and how many digits each has after the point."""

GRANTED: Final[Mapping[str, tuple[int, int]]] = {
    "USD": (180_000, 800_000),
    "EUR": (120_000, 500_000),
    "JPY": (100_000, 400_000),
    "KWD": (160_000, 700_000),
}
"""The most that a person may send, and that they may withdraw, in a day and in a month, in minor units."""

WALLETS_MAX: Final = 4
"""How many wallets a person may have."""

PAYOUT: Final = "payout"
"""The system's wallet that withdrawals go to."""


class Kind(StrEnum):
    """What a movement is."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"


class Standing(StrEnum):
    """How an operator lets a wallet stand."""

    ACTIVE = "active"
    FROZEN = "frozen"
    DEACTIVATED = "deactivated"


class By(StrEnum):
    """What a sender calls the recipient by."""

    WALLET = "wallet"
    EMAIL = "email"
    PHONE = "phone"
    SYSTEM = "the system's wallet"
    NOBODY = "an address of nobody"
    NOWHERE = "an id of no wallet"


class To(NamedTuple):
    """Whom a transfer is to, as it is written: the wallet or person of that number."""

    by: By
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """Somebody signs up: by an email address and phone number of their own, or by the address of person `email_of`."""

    person: int
    email_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWallet:
    """Somebody opens a wallet."""

    person: int
    wallet: int
    name: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCurrency:
    """Somebody has a wallet hold one more currency."""

    person: int
    wallet: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeDefault:
    """Somebody has a wallet receive what is sent to their address."""

    person: int
    wallet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePerson:
    """Somebody takes another name, or moves to another time zone."""

    person: int
    name: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerLimits:
    """Somebody chooses how much they let themselves move. None leaves a maximum as it is."""

    person: int
    outgoing: Kind
    currency: str
    daily: int | None
    monthly: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStanding:
    """An operator freezes, deactivates or activates a wallet."""

    wallet: int
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTime:
    """Time goes by."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Somebody asks what a wallet holds."""

    person: int
    wallet: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """Somebody asks what happened last in a wallet."""

    person: int
    wallet: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Somebody asks to move money. `amount` is in minor units.

    `words` is a transfer's note, a withdrawal's destination or a deposit's gateway. `names_currency` is False where the
    request leaves the currency out, because it is the wallet's own.
    """

    kind: Kind
    person: int
    wallet: int
    currency: str
    amount: int
    key: str | None
    to: To | None = None
    words: str | None = None
    names_currency: bool = True

    @property
    def body(self) -> tuple[object, ...]:
        """What is asked for, by which a retry is told from another request under the same key."""
        return (self.kind, self.wallet, self.currency, self.amount, self.to, self.words)


Operation: TypeAlias = (
    SignUp
    | OpenWallet
    | HoldCurrency
    | MakeDefault
    | ChangePerson
    | LowerLimits
    | SetStanding
    | PassTime
    | Look
    | LookBack
    | Move
)


def wallets_of(operation: Operation) -> set[int]:
    """The wallets that the operation names."""
    named = set()
    wallet = getattr(operation, "wallet", None)
    if wallet is not None:
        named.add(wallet)
    if isinstance(operation, Move) and operation.to is not None and operation.to.by is By.WALLET:
        named.add(operation.to.number)
    return named


def written(amount: int, currency: str) -> str:
    """An amount of minor units as clients read and write it."""
    digits = EXPONENTS[currency]
    whole, rest = divmod(amount, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)
