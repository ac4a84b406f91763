"""The command line: `python -m benchmarks`."""

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console

from benchmarks.chart import chart
from benchmarks.faults import BenchFailed
from benchmarks.plan import full_plan, quick_plan
from benchmarks.results import Results
from benchmarks.rows import Family
from benchmarks.run import run

RESULTS: Final = Path(__file__).with_name("results")
_screen = Console(highlight=False, soft_wrap=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Shorter, in fewer rounds, and without growth.")
@click.option("--rows", default="", help="Some families of rows alone, by name, with those they are compared with.")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where latest.json and the chart go; without it only a whole run keeps any.",
)
def main(*, quick: bool, rows: str, results: Path | None) -> None:
    """Measure what the service does in a second beside what SQL alone does."""
    known = {family.value: family for family in Family}
    unknown = [name for name in rows.split() if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(known)}", param_hint="--rows")
    families = frozenset(known[name] for name in rows.split()) or frozenset(Family)
    plan = (quick_plan if quick else full_plan)(families)
    whole = not quick and families == frozenset(Family)
    signal.signal(signal.SIGTERM, _leave)
    started = time.monotonic()
    try:
        found = Results.of(plan, run(plan, _screen.print).figures)
    except BenchFailed as failure:
        _screen.print(str(failure), style="red", markup=False)
        sys.exit(1)
    for line in ("", *found.lines_of_rows(), "", *found.lines_of_ratios(), ""):
        _screen.print(line, markup=False)
    _screen.print(f"{found.summary()} It took {time.monotonic() - started:.0f} s.")
    folder = results or (RESULTS if whole else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        written = json.dumps(found.document(_command(quick=quick, rows=rows)), indent=1)
        (folder / "latest.json").write_text(written + "\n", encoding="utf-8")
        (folder / "latest.svg").write_text(chart(found.measured), encoding="utf-8")
        _screen.print(f"Written to {folder}: latest.json and latest.svg")


def _command(*, quick: bool, rows: str) -> str:
    return " ".join(["make bench", *(["QUICK=1"] if quick else []), *([f'ROWS="{rows}"'] if rows else [])])


def _leave(_: int, __: FrameType | None) -> None:
    # As Ctrl-C does: what was started is stopped, and the folder removed.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
