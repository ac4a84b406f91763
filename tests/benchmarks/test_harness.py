"""The harness of the benchmarks at work for moments: that each row does what it says, not how fast."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.books import Size
from benchmarks.chart import chart
from benchmarks.load import Generator
from benchmarks.plan import ROWS, Plan
from benchmarks.ratios import RATIOS
from benchmarks.results import Results
from benchmarks.rows import IDLE_WAYS, Family
from benchmarks.run import run
from benchmarks.targets import TARGETS

SMALL = Size(name="small", people=30, hot_rings=30, veteran_rings=30)
LARGE = Size(name="large", people=30, hot_rings=30, veteran_rings=40, wide_rings=2)

IN_PROCESS = frozenset({Family.SQL, Family.LEDGER})


def results_of(families: frozenset[Family]) -> tuple[Results, list[str]]:
    """Of one short round on tiny books, with growth, and what was said meanwhile."""
    plan = Plan(
        families=families,
        rounds=1,
        seconds=0.1,
        warm_seconds=0.0,
        lap_seconds=0.1,
        small=SMALL,
        large=LARGE,
        processes=1,
        callers_max=4,
        minutes_max=1.5,
        generator=Generator.OWN,
    )
    said: list[str] = []
    return Results.of(plan, run(plan, said.append).figures), said


def promised(families: frozenset[Family]) -> set[str]:
    """The names of the ratios whose rows all belong to those families."""
    names = {row.name for row in ROWS if row.family in families}
    names |= set(IDLE_WAYS.values()) if Family.IDLE in families else set()
    return {ratio.name for ratio in RATIOS if {ratio.over[1], ratio.under[1]} <= names}


# Apart from each other, so that they can run side by side.
@pytest.mark.parametrize("families", [IN_PROCESS, frozenset(Family) - {Family.LEDGER}], ids=["in process", "over HTTP"])
def test_every_row_runs_and_every_promised_ratio_is_told(families: frozenset[Family], tmp_path: Path) -> None:
    results, said = results_of(families)

    document = json.loads(json.dumps(results.document("make bench")))
    assert set(document["ratios"]) == promised(families)
    assert all(ratio > 0 for ratio in document["ratios"].values())
    told = {(row["books"], row["row"]) for row in document["rows"]}
    assert {row.name for row in ROWS if row.family in families - {Family.IDLE}} <= {row for _, row in told}
    assert {("large", row.name) for row in ROWS if row.family in families and row.grows} <= told
    assert all(row["p50_ms"] <= row["p99_ms"] for row in document["rows"])
    assert "The books books_large balance." in said
    assert set(document["targets"]) == set(TARGETS) & promised(families)
    assert len([*results.lines_of_rows(), *results.lines_of_ratios()]) == len(told) + len(document["ratios"]) + 3
    ET.fromstring(chart(results.measured))


def test_every_ratio_is_promised_by_some_family() -> None:
    assert promised(frozenset(Family)) == {ratio.name for ratio in RATIOS}
    assert set(TARGETS) <= {ratio.name for ratio in RATIOS}
