"""Hypothesis strategies for what the ledger is asked. Importing this module needs Hypothesis; nothing else does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from hypothesis import strategies as st

from wallet_core.ids import UserId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.state import LockedState
from wallet_core.money import DIGITS_MAX, Currency
from wallet_core.testing.builders import (
    GATEWAY,
    a_deposit,
    a_limit,
    a_system_account,
    a_transfer,
    a_withdrawal,
    an_account,
)

TIME_ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
)
"""Zones that differ in what makes a day hard: far offsets, fractions of hours, clocks changed at midnight."""


class Asked(Enum):
    """What a step asks for."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A command before anybody is there to ask it: people are numbers, to be taken modulo their count."""

    asked: Asked
    own: int
    other: int
    amount: int
    key: str | None
    currency: str

    def of(self, people: Sequence[Account], *, stranger: bool = False) -> Command:
        """The command, asked by its person or, when `stranger` is set, by the one whose wallet it is not."""
        own, other = people[self.own % len(people)], people[self.other % len(people)]
        user_id: UserId | None = other.user_id if stranger else own.user_id
        match self.asked:
            case Asked.DEPOSIT:
                return a_deposit(own, amount=self.amount, key=self.key, currency=self.currency, user_id=user_id)
            case Asked.WITHDRAW:
                return a_withdrawal(own, amount=self.amount, key=self.key, currency=self.currency, user_id=user_id)
            case Asked.TRANSFER:
                return a_transfer(own, other, amount=self.amount, key=self.key, currency=self.currency, user_id=user_id)


Jump: TypeAlias = timedelta


def amounts(*, highest: int = 1_500) -> st.SearchStrategy[int]:
    """Amounts in minor units, more than zero."""
    return st.integers(1, highest)


def keys() -> st.SearchStrategy[str | None]:
    """Idempotency keys out of so few that they meet each other, or none."""
    return st.sampled_from([None, None, "k1", "k2", "k3"])


def currencies_of_iso() -> st.SearchStrategy[Currency]:
    """Currencies with every number of digits there is."""
    return st.sampled_from([Currency("JPY", 0), Currency("USD", 2), Currency("KWD", 3), Currency("CLF", 4)])


def minor_units() -> st.SearchStrategy[int]:
    """Every amount that can be written."""
    return st.integers(1, 10**DIGITS_MAX - 1)


def wishes(*, highest: int = 1_500) -> st.SearchStrategy[Wish]:
    """Commands of every kind among a few people."""
    return st.builds(
        Wish,
        asked=st.sampled_from(Asked),
        own=st.integers(0, 3),
        other=st.integers(0, 3),
        amount=amounts(highest=highest),
        key=keys(),
        currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
    )


def jumps() -> st.SearchStrategy[Jump]:
    """How far a clock moves on: moments, hours, days, across months."""
    return st.one_of(
        st.timedeltas(timedelta(microseconds=1), timedelta(hours=1)),
        st.timedeltas(timedelta(hours=1), timedelta(days=2)),
        st.timedeltas(timedelta(days=2), timedelta(days=400)),
    )


def time_zones() -> st.SearchStrategy[str]:
    """Names of time zones with hard days."""
    return st.sampled_from(TIME_ZONES)


def caps(*, highest: int = 2_000) -> st.SearchStrategy[Caps]:
    """What an operator may grant."""
    return st.builds(Caps, daily=st.integers(0, highest), monthly=st.integers(0, 2 * highest))


def chosen_caps(*, highest: int = 2_500) -> st.SearchStrategy[ChosenCaps]:
    """What a person may choose, within what is granted or above it."""
    maximum = st.none() | st.integers(0, highest)
    return st.builds(ChosenCaps, daily=maximum, monthly=maximum)


def account_statuses() -> st.SearchStrategy[AccountStatus]:
    """How an account may stand."""
    return st.sampled_from(AccountStatus)


@st.composite
def locked_states(draw: st.DrawFn) -> tuple[LockedState, list[Account]]:
    """Books of up to four people with balances, limits and standings, and those people's accounts."""
    count = draw(st.integers(1, 4))
    people = [an_account(balance=draw(st.integers(0, 2_000)), status=draw(account_statuses())) for _ in range(count)]
    limits = [
        a_limit(user_id=person.user_id, kind=kind, daily=granted.daily, monthly=granted.monthly)
        for person in people
        for kind in LimitKind
        if (granted := draw(caps())) is not None
    ]
    total = sum(person.balance for person in people)
    system = [a_system_account(f"gateway:{GATEWAY}", balance=-total), a_system_account("payout")]
    return LockedState(accounts=[*people, *system], limits=limits), people
