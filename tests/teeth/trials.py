"""Trying a mistake: a copy of the tree, the mistake in it, and the tests that should notice."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from tests.teeth.mistakes import Mutant

TEST_SECONDS_MAX: Final = 60
RUN_SECONDS_MAX: Final = 180

_COPIED: Final = ("adapters", "entrypoints", "sql", "tests", "wallet_core", "pyproject.toml", "README.md")
_PYTEST: Final = (
    sys.executable,
    "-m",
    "pytest",
    "-x",
    "-rfE",
    "-p",
    "no:cacheprovider",
    f"--timeout={TEST_SECONDS_MAX}",
)
_PASSED, _FAILED, _TOO_LATE = 0, 1, 124
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

    def __str__(self) -> str:
        return f"{self.verdict.name.lower():9} {self.seconds:5.1f} s  {self.mutant.title}: {self.told}"


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials on the tree as it stood at one moment, whoever goes on working in it meanwhile."""

    root: Path

    @classmethod
    @contextmanager
    def on(cls, root: Path) -> Iterator["Trials"]:
        """Trials while the block runs."""
        with _folder() as folder:
            yield cls(_copied(root, folder))

    def try_nothing(self, tests: Sequence[str]) -> str | None:
        """What the tests complain of where there is no mistake; nothing when they pass."""
        with _folder() as folder:
            code, said = _run(_copied(self.root, folder), tests)
        return None if code == _PASSED else f"{' '.join(tests)}\n{said}"

    def try_out(self, mutant: Mutant) -> Trial:
        """Make the mistake and see who notices. Raises DoesNotApply."""
        began = time.monotonic()
        with _folder() as folder:
            copy = _copied(self.root, folder)
            for path, text in mutant.changed(copy).items():
                path.write_text(text, encoding="utf-8")
            code, said = _run(copy, mutant.tests)
        seconds = time.monotonic() - began
        noticed = _NOTICED.search(said)
        if code == _FAILED and noticed is not None:
            return Trial(mutant, Verdict.KILLED, noticed[1], seconds)
        if code == _PASSED:
            return Trial(mutant, Verdict.SURVIVED, "nothing noticed it", seconds)
        return Trial(mutant, Verdict.NOT_TRIED, f"pytest ended with {code}\n{said[-2_000:]}", seconds)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wallet-teeth-") as folder:
        yield Path(folder)


def _copied(root: Path, folder: Path) -> Path:
    """The tree, in that folder."""
    copy = folder / "wallet"
    copy.mkdir()
    for name in _COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(root / name, copy / name)
    return copy


def _run(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    """pytest's exit code, or one that it does not have for what took too long, and what it said."""
    try:
        ended = subprocess.run(
            [*_PYTEST, *tests], cwd=copy, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return _TOO_LATE, f"took longer than {RUN_SECONDS_MAX} s"
    return ended.returncode, ended.stdout + ended.stderr
