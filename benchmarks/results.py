"""What a run came to: as JSON for programs, as lines for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.figures import Figures, Spread
from benchmarks.machine import machine, versions
from benchmarks.plan import Plan
from benchmarks.processes import Kind
from benchmarks.ratios import Measured, ratios
from benchmarks.targets import TARGETS, missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The figures of every round, and the ratios that they make."""

    plan: Plan
    measured: Measured
    ratios: Mapping[str, Spread]

    @staticmethod
    def of(plan: Plan, measured: Measured) -> "Results":
        """What those figures come to."""
        return Results(plan=plan, measured=measured, ratios=ratios(measured))

    def document(self, command: str) -> dict[str, Any]:
        """Everything, for programs. Rates are operations a second, latencies milliseconds, CPU in seconds."""
        sizes = {size.name: size for size in self.plan.sizes}
        return {
            "command": command,
            "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "machine": machine(),
            "versions": versions(self.plan.generator),
            "plan": {
                "rounds": self.plan.rounds,
                "seconds": self.plan.seconds,
                "warm_seconds": self.plan.warm_seconds,
                "entries": {name: size.entries for name, size in sizes.items()},
            },
            "ratios": {name: round(spread.middle, 3) for name, spread in self.ratios.items()},
            "ratios_of_rounds": {
                name: [round(each, 3) for each in spread.rounds] for name, spread in self.ratios.items()
            },
            "targets": {
                name: {
                    "at_least": target.at_least,
                    "at_most": target.at_most,
                    "met": target.is_met_by(self.ratios[name]),
                }
                for name, target in TARGETS.items()
                if name in self.ratios
            },
            "rows": [
                {
                    "books": size,
                    "row": row,
                    "rate": round(median(each.rate for each in rounds), 1),
                    "p50_ms": round(median(each.p50_ms for each in rounds), 3),
                    "p99_ms": round(median(each.p99_ms for each in rounds), 3),
                    "cpu_seconds_per_thousand": _cpu(rounds),
                    "wal_bytes_per_operation": round(median(each.wal_per_operation for each in rounds)),
                    "rounds": [
                        {
                            "operations": each.operations,
                            "seconds": round(each.seconds, 3),
                            "p50_ms": round(each.p50_ms, 3),
                            "p99_ms": round(each.p99_ms, 3),
                        }
                        for each in rounds
                    ],
                }
                for (size, row), rounds in self.measured.items()
            ],
        }

    def lines_of_rows(self) -> Iterator[str]:
        """What every row did, as medians over the rounds, for people."""
        headings = f"{'a second':>10}{'lowest':>10}{'highest':>10}{'p50 ms':>10}{'p99 ms':>10}"
        yield f"{'row':26}{'books':6}{headings}   WAL bytes   CPU seconds per thousand"
        yield f"{'':82}   {'each':>9}" + "".join(f"{kind:>16}" for kind in Kind)
        for (size, row), rounds in self.measured.items():
            rates = Spread(rounds=tuple(each.rate for each in rounds))
            cpu = _cpu(rounds)
            yield (
                f"{row:26}{size:6}"
                + "".join(f"{rate:10,.0f}" for rate in (rates.middle, rates.lowest, rates.highest))
                + f"{median(each.p50_ms for each in rounds):10.2f}{median(each.p99_ms for each in rounds):10.2f}"
                + f"{median(each.wal_per_operation for each in rounds):12,.0f}"
                + "".join(f"{cpu[kind]:16.3f}" if cpu.get(kind) else f"{'':16}" for kind in Kind)
            ).rstrip()

    def lines_of_ratios(self) -> Iterator[str]:
        """Each ratio, how far the rounds lie apart, and what it is meant to be, for people."""
        yield f"{'ratio, of each round':32}{'median':>10}{'lowest':>10}{'highest':>10}   target"
        for name, spread in self.ratios.items():
            target = TARGETS.get(name)
            told = "" if target is None else f"   {target}: {'met' if target.is_met_by(spread) else 'MISSED'}"
            yield f"{name:32}{spread.middle:10.2f}{spread.lowest:10.2f}{spread.highest:10.2f}{told}"

    def summary(self) -> str:
        """How many of the targets are met, and which are not."""
        wanted = [name for name in self.ratios if name in TARGETS]
        misses = missed(self.ratios)
        if not misses:
            return f"All {len(wanted)} targets of what was measured are met."
        return f"{len(wanted) - len(misses)} of {len(wanted)} targets are met; missed: {', '.join(misses)}."


def _cpu(rounds: list[Figures]) -> dict[str, float]:
    """Medians of CPU seconds per thousand, by kind of process."""
    return {
        kind: round(median(each.cpu_per_thousand.get(kind, 0.0) for each in rounds), 4)
        for kind in Kind
        if any(kind in each.usage.cpu_seconds for each in rounds)
    }
