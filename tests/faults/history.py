"""What was asked and what was said to it, attempt by attempt, and the report of a row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus

from tests.races.client import Answer

KEPT_REASONS = frozenset({"insufficient_funds", "limit_exceeded", "recipient_unavailable", "currency_mismatch"})
"""Refusals that a transaction keeps."""

NOTHING_HAPPENED = frozenset({"unavailable", "overloaded"})
UNKNOWN = frozenset({*NOTHING_HAPPENED, "outcome_unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A movement that is asked for. `action` is the path's last part, `amount` in cents; people by their number."""

    key: str
    action: str
    person: int
    other: int | None
    amount: int
    currency: str


class Verdict(Enum):
    """What an answer says of the movement."""

    DONE = auto()
    DECLINED = auto()
    UNKNOWN = auto()
    UNEXPECTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request and its answer; None where the connection broke or nobody answered in time."""

    began: float
    ended: float
    answer: Answer | None

    @property
    def verdict(self) -> Verdict:
        """What it says of the movement."""
        if self.answer is None:
            return Verdict.UNKNOWN
        match self.answer.status:
            case HTTPStatus.CREATED:
                return Verdict.DONE
            case HTTPStatus.SERVICE_UNAVAILABLE if self.answer.code in UNKNOWN:
                return Verdict.UNKNOWN
            case _ if self.answer.code in KEPT_REASONS:
                return Verdict.DECLINED
        return Verdict.UNEXPECTED

    @property
    def says_nothing_happened(self) -> bool:
        """Whether it promises that a retry is the first."""
        return self.answer is not None and self.answer.code in NOTHING_HAPPENED

    @property
    def is_definite(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.verdict is not Verdict.UNKNOWN


@dataclass(slots=True)
class Record:
    """All that became known of an operation."""

    operation: Operation
    attempts: list[Attempt] = field(default_factory=list)
    again: Attempt | None = None

    @property
    def settled(self) -> Attempt | None:
        """The first definite attempt."""
        return next((attempt for attempt in self.attempts if attempt.is_definite), None)

    @property
    def is_ambiguous(self) -> bool:
        """Whether any attempt was left without a definite answer."""
        return any(not attempt.is_definite for attempt in self.attempts)

    @property
    def was_lied_to(self) -> bool:
        """Whether it was told each time that nothing had happened when something had."""
        unknown = [attempt for attempt in self.attempts if not attempt.is_definite]
        settled = self.settled
        return (
            settled is not None
            and settled.answer is not None
            and settled.answer.replayed
            and all(attempt.says_nothing_happened for attempt in unknown)
        )


@dataclass(slots=True, kw_only=True)
class Row:
    """What a fault did, and what must be nothing."""

    name: str
    operations: int = 0
    retried: int = 0
    faults: int = 0
    ambiguous: int = 0
    declines: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    flipped: int = 0
    findings: int = 0
    leaks: int = 0
    recoveries: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        recovery = f"{max(self.recoveries):.2f}s" if self.recoveries else "-"
        figures = "".join(f" {name}={value}" for name, value in self.figures.items())
        return (
            f"{self.name} ops={self.operations} retried={self.retried} faults={self.faults} "
            f"ambiguous={self.ambiguous} declines={self.declines.total()} lost={self.lost} doubled={self.doubled} "
            f"flipped={self.flipped} recovery={recovery} findings={self.findings} leaks={self.leaks}{figures}"
        )

    def count(self, records: Sequence[Record]) -> None:
        """Add what these operations went through."""
        self.operations += len(records)
        self.ambiguous += sum(record.is_ambiguous for record in records)
        for record in records:
            settled = record.settled
            if settled is not None and settled.answer is not None and settled.verdict is Verdict.DECLINED:
                self.declines[str(settled.answer.code)] += 1

    def assert_holds(self, *, recovery_seconds_max: float | None = None) -> None:
        """Nothing lost, doubled or flipped, nothing wrong with the books, nothing left behind."""
        assert self.troubles == [], f"{self}\n" + "\n".join(self.troubles[:20])
        assert (self.lost, self.doubled, self.flipped, self.findings, self.leaks) == (0, 0, 0, 0, 0), str(self)
        if recovery_seconds_max is not None:
            assert self.recoveries, str(self)
            assert max(self.recoveries) <= recovery_seconds_max, str(self)
