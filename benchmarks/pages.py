"""Pages of history to ask for, each as long on the large books as on the small ones."""

import asyncio
import json
from typing import Final
from urllib.parse import quote

from benchmarks import databases
from benchmarks.books import Books, transaction_id, wallet_id
from benchmarks.faults import BenchFailed
from benchmarks.requests import Callers, Requests
from benchmarks.rows import Accounts, Row
from benchmarks.service import Service, answer_of
from entrypoints.http.cursors import digest_of, statement_cursor
from wallet_core.ledger.statements import Direction, Position

_LINES: Final = 50
"""Of a page, where nobody asks for more or fewer."""
_LAST_SEQ_BEFORE: Final = _LINES + 1
"""Behind this entry of the veteran's the page with their first ones begins."""


def pages(callers: Callers, books: Books, row: Row) -> tuple[Requests, int]:
    """Requests for the pages that the row is about, and how many lines each has.

    The small books have one line for everybody: a page of theirs is one of one line, on the large books too.
    """
    size = books.size
    match row.accounts:
        case Accounts.HOT:
            return callers.reading("transactions", range(size.hot)), _LINES
        case Accounts.WIDE:
            return callers.reading("transactions?limit=1", range(size.people)), 1
        case Accounts.VETERAN:
            query = "" if row.variant == "newest" else f"?cursor={quote(_cursor_to_the_oldest(books))}"
            return callers.reading(f"transactions{query}", [size.veteran]), _LINES


def _cursor_to_the_oldest(books: Books) -> str:
    """Where the page of the veteran's first lines begins: page by page it would take thousands of requests."""
    number = books.size.veterans_payment(_LAST_SEQ_BEFORE)
    position = Position(
        created_at=asyncio.run(databases.moment_of(books, number)),
        transaction_id=transaction_id(number),
        direction=Direction.OUT,
    )
    return statement_cursor(position, digest_of({"of": wallet_id(books.size.veteran)}))


def check_page(service: Service, requests: Requests, lines: int) -> None:
    """Raises BenchFailed when a page has not as many lines as it should: a short one would be cheap."""
    found = len(json.loads(answer_of(service, requests.heads[-1]))["data"])
    if found != lines:
        raise BenchFailed(f"A page of history has {found} lines in place of {lines}.")
