"""What the page on security says is shown by tests, is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = {
    int(number): re.findall(r"`(tests/[\w/]+\.py)`", tests)
    for number, tests in re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
}
_IN_NAMES = re.compile(r"def test_rows?_(\d+)(?:_and_(\d+))?_")
_IN_DOCSTRINGS = re.compile(r"Rows? (\d+)(?: and (\d+))?\b")


def numbers_in(text: str) -> set[int]:
    """The numbers that tests of a file carry, in their names or docstrings."""
    found = _IN_NAMES.findall(text) + _IN_DOCSTRINGS.findall(text)
    return {int(number) for pair in found for number in pair if number}


def test_every_number_that_a_test_carries_has_its_line() -> None:
    carried = {
        number
        for path in (ROOT / "tests").rglob("test_*.py")
        for number in numbers_in(path.read_text(encoding="utf-8"))
    }

    assert len(ROWS) > 40
    assert carried - ROWS.keys() == set()


def test_every_line_names_tests_that_carry_its_number() -> None:
    silent = []
    for number, paths in ROWS.items():
        texts = [(ROOT / path).read_text(encoding="utf-8") for path in paths]
        if not any(number in numbers_in(text) for text in texts):
            silent.append(number)

    assert all(ROWS.values())
    assert silent == []
