"""Statements from PostgreSQL: history read by index, a page at a time, and no further than a page may read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.queries import load_queries
from adapters.postgres.rows import transaction_of
from wallet_core.ids import TransactionId, UserId
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.ledger.statements import Direction, StatementLine, StatementPage, StatementQuery

_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
_END: Final = datetime(9999, 12, 30, tzinfo=UTC)
_RANK: Final = {Direction.OUT: 1, Direction.IN: 0}


class PostgresStatementRepository:
    """A StatementRepository over the table `transactions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("statements")

    async def page(self, query: StatementQuery) -> StatementPage:
        """As StatementRepository.page."""
        bounds = list(query.amounts.items()) if query.amounts else None
        after_created_at, after_id, after_rank = _place(query)
        async with self._database.connection() as connection:
            rows = await self._queries["page"].fetch(
                connection,
                wallet_ids=list(query.wallet_ids),
                created_from=query.created_from or _BEGINNING,
                outgoing_kinds=list(query.kinds_of(Direction.OUT)),
                incoming_kinds=list(query.kinds_of(Direction.IN)),
                statuses=list(query.statuses or TransactionStatus),
                currency=query.currency,
                bound_currencies=None if bounds is None else [currency for currency, _ in bounds],
                bound_mins=None if bounds is None else [lowest for _, (lowest, _) in bounds],
                bound_maxs=None if bounds is None else [highest for _, (_, highest) in bounds],
                after_created_at=after_created_at,
                after_id=after_id,
                after_rank=after_rank,
                read_max=query.read_each_max,
                line_limit=query.limit + 1,
            )
        return _page_of(rows, query.limit)

    async def line(self, transaction_id: TransactionId, user_id: UserId) -> StatementLine | None:
        """As StatementRepository.line."""
        async with self._database.connection() as connection:
            row = await self._queries["line"].fetch_row(connection, transaction_id=transaction_id, user_id=user_id)
            return None if row is None else _line_of(row)


def _place(query: StatementQuery) -> tuple[datetime, UUID, int]:
    """Where a page starts: behind its predecessor, at the end of the period, or before everything.

    One place, not two conditions: of two the index would be entered by either, and read from there to the other.
    """
    period_end = (query.created_before or _END, UUID(int=0), 0)
    if query.after is None:
        return period_end
    return min(period_end, (query.after.created_at, query.after.transaction_id, _RANK[query.after.direction]))


def _page_of(rows: Sequence[asyncpg.Record], limit: int) -> StatementPage:
    """The lines up to where the first of the wallets' sides was not read any further."""
    lines: list[StatementLine] = []
    for row in rows:
        line = _line_of(row)
        if row["is_wanted"] and len(lines) == limit:
            return StatementPage(lines=tuple(lines), next=lines[-1].position)
        if row["is_wanted"]:
            lines.append(line)
        if row["is_last_read"]:
            return StatementPage(lines=tuple(lines), next=line.position)
    return StatementPage(lines=tuple(lines), next=None)


def _line_of(row: asyncpg.Record) -> StatementLine:
    return StatementLine(transaction=transaction_of(row), direction=Direction(row["direction"]))
