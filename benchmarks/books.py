"""The books that are measured on: how many people, with how long a history, and under which ids."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from wallet_core.ids import SessionId, TransactionId, UserId, WalletId

CURRENCY: Final = "USD"
DEPOSIT: Final = 10_000_000_000
"""What everybody holds at first, in minor units: more than any run moves out of one account."""
CAP: Final = 1_000_000_000_000_000
"""Everybody's daily and monthly limit, in minor units, so high that nothing is declined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many people there are, and how much happened before (see sql/books.sql).

    The first `hot` of them have the accounts of the hot rows; one more person, the veteran, has the long history.
    """

    name: str
    people: int
    hot: int = 10
    hot_rings: int
    veteran_rings: int
    wide_rings: int = 0

    @property
    def veteran(self) -> int:
        """The number of the person with the long history."""
        return self.people

    @property
    def entries(self) -> int:
        """How many entries the books have."""
        deposits = self.people + 1
        return 2 * (deposits + self.hot_rings * self.hot + self.veteran_rings * 2 + self.wide_rings * self.people)

    @property
    def veterans_entries(self) -> int:
        """How many of them are the veteran's."""
        return 1 + 2 * self.veteran_rings

    def veterans_payment(self, seq: int) -> int:
        """The number of the movement by which the veteran paid somebody, as their entry of that odd `seq`.

        Raises ValueError when there is none.
        """
        ring, odd = divmod(seq - 3, 2)
        if odd or not 0 <= ring < self.veteran_rings:
            raise ValueError(f"The veteran's entry {seq} is no payment.")
        return self.people + 1 + self.hot_rings * self.hot + ring * 2 + 1


SMALL: Final = Size(name="small", people=10_000, hot_rings=40, veteran_rings=60)
"""A deposit for each of 10,000 people, and for the hot ones and the veteran a page or two of history."""
LARGE: Final = Size(name="large", people=10_000, hot_rings=40, veteran_rings=500_000, wide_rings=149)
"""5,000,802 entries, 1,000,001 of them in one account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A database with books of that size, as the service reaches it and as its owner does.

    `cache` is the number of the logical database that a service on these books keeps its cache in.
    """

    database: str
    size: Size
    service_dsn: str
    owner_dsn: str
    cache: int


def user_id(number: int) -> UserId:
    """The id of that person."""
    return UserId(_named("8001", number))


def wallet_id(number: int) -> WalletId:
    """The id of that person's one wallet."""
    return WalletId(_named("8002", number))


def session_id(number: int) -> SessionId:
    """The id of that person's one session."""
    return SessionId(_named("8007", number))


def transaction_id(number: int) -> TransactionId:
    """The id of the movement of that number, of those that the books were made with."""
    return TransactionId(_named("8005", number))


def _named(family: str, number: int) -> UUID:
    # As sql/books.sql does it: by the number alone, so that pgbench's script can name somebody too.
    return UUID(f"00000000-0000-7000-{family}-{number:012d}")
