"""What there is to measure, by name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Family(StrEnum):
    """Rows that measure the same thing; what `ROWS` chooses from."""

    SQL = "sql"
    LEDGER = "ledger"
    HTTP = "http"
    NOOP = "noop"
    BALANCE = "balance"
    HISTORY = "history"
    IDLE = "idle"


class Accounts(StrEnum):
    """Whose accounts a row is about: ten, all, or the one with the long history."""

    HOT = "hot"
    WIDE = "wide"
    VETERAN = "veteran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure: under so many callers or connections, and, where it has several, in which variant.

    `past_the_cache` asks a service that has none, `grows` is measured on the large books too.
    """

    family: Family
    accounts: Accounts
    callers: int
    variant: str = ""
    past_the_cache: bool = False
    grows: bool = False

    @property
    def subject(self) -> str:
        """What is measured, by whose accounts: `http_hot`, `balance_past_wide`, `history_oldest`."""
        accounts = "" if self.accounts is Accounts.VETERAN else self.accounts
        return "_".join(filter(None, (self.family, self.variant, accounts)))

    @property
    def name(self) -> str:
        """Its name in the results."""
        return f"{self.subject}_{self.callers}"


IDLE_WAYS: Final = {"direct": "idle_direct", "ledger": "idle_ledger", "http": "idle_http"}
"""What the ways are called that one client goes in turns: at PostgresLedger, through the batches, over HTTP."""

COMPARED_WITH: Final[dict[Family, tuple[Family, ...]]] = {
    Family.SQL: (),
    Family.LEDGER: (Family.SQL,),
    Family.HTTP: (Family.SQL, Family.NOOP),
    Family.NOOP: (),
    Family.BALANCE: (Family.NOOP,),
    Family.HISTORY: (Family.NOOP,),
    Family.IDLE: (),
}
"""What the rows of a family are held against: chosen along with them."""


def with_those_compared_with(families: frozenset[Family]) -> frozenset[Family]:
    """The families, and those that they are held against."""
    return families.union(*(COMPARED_WITH[family] for family in families))
