"""What a mistake is: an exact change of the source, and the tests that are to notice it."""

from dataclasses import dataclass
from pathlib import Path


class DoesNotApply(Exception):
    """The source has changed and a mistake no longer fits it; the message says which and where."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`before` stands exactly once in the file, and `after` takes its place."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `tests` is what pytest is told to run."""

    title: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    def changed(self, root: Path) -> dict[Path, str]:
        """The files of the tree that it changes, as they read after it. Raises DoesNotApply."""
        texts: dict[Path, str] = {}
        for edit in self.edits:
            path = root / edit.path
            text = texts[path] if path in texts else path.read_text(encoding="utf-8")
            places = text.count(edit.before)
            if places != 1:
                raise DoesNotApply(f"{self.title}: there are {places} places in {edit.path} that read {edit.before!r}")
            texts[path] = text.replace(edit.before, edit.after)
        return texts


def mutant(title: str, *edits: Edit, tests: tuple[str, ...]) -> Mutant:
    return Mutant(title, edits, tests)
