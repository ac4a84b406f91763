"""Tables as CSV, in which no cell does anything when a spreadsheet opens it."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

CSV: Final = "text/csv; charset=utf-8"

_BEGINS_A_FORMULA: Final = frozenset("=+-@\t\r\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                                     "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


def csv_lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    """The rows as RFC 4180 has them, each cell in quotes."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([_inert(cell) for cell in row] for row in rows)
    return written.getvalue().encode()


def _inert(cell: str | None) -> str:
    """With an apostrophe before what would be taken for a formula, also behind spaces."""
    text = cell or ""
    return f"'{text}" if text[:1] in _BEGINS_A_FORMULA or text.lstrip()[:1] in _BEGINS_A_FORMULA else text
