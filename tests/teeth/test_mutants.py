"""The mistakes fit the source: one that does not would be tried by nobody."""

from pathlib import Path

import pytest

from tests.teeth.mistakes import DoesNotApply, Edit, Mutant
from tests.teeth.mutants import MUTANTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_a_mistake_fits_the_source_and_changes_it(mutant: Mutant) -> None:
    for path, text in mutant.changed(ROOT).items():
        assert text != path.read_text(encoding="utf-8")


def test_no_two_mistakes_have_one_title() -> None:
    assert len({mutant.title for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("text", ["", "one one"])
def test_a_mistake_that_fits_nowhere_or_twice_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "file.py").write_text(text)

    with pytest.raises(DoesNotApply, match=r"a title: there are [02] places in file\.py"):
        Mutant("a title", (Edit("file.py", "one", "two"),), ()).changed(tmp_path)
