"""Statements in memory: the whole history filtered, sorted and cut, where a database would read an index."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Transaction
from wallet_core.ledger.statements import (
    Direction,
    Position,
    StatementLine,
    StatementPage,
    StatementQuery,
    visible_to_destination,
)
from wallet_core.testing.records import Records


class InMemoryStatementRepository:
    """A StatementRepository over the transactions of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def page(self, query: StatementQuery) -> StatementPage:
        """As StatementRepository.page."""
        read = [
            lines
            for wallet_id in query.wallet_ids
            for direction in Direction
            if query.kinds_of(direction) and (lines := self._read(wallet_id, direction, query))
        ]
        # Whose reading ended early may hold more lines behind its last one: nothing can be told of what is older.
        ends = [lines[-1].position for lines in read if len(lines) == query.read_each_max]
        end = max(ends, key=_place, default=None)
        wanted = [
            line
            for lines in read
            for line in lines
            if _wanted(line, query) and (end is None or _place(line.position) >= _place(end))
        ]
        wanted.sort(key=lambda line: _place(line.position), reverse=True)
        shown = tuple(wanted[: query.limit])
        return StatementPage(lines=shown, next=shown[-1].position if len(wanted) > len(shown) else end)

    def _read(self, wallet_id: WalletId, direction: Direction, query: StatementQuery) -> list[StatementLine]:
        """The newest lines of that wallet in that direction from where the page begins, as many as it may read."""
        lines = [
            line
            for transaction in self._records.transactions.values()
            for line in _lines_of(transaction)
            if line.own is not None
            and (line.own.wallet_id, line.direction) == (wallet_id, direction)
            and _within_period(line, query)
            and (query.after is None or _place(line.position) < _place(query.after))
        ]
        lines.sort(key=lambda line: _place(line.position), reverse=True)
        return lines[: query.read_each_max]

    async def line(self, transaction_id: TransactionId, user_id: UserId) -> StatementLine | None:
        """As StatementRepository.line."""
        transaction = self._records.transactions.get(transaction_id)
        if transaction is None:
            return None
        return next((line for line in _lines_of(transaction) if self._belongs(line, user_id)), None)

    def _belongs(self, line: StatementLine, user_id: UserId) -> bool:
        wallet = None if line.own is None else self._records.wallets.get(line.own.wallet_id)
        return wallet is not None and wallet.user_id == user_id


def _lines_of(transaction: Transaction) -> Iterator[StatementLine]:
    """The transaction as each of its sides sees it, the paying side first. The system's side has no readers."""
    if transaction.kind is not TransactionKind.DEPOSIT:
        yield StatementLine(transaction=transaction, direction=Direction.OUT)
    if transaction.kind is not TransactionKind.WITHDRAW and visible_to_destination(transaction):
        yield StatementLine(transaction=transaction, direction=Direction.IN)


def _within_period(line: StatementLine, query: StatementQuery) -> bool:
    moment = line.transaction.created_at
    return (query.created_from is None or moment >= query.created_from) and (
        query.created_before is None or moment < query.created_before
    )


def _wanted(line: StatementLine, query: StatementQuery) -> bool:
    transaction = line.transaction
    return (
        transaction.kind in query.kinds_of(line.direction)
        and (not query.statuses or transaction.status in query.statuses)
        and query.currency in (None, transaction.currency)
        and _within_amounts(transaction, query)
    )


def _within_amounts(transaction: Transaction, query: StatementQuery) -> bool:
    if not query.amounts:
        return True
    bounds = query.amounts.get(transaction.currency)
    return bounds is not None and bounds[0] <= transaction.amount <= bounds[1]


def _place(position: Position) -> tuple[datetime, UUID, bool]:
    """Where a line stands among others; the greatest is the first of a page."""
    return position.created_at, position.transaction_id, position.direction is Direction.OUT
