"""What a run does: which rows, how often and how long, on which books."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.books import LARGE, SMALL, Size
from benchmarks.load import Generator, generators_here
from benchmarks.rows import Accounts, Family, Row, with_those_compared_with

_SQL_CLIENTS: Final = 20
_GROUP: Final = 64
_CROWD: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a run is made. `large` is missing where growth is not measured. Times are seconds for each row.

    `lap_seconds` is for the large books before the first round. `processes` is how many serve; `callers_max` bounds
    what the rows say.
    """

    families: frozenset[Family]
    rounds: int
    seconds: float
    warm_seconds: float
    lap_seconds: float = 6.0
    small: Size = SMALL
    large: Size | None = LARGE
    processes: int = 2
    callers_max: int = 256
    minutes_max: float = 20.0
    generator: Generator = field(default_factory=lambda: generators_here()[0])

    @property
    def rows(self) -> tuple[Row, ...]:
        """The chosen rows, in the order in which a round measures them: what is compared stands close together."""
        chosen = with_those_compared_with(self.families)
        return tuple(row for row in ROWS if row.family in chosen)

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The books there are."""
        return (self.small,) if self.large is None else (self.small, self.large)

    def sizes_of(self, row: Row) -> tuple[Size, ...]:
        """The books that the row is measured on."""
        return self.sizes if row.grows else (self.small,)

    @property
    def measurements(self) -> int:
        """How many times anything is measured in all."""
        return self.rounds * sum(len(self.sizes_of(row)) for row in self.rows)


def _moving(accounts: Accounts) -> Sequence[Row]:
    return (
        Row(family=Family.SQL, accounts=accounts, callers=_SQL_CLIENTS, grows=True),
        Row(family=Family.LEDGER, accounts=accounts, callers=_CROWD, grows=True),
        Row(family=Family.HTTP, accounts=accounts, callers=_CROWD, grows=True),
        Row(family=Family.NOOP, accounts=accounts, callers=_CROWD),
        Row(family=Family.HTTP, accounts=accounts, callers=_GROUP),
        Row(family=Family.LEDGER, accounts=accounts, callers=_SQL_CLIENTS),
    )


def _reading(accounts: Accounts, *, past: bool) -> Sequence[Row]:
    return tuple(
        Row(
            family=family,
            accounts=accounts,
            callers=_GROUP,
            variant="past" if past else "",
            past_the_cache=past,
            grows=True,
        )
        for family in (Family.BALANCE, Family.HISTORY)
    )


def _remembering(variant: str) -> Row:
    return Row(
        family=Family.HISTORY,
        accounts=Accounts.VETERAN,
        callers=_GROUP,
        variant=variant,
        past_the_cache=True,
        grows=True,
    )


ROWS: Final = (
    *_moving(Accounts.HOT),
    *_moving(Accounts.WIDE),
    Row(family=Family.IDLE, accounts=Accounts.HOT, callers=1),
    Row(family=Family.NOOP, accounts=Accounts.HOT, callers=_GROUP),
    *_reading(Accounts.HOT, past=False),
    Row(family=Family.NOOP, accounts=Accounts.WIDE, callers=_GROUP),
    *_reading(Accounts.WIDE, past=False),
    *_reading(Accounts.HOT, past=True),
    *_reading(Accounts.WIDE, past=True),
    _remembering("newest"),
    _remembering("oldest"),
)


def full_plan(families: frozenset[Family]) -> Plan:
    """Everything, growth included."""
    return Plan(families=families, rounds=3, seconds=3.0, warm_seconds=1.0)


def quick_plan(families: frozenset[Family]) -> Plan:
    """For whoever changes something and wants to know: shorter, fewer, and without growth."""
    return Plan(families=families, rounds=2, seconds=1.25, warm_seconds=0.4, large=None)
