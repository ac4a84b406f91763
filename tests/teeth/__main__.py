"""`python -m tests.teeth [words]`: try every mistake, or those with the words in their titles; tell which test noticed.

First the same tests are run where there is no mistake, and must pass: a test that always fails notices nothing. Exits 0
when every mistake is noticed, 1 when one is not, 2 when one could not be tried.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.teeth.mistakes import DoesNotApply
from tests.teeth.mutants import MUTANTS
from tests.teeth.trials import Trials, Verdict

ROOT: Final = Path(__file__).parents[2]
COPIES_AT_ONCE: Final = 2

EXIT_ALL_KILLED, EXIT_SURVIVORS, EXIT_NOT_TRIED = 0, 1, 2


def main(words: str) -> int:
    """Try them; the exit code."""
    chosen = [mutant for mutant in MUTANTS if words in mutant.title]
    if not chosen:
        print(f"No mistake has {words!r} in its title.")
        return EXIT_NOT_TRIED
    with Trials.on(ROOT) as trials, ThreadPoolExecutor(COPIES_AT_ONCE) as places:
        try:
            for mutant in chosen:
                mutant.changed(trials.root)
        except DoesNotApply as misfit:
            print(misfit)
            return EXIT_NOT_TRIED
        began = time.monotonic()
        complaints = list(filter(None, places.map(trials.try_nothing, dict.fromkeys(each.tests for each in chosen))))
        if complaints:
            print(*complaints, "The tests do not pass where there is no mistake.", sep="\n")
            return EXIT_NOT_TRIED
        print(f"without a mistake all of these tests pass ({time.monotonic() - began:.0f} s)", flush=True)
        verdicts = []
        for trial in places.map(trials.try_out, chosen):
            print(trial, flush=True)
            verdicts.append(trial.verdict)
    print(f"killed {verdicts.count(Verdict.KILLED)} of {len(verdicts)}")
    if Verdict.NOT_TRIED in verdicts:
        return EXIT_NOT_TRIED
    return EXIT_SURVIVORS if Verdict.SURVIVED in verdicts else EXIT_ALL_KILLED


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
