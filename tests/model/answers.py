"""What the naive books keep, and what they answer."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeAlias

from tests.model.operations import Move, Standing

REFUSALS_KEPT_A_DAY: Final = 100

Place: TypeAlias = int | str
"""A wallet: a person's by its number, the system's by its name."""


@dataclass(slots=True)
class Person:
    """Somebody who signed up."""

    name: str
    time_zone: str = "UTC"


@dataclass(slots=True)
class Purse:
    """What is held in one currency, how many entries made it so, and how many refusals each UTC day saw."""

    balance: int = 0
    entries: int = 0
    refusals: Counter[date] = field(default_factory=Counter)

    @property
    def refusals_kept(self) -> int:
        """How many of them are in the history."""
        return sum(min(count, REFUSALS_KEPT_A_DAY) for count in self.refusals.values())


@dataclass(slots=True, kw_only=True)
class Wallet:
    """A person's wallet."""

    owner: int
    name: str
    currency: str
    is_default: bool
    standing: Standing = Standing.ACTIVE
    purses: dict[str, Purse] = field(default_factory=dict)


class End(NamedTuple):
    """One end of a movement: the wallet, its owner's name at the time, and what it held after it."""

    place: Place
    holder: str | None
    balance_after: int | None


class Leg(NamedTuple):
    """An entry: where, the signed amount, and the purse right after it."""

    place: Place
    amount: int
    balance: int
    entries: int


@dataclass(slots=True, kw_only=True)
class Kept:
    """A line of the log: what the operation of that number asked for, and what became of it."""

    number: int
    move: Move
    reason: str | None
    details: dict[str, object]
    source: End | None
    destination: End | None
    at: datetime
    day: date


@dataclass(slots=True, kw_only=True)
class Answer:
    """What an operation is answered: done, or the code of why not.

    `kept` is the line of the log that the answer stands on, `legs` what it moved, `shown` what a look saw. `refused_on`
    is the UTC day on which it counts as a refusal, and `refusals` how many are kept and how many that day saw with it.
    """

    code: str | None = None
    details: dict[str, object] = field(default_factory=dict)
    kept: Kept | None = None
    replayed: bool = False
    legs: tuple[Leg, ...] = ()
    refused_on: date | None = None
    refusals: tuple[int, int] = (0, 0)
    shown: object = None


class Use(NamedTuple):
    """One maximum and how much of it is used; `resets_at` is when it starts anew."""

    window: str
    limit: int
    used: int
    resets_at: datetime
