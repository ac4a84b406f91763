"""Statements in memory: the whole history filtered, sorted and cut, where a database would read an index."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from wallet_core.ids import TransactionId, UserId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Transaction
from wallet_core.ledger.statements import (
    Direction,
    Position,
    StatementLine,
    StatementQuery,
    visible_to_destination,
)
from wallet_core.testing.records import Records


class InMemoryStatementRepository:
    """A StatementRepository over the transactions of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def lines(self, query: StatementQuery) -> list[StatementLine]:
        """As StatementRepository.lines."""
        lines = [
            line
            for transaction in self._records.transactions.values()
            for line in _lines_of(transaction)
            if line.own is not None and line.own.wallet_id in query.wallet_ids and _wanted(line, query)
        ]
        lines.sort(key=_place, reverse=True)
        return lines[: query.limit]

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


def _wanted(line: StatementLine, query: StatementQuery) -> bool:
    transaction = line.transaction
    return (
        (query.created_from is None or transaction.created_at >= query.created_from)
        and (query.created_before is None or transaction.created_at < query.created_before)
        and (not query.kinds or (transaction.kind, line.direction) in query.kinds)
        and (not query.statuses or transaction.status in query.statuses)
        and query.direction in (None, line.direction)
        and query.currency in (None, transaction.currency)
        and _within_amounts(transaction, query)
        and (query.after is None or _place(line) < _position(query.after))
    )


def _within_amounts(transaction: Transaction, query: StatementQuery) -> bool:
    if not query.amounts:
        return True
    bounds = query.amounts.get(transaction.currency)
    return bounds is not None and bounds[0] <= transaction.amount <= bounds[1]


def _place(line: StatementLine) -> tuple[datetime, UUID, bool]:
    """Where a line stands among others; the greatest is the first of a page."""
    return line.transaction.created_at, line.transaction.id, line.direction is Direction.OUT


def _position(position: Position) -> tuple[datetime, UUID, bool]:
    return position.created_at, position.transaction_id, position.direction is Direction.OUT
