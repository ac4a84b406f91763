"""`python -m tests.teeth [words]`: try every mistake, or those with the words in their titles; tell which test noticed.

Each stands alone in a copy of the tree, on which the tests that should notice it are run; two copies at a time. First
the same tests are run on a copy without a mistake, where they must pass: a test that always fails notices nothing.
Exits 0 when every mistake is noticed, 1 when one is not, 2 when one could not be tried.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from tests.teeth.mutants import MUTANTS, Edit, Mutant

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("adapters", "entrypoints", "sql", "tests", "wallet_core", "pyproject.toml", "README.md")
COPIES_AT_ONCE: Final = 2
TEST_SECONDS_MAX: Final = 60
RUN_SECONDS_MAX: Final = 180

_PASSED, _FAILED = 0, 1
_NOTICED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


class Verdict(Enum):
    """What became of a mistake."""

    KILLED = auto()
    SURVIVED = auto()
    NOT_TRIED = auto()


@dataclass(frozen=True, slots=True)
class Trial:
    """A mistake, its verdict, and the test that noticed it or the reason why it could not be tried."""

    mutant: Mutant
    verdict: Verdict
    told: str
    seconds: float


class DoesNotApply(Exception):
    """The source has changed and a mistake no longer fits it; the message says which and where."""


def main(words: str) -> int:
    """Try them all; the exit code."""
    chosen = [mutant for mutant in MUTANTS if words in mutant.title]
    for mutant in chosen:
        _check(mutant)
    if not _pass_unchanged(chosen):
        print("The tests do not even pass without a mistake.")
        return 2
    with ThreadPoolExecutor(COPIES_AT_ONCE) as places:
        trials = []
        for trial in places.map(_tried, chosen):
            print(
                f"{trial.verdict.name.lower():9} {trial.seconds:5.1f} s  {trial.mutant.title}: {trial.told}", flush=True
            )
            trials.append(trial)
    killed = sum(trial.verdict is Verdict.KILLED for trial in trials)
    print(f"killed {killed} of {len(trials)}")
    if any(trial.verdict is Verdict.NOT_TRIED for trial in trials):
        return 2
    return 0 if killed == len(trials) else 1


def _check(mutant: Mutant) -> None:
    """Raises DoesNotApply where one of its edits does not fit the tree, before anything is run."""
    texts: dict[str, str] = {}
    for edit in mutant.edits:
        text = texts.get(edit.path) or (ROOT / edit.path).read_text(encoding="utf-8")
        texts[edit.path] = _edited(text, edit, mutant)


def _edited(text: str, edit: Edit, mutant: Mutant) -> str:
    places = text.count(edit.before)
    if places != 1:
        raise DoesNotApply(f"{mutant.title}: what it changes stands {places} times in {edit.path}: {edit.before!r}")
    return text.replace(edit.before, edit.after)


def _pass_unchanged(mutants: Sequence[Mutant]) -> bool:
    """Whether every set of tests passes on a copy without a mistake."""
    began = time.monotonic()
    with ThreadPoolExecutor(COPIES_AT_ONCE) as places:
        failures = [
            said for said in places.map(_failure_unchanged, dict.fromkeys(each.tests for each in mutants)) if said
        ]
    if failures:
        print("\n".join(failures))
    else:
        print(f"without a mistake all of these tests pass ({time.monotonic() - began:.0f} s)", flush=True)
    return not failures


def _failure_unchanged(tests: Sequence[str]) -> str | None:
    with tempfile.TemporaryDirectory(prefix="wallet-teeth-") as folder:
        code, said = _run(_copied(Path(folder)), tests)
    return None if code == _PASSED else f"{' '.join(tests)}\n{said}"


def _tried(mutant: Mutant) -> Trial:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wallet-teeth-") as folder:
        copy = _copied(Path(folder))
        for edit in mutant.edits:
            path = copy / edit.path
            path.write_text(_edited(path.read_text(encoding="utf-8"), edit, mutant), encoding="utf-8")
        code, said = _run(copy, mutant.tests)
    seconds = time.monotonic() - began
    noticed = _NOTICED.search(said)
    if code == _FAILED and noticed is not None:
        return Trial(mutant, Verdict.KILLED, noticed[1], seconds)
    if code == _PASSED:
        return Trial(mutant, Verdict.SURVIVED, "nothing noticed it", seconds)
    return Trial(mutant, Verdict.NOT_TRIED, f"pytest ended with {code}\n{said[-2_000:]}", seconds)


def _copied(folder: Path) -> Path:
    """The tree, in that folder."""
    copy = folder / "wallet"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / name)
    return copy


def _run(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    """pytest's exit code and what it said; its own code for what took too long is one that it does not know."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-rfE",
        "--timeout",
        str(TEST_SECONDS_MAX),
        "-p",
        "no:cacheprovider",
    ]
    try:
        ended = subprocess.run(
            [*command, *tests], cwd=copy, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired as late:
        return 124, f"took longer than {late.timeout} s"
    return ended.returncode, ended.stdout + ended.stderr


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
