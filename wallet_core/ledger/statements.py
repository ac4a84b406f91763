"""Statements: a person's transactions as their wallets see them, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Side, Transaction, TransactionStatus


class Direction(StrEnum):
    """Which way the money went, as a wallet sees it."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """A transaction as one of its wallets sees it."""

    transaction: Transaction
    direction: Direction

    @property
    def own(self) -> Side | None:
        """The side that looks at it."""
        return self.transaction.source if self.direction is Direction.OUT else self.transaction.destination

    @property
    def counterparty(self) -> Side | None:
        """The person's wallet on the other side; None where that is the system or nobody.

        Known once money has moved: a refused transfer to an address must not tell whose address it is.
        """
        if self.transaction.status is not TransactionStatus.COMPLETED:
            return None
        other = self.transaction.destination if self.direction is Direction.OUT else self.transaction.source
        return None if other is None or other.holder is None else other


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The place of a line in a statement: a page continues after the last line of the one before."""

    created_at: datetime
    transaction_id: TransactionId
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """Which lines to give. An empty collection or None leaves that filter out.

    `created_from` is included, `created_before` is not. `amounts` bounds the amount by currency, in minor units, both
    ends included. `kinds` pairs a kind with the direction it is wanted in.
    """

    wallet_ids: tuple[WalletId, ...]
    created_from: datetime | None = None
    created_before: datetime | None = None
    kinds: frozenset[tuple[TransactionKind, Direction]] = frozenset()
    statuses: frozenset[TransactionStatus] = frozenset()
    direction: Direction | None = None
    currency: str | None = None
    amounts: Mapping[str, tuple[int, int]] | None = None
    after: Position | None = None
    limit: int = 50


class StatementRepository(Protocol):
    """Where statements are read.

    Every implementation passes `wallet_core.testing.contracts.StatementRepositoryContract`.
    """

    async def lines(self, query: StatementQuery) -> list[StatementLine]:
        """At most `query.limit` lines, newest first.

        A page costs the same however long the history is; a filter that few lines pass costs those it passes over.

        A movement between two of the wallets has a line for each. A failed transfer has one for its sender alone.
        """
        ...

    async def line(self, transaction_id: TransactionId, user_id: UserId) -> StatementLine | None:
        """One transaction as that person's wallet sees it; the paying side where both are theirs."""
        ...


def visible_to_destination(transaction: Transaction) -> bool:
    """Whether the receiving wallet sees it: what failed is the business of the one who asked for it."""
    return transaction.status is TransactionStatus.COMPLETED or transaction.kind is TransactionKind.DEPOSIT
