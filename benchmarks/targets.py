"""What the figures are meant to be: the one list of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Spread
from benchmarks.ratios import RATIOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound that the median of a ratio is meant to keep."""

    ratio: str
    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, spread: Spread) -> bool:
        """Whether it is."""
        return (self.at_least is None or spread.middle >= self.at_least) and (
            self.at_most is None or spread.middle <= self.at_most
        )

    def __str__(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


GROWTH_MIN: Final = 0.9
"""What may be lost of any figure between the small books and the large ones."""

TARGETS: Final = {
    target.ratio: target
    for target in (
        Target(ratio="ledger_hot", at_least=5),
        Target(ratio="ledger_wide", at_least=2),
        Target(ratio="http_hot", at_least=2.5),
        Target(ratio="http_wide", at_least=1.2),
        Target(ratio="http_over_noop", at_least=0.6),
        Target(ratio="balance_over_noop", at_least=0.8),
        Target(ratio="http_p99_over_p50", at_most=10),
        Target(ratio="http_p99_over_p50_wide", at_most=10),
        Target(ratio="idle_over_direct", at_most=1.3),
        *(Target(ratio=ratio.name, at_least=GROWTH_MIN) for ratio in RATIOS if ratio.name.startswith("growth_")),
    )
}


def missed(ratios: Mapping[str, Spread]) -> list[str]:
    """The ratios that were measured and miss their target."""
    return [name for name, spread in ratios.items() if name in TARGETS and not TARGETS[name].is_met_by(spread)]
