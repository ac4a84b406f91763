"""How a run is asked for, told of while it goes on, summed up, and repeated when it fails."""

import os
import secrets
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import pytest

from tests.model.answers import Answer
from tests.model.operations import By, Kind, Move, Operation, wallets_of

SEED: Final = "WALLET_MODEL_SEED"
_SEED_IN_CI: Final = 20261120
OPERATIONS: Final = "WALLET_MODEL_OPERATIONS"

DECLINED_SHARE_MIN: Final = 0.15
DECLINED_SHARE_MAX: Final = 0.40

_TOLD_SECONDS: Final = 10.0
_TRAIL_MAX: Final = 5_000
_TRAIL_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which run it is to be. The same seed asks for the same operations, however many of them."""

    seed: int
    operations: int
    is_whole: bool

    @classmethod
    def from_environment(cls, default: int, environment: Mapping[str, str] = os.environ) -> "Wanted":
        """What the environment asks for; by default a seed of chance (a fixed one in CI) and so many operations.

        A run of at least as many is whole: everything that can happen must happen in it.
        """
        # A commit is judged by the same operations each time; whoever works on one tries new ones.
        chance = _SEED_IN_CI if environment.get("CI") else secrets.randbits(32)
        seed = int(environment.get(SEED) or chance)
        operations = int(environment.get(OPERATIONS) or default)
        return cls(seed=seed, operations=operations, is_whole=operations >= default)


class Mismatch(AssertionError):
    """The model and what is held against it disagree."""


class Trail:
    """What was asked last, to be told when something is amiss."""

    def __init__(self) -> None:
        self._asked: deque[tuple[int, Operation, str]] = deque(maxlen=_TRAIL_MAX)

    def add(self, number: int, operation: Operation, answer: Answer) -> None:
        """Note what an operation was to be answered."""
        self._asked.append((number, operation, answer.code or "done"))

    def about(self, operation: Operation, *, before: int) -> list[str]:
        """The last operations before that one which name the same wallets, or any where it names none."""
        wallets = wallets_of(operation)
        found = [
            f"    {number}: {asked} -> {code}"
            for number, asked, code in self._asked
            if number < before and (not wallets or wallets & wallets_of(asked))
        ]
        return found[-_TRAIL_SHOWN:]


@dataclass(slots=True)
class Report:
    """What happened in a run."""

    name: str
    test: str
    seed: int
    operations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    trail: Trail = field(default_factory=Trail)
    began: float = field(default_factory=lambda: time.perf_counter())
    _told: float = field(default_factory=lambda: time.perf_counter())

    def count(self, number: int, operation: Operation, answer: Answer) -> None:
        """One more operation, and what it is answered."""
        self.trail.add(number, operation, answer)
        if not isinstance(operation, Move):
            self.operations[type(operation).__name__] += 1
            self.notes[f"{type(operation).__name__} {answer.code or 'done'}"] += 1
            return
        self.operations[_named(operation)] += 1
        self.outcomes[answer.code or "moved"] += 1
        if answer.replayed:
            self.notes["replays of refusals" if answer.code else "replays of movements"] += 1
        elif answer.refused_on is not None and answer.kept is None:
            self.notes["refusals beyond those of a day that are kept"] += 1

    @property
    def declined_share(self) -> float:
        """How many of the movements asked for were refused, from 0 to 1."""
        return 1 - self.outcomes["moved"] / max(sum(self.outcomes.values()), 1)

    def progress(self, number: int, total: int, say: Callable[[str], None] | None = None) -> None:
        """Say how far it is, every ten seconds."""
        now = time.perf_counter()
        if now - self._told < _TOLD_SECONDS:
            return
        self._told = now
        rate = number / (now - self.began)
        line = f"{self.name}: {number:,} of {total:,} operations, {rate:,.0f}/s, {(total - number) / rate:,.0f} s to go"
        # A pipe would keep the line back until many have come together.
        (say or partial(print, flush=True))(line)

    def lines(self) -> list[str]:
        """The whole of it, as text."""
        seconds, count = time.perf_counter() - self.began, sum(self.operations.values())
        return [
            f"{self.name}: {count:,} operations in {seconds:.1f} s, all as the model says; seed {self.seed}",
            f"  asked: {_told(self.operations)}",
            f"  answered: {_told(self.outcomes)}; {self.declined_share:.0%} of the movements refused",
            f"  besides: {_told(self.notes)}",
            f"  again: {self.command(count)}",
        ]

    def show(self, capture: pytest.CaptureFixture[str]) -> None:
        """Tell whoever runs the tests, who sees nothing else of one that passes."""
        with capture.disabled():
            # Of parallel test processes only this reaches the terminal.
            print("", *self.lines(), sep="\n", file=sys.stderr, flush=True)

    def command(self, operations: int) -> str:
        """What to type to have the same once more."""
        return f"{SEED}={self.seed} {OPERATIONS}={operations} .venv/bin/python -m pytest -s {self.test}"

    def mismatch(self, number: int, operation: Operation, expected: object, found: object) -> Mismatch:
        """The error that says what went wrong and how to see it again."""
        return Mismatch(
            "\n".join(
                [
                    f"{self.name}, seed {self.seed}, operation {number}: {operation}",
                    f"  expected: {expected}",
                    f"  found:    {found}",
                    *_differences(expected, found),
                    "  before it:",
                    *self.trail.about(operation, before=number),
                    f"  again: {self.command(number)}",
                ]
            )
        )


def _named(move: Move) -> str:
    match move.kind, move.to:
        case Kind.TRANSFER, (By.EMAIL | By.PHONE | By.NOBODY, _):
            return "transfer by address"
        case Kind.TRANSFER, _:
            return "transfer by id"
        case kind, _:
            return kind.value


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counted.most_common())


def _differences(expected: object, found: object) -> list[str]:
    if not isinstance(expected, dict) or not isinstance(found, dict):
        return []
    names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    return [f"  {name}: {expected.get(name)} is not {found.get(name)}" for name in names]
