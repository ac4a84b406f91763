"""Statements from PostgreSQL: history read by index, a page at a time."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.queries import load_queries
from adapters.postgres.rows import transaction_of
from wallet_core.ids import TransactionId, UserId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.ledger.statements import Direction, Position, StatementLine, StatementQuery

_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
_END: Final = datetime(9999, 12, 30, tzinfo=UTC)
_RANK: Final = {Direction.OUT: 1, Direction.IN: 0}
_BEFORE_ALL: Final = 2


class PostgresStatementRepository:
    """A StatementRepository over the table `transactions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("statements")

    async def lines(self, query: StatementQuery) -> list[StatementLine]:
        """As StatementRepository.lines."""
        bounds = list(query.amounts.items()) if query.amounts else None
        after_created_at, after_id, after_rank = _place(query.after)
        async with self._database.connection() as connection:
            rows = await self._queries["lines"].fetch(
                connection,
                wallet_ids=list(query.wallet_ids),
                created_from=query.created_from or _BEGINNING,
                created_before=query.created_before or _END,
                outgoing_kinds=_kinds(query, Direction.OUT),
                incoming_kinds=_kinds(query, Direction.IN),
                statuses=list(query.statuses or TransactionStatus),
                currency=query.currency,
                bound_currencies=None if bounds is None else [currency for currency, _ in bounds],
                bound_mins=None if bounds is None else [lowest for _, (lowest, _) in bounds],
                bound_maxs=None if bounds is None else [highest for _, (_, highest) in bounds],
                after_created_at=after_created_at,
                after_id=after_id,
                after_rank=after_rank,
                line_limit=query.limit,
            )
        return [_line_of(row) for row in rows]

    async def line(self, transaction_id: TransactionId, user_id: UserId) -> StatementLine | None:
        """As StatementRepository.line."""
        async with self._database.connection() as connection:
            row = await self._queries["line"].fetch_row(connection, transaction_id=transaction_id, user_id=user_id)
            return None if row is None else _line_of(row)


def _kinds(query: StatementQuery, direction: Direction) -> list[TransactionKind]:
    """The kinds that are wanted in that direction."""
    if query.direction not in (None, direction):
        return []
    if not query.kinds:
        return list(TransactionKind)
    return [kind for kind, wanted in query.kinds if wanted is direction]


def _place(after: Position | None) -> tuple[datetime, UUID, int]:
    """Where a page starts: behind its predecessor's last line, or before everything."""
    if after is None:
        return _END, UUID(int=2**128 - 1), _BEFORE_ALL
    return after.created_at, after.transaction_id, _RANK[after.direction]


def _line_of(row: asyncpg.Record) -> StatementLine:
    return StatementLine(transaction=transaction_of(row), direction=Direction(row["direction"]))
