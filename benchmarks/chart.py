"""The results as a picture: one SVG that needs nothing else, readable on light and on dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Final

from benchmarks.books import SMALL
from benchmarks.figures import Figures
from benchmarks.ratios import Measured

_WIDTH: Final = 820
_MARGIN: Final = 24
_LABEL_WIDTH: Final = 250
_VALUE_WIDTH: Final = 150
_BAR: Final = 18
_STEP: Final = 28
_HEADING: Final = 44
_TIMES: Final = "&#215;"
_CAPTION: Final = (
    f"Operations a second: the median of the rounds; the line spans them. {_TIMES} is to the SQL function."
)

_STYLE: Final = """
  .ground { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #656d76 } .whisker { stroke: #1f2328 }
  .sql { fill: #8c959f } .ledger { fill: #0072b2 } .http { fill: #009e73 } .noop { fill: #b0b8c1 }
  .balance { fill: #d98200 } .history { fill: #c2578f }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif } .heading { font-weight: 600; font-size: 15px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 } .whisker { stroke: #e6edf3 }
    .sql { fill: #8b949e } .ledger { fill: #56b4e9 } .http { fill: #2fbf93 } .noop { fill: #57606a }
    .balance { fill: #e6a532 } .history { fill: #d97fb0 }
  }
"""


@dataclass(frozen=True, slots=True)
class _Bar:
    """A row of the results: its name there, its colour, and what it says to a reader."""

    row: str
    colour: str
    label: str


_GROUPS: Final = tuple(
    (
        heading,
        (
            _Bar(f"sql_{accounts}_20", "sql", "SQL function, pgbench, 20 clients"),
            _Bar(f"ledger_{accounts}_256", "ledger", "ledger in process, 256 callers"),
            _Bar(f"http_{accounts}_256", "http", "HTTP transfer, 256 connections"),
            _Bar(f"noop_{accounts}_256", "noop", "HTTP nothing, 256 connections"),
            _Bar(f"balance_{accounts}_64", "balance", "HTTP balance, 64 connections"),
            _Bar(f"history_{accounts}_64", "history", "HTTP history, 64 connections"),
        ),
    )
    for accounts, heading in (("hot", "Between 10 accounts"), ("wide", "Between 10,000 accounts"))
)


def chart(measured: Measured) -> str:
    """What the rows did in a second on the small books: the median of the rounds, and how far they lie apart."""
    groups = [
        (heading, [(bar, measured[SMALL.name, bar.row]) for bar in bars if (SMALL.name, bar.row) in measured])
        for heading, bars in _GROUPS
    ]
    groups = [(heading, bars) for heading, bars in groups if bars]
    most = max((figures.rate for _, bars in groups for _, rounds in bars for figures in rounds), default=1.0)
    height = 2 * _MARGIN + 20 + sum(_HEADING + _STEP * len(bars) for _, bars in groups)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Operations a second">',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}" rx="6"/>',
        *_drawn(groups, most),
        f'<text class="faint" x="{_MARGIN}" y="{height - _MARGIN + 4}">{_CAPTION}</text>',
        "</svg>",
    )
    return "\n".join(lines) + "\n"


def _drawn(groups: Sequence[tuple[str, Sequence[tuple[_Bar, Sequence[Figures]]]]], most: float) -> Iterator[str]:
    top = _MARGIN
    for heading, bars in groups:
        yield f'<text class="text heading" x="{_MARGIN}" y="{top + 20}">{escape(heading)}</text>'
        top += _HEADING
        baseline = next((_rate(rounds) for bar, rounds in bars if bar.colour == "sql"), None)
        for bar, rounds in bars:
            yield from _bar(bar, rounds, top, most, baseline)
            top += _STEP


def _bar(bar: _Bar, rounds: Sequence[Figures], top: int, most: float, baseline: float | None) -> Iterator[str]:
    left = _MARGIN + _LABEL_WIDTH
    scale = (_WIDTH - left - _VALUE_WIDTH - _MARGIN) / most
    rates = [figures.rate for figures in rounds]
    middle, text_y = top + _BAR / 2, top + _BAR - 4
    yield f'<text class="text" x="{left - 10}" y="{text_y}" text-anchor="end">{escape(bar.label)}</text>'
    yield (
        f'<rect class="{bar.colour}" x="{left}" y="{top}" width="{_rate(rounds) * scale:.1f}" height="{_BAR}" rx="2"/>'
    )
    yield (
        f'<line class="whisker" x1="{left + min(rates) * scale:.1f}" x2="{left + max(rates) * scale:.1f}" '
        f'y1="{middle}" y2="{middle}" stroke-width="1.5"/>'
    )
    # The work that is compared is moving money: doing nothing, or reading, is no multiple of it.
    moves = bar.colour in ("ledger", "http")
    multiple = f"  {_TIMES}{_rate(rounds) / baseline:.1f}" if moves and baseline else ""
    yield (
        f'<text class="text" x="{left + max(rates) * scale + 8:.1f}" y="{text_y}">{_rate(rounds):,.0f}{multiple}</text>'
    )


def _rate(rounds: Sequence[Figures]) -> float:
    return median(figures.rate for figures in rounds)
