"""The command line: `python -m benchmarks`."""

import sys

import click
from rich.console import Console

from benchmarks.faults import BenchFailed
from benchmarks.plan import full_plan, quick_plan
from benchmarks.rows import Family
from benchmarks.run import run

_screen = Console(highlight=False, soft_wrap=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Shorter, in fewer rounds, and without growth.")
@click.option("--rows", default="", help="Some families of rows alone, by name, with those they are compared with.")
def main(*, quick: bool, rows: str) -> None:
    """Measure what the service does in a second beside what SQL alone does."""
    known = {family.value: family for family in Family}
    unknown = [name for name in rows.split() if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(known)}", param_hint="--rows")
    families = frozenset(known[name] for name in rows.split()) or frozenset(Family)
    try:
        run((quick_plan if quick else full_plan)(families), _screen.print)
    except BenchFailed as failure:
        _screen.print(str(failure), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
