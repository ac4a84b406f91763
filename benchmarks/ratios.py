"""What rows come to beside each other: a ratio in each round, and the median of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.books import LARGE, SMALL
from benchmarks.figures import Figures, Spread
from benchmarks.plan import ROWS

Measured = Mapping[tuple[str, str], list[Figures]]
"""The figures of each round, by the name of the books' size and of the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One figure over another of the same round; each is a row on books of a size, and what of it counts."""

    name: str
    over: tuple[str, str]
    under: tuple[str, str]
    figure_over: Callable[[Figures], float] = lambda figures: figures.rate
    figure_under: Callable[[Figures], float] = lambda figures: figures.rate

    def of(self, measured: Measured) -> Spread | None:
        """What it came to, where both were measured."""
        over, under = measured.get(self.over), measured.get(self.under)
        if not over or not under:
            return None
        return Spread(
            rounds=tuple(
                self.figure_over(above) / self.figure_under(below) for above, below in zip(over, under, strict=True)
            )
        )


def ratios(measured: Measured) -> dict[str, Spread]:
    """All that can be told of what was measured, by name."""
    told = ((ratio.name, ratio.of(measured)) for ratio in RATIOS)
    return {name: spread for name, spread in told if spread is not None}


def _small(row: str) -> tuple[str, str]:
    return (SMALL.name, row)


def _p50(figures: Figures) -> float:
    return figures.p50_ms


def _p99(figures: Figures) -> float:
    return figures.p99_ms


def _all() -> Iterator[Ratio]:
    for accounts in ("hot", "wide"):
        for family in ("ledger", "http"):
            yield Ratio(
                name=f"{family}_{accounts}",
                over=_small(f"{family}_{accounts}_256"),
                under=_small(f"sql_{accounts}_20"),
            )
    # Of the ten accounts under the plain name: there everything that can be in the cache is, and the crowd is densest.
    for accounts, suffix in (("hot", ""), ("wide", "_wide")):
        yield Ratio(
            name=f"http_over_noop{suffix}",
            over=_small(f"http_{accounts}_256"),
            under=_small(f"noop_{accounts}_256"),
        )
        for subject in ("balance", "history", "balance_past", "history_past"):
            yield Ratio(
                name=f"{subject}_over_noop{suffix}",
                over=_small(f"{subject}_{accounts}_64"),
                under=_small(f"noop_{accounts}_64"),
            )
        row = _small(f"http_{accounts}_64")
        yield Ratio(name=f"http_p99_over_p50{suffix}", over=row, under=row, figure_over=_p99, figure_under=_p50)
    for name, way in (("idle_over_direct", "idle_http"), ("idle_ledger_over_direct", "idle_ledger")):
        yield Ratio(name=name, over=_small(way), under=_small("idle_direct"), figure_over=_p50, figure_under=_p50)
    for grown in filter(lambda each: each.grows, ROWS):
        yield Ratio(name=f"growth_{grown.subject}", over=(LARGE.name, grown.name), under=_small(grown.name))


RATIOS: Final = tuple(_all())
