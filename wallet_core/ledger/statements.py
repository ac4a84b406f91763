"""Statements: a person's transactions as their wallets see them, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.commands import TransactionKind
from wallet_core.ledger.outcomes import Side, Transaction, TransactionStatus

READ_MAX: Final = 4_000
"""How many lines a page may read to find those that pass its filter: about as many as 200 lines over ten wallets take
without one. So a page with a filter never costs more than one without, on a cold disk either."""


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

    @property
    def position(self) -> "Position":
        """Its place in every statement that has it."""
        return Position(
            created_at=self.transaction.created_at, transaction_id=self.transaction.id, direction=self.direction
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The place of a line in a statement: a page continues after the last line that the one before has read."""

    created_at: datetime
    transaction_id: TransactionId
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """Which lines to give. An empty collection or None leaves that filter out.

    `created_from` is included, `created_before` is not. `amounts` bounds the amount by currency, in minor units, both
    ends included. `kinds` pairs a kind with the direction it is wanted in. `read_max` is how many lines may be read
    for the page, over all wallets.
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
    read_max: int = READ_MAX

    def kinds_of(self, direction: Direction) -> frozenset[TransactionKind]:
        """The kinds that are wanted in that direction; none where no line of it is."""
        if self.direction not in (None, direction):
            return frozenset()
        if not self.kinds:
            return frozenset(TransactionKind)
        return frozenset(kind for kind, wanted in self.kinds if wanted is direction)

    @property
    def read_each_max(self) -> int:
        """How many lines of each wallet and direction may be read: enough for a full page, where all of them pass."""
        directions = [direction for direction in Direction if self.kinds_of(direction)]
        return max(self.limit + 1, self.read_max // max(1, len(self.wallet_ids) * len(directions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """Lines, newest first, and where the next page goes on: None at the end of the statement."""

    lines: tuple[StatementLine, ...]
    next: Position | None


class StatementRepository(Protocol):
    """Where statements are read.

    Every implementation passes `wallet_core.testing.contracts.StatementRepositoryContract`.
    """

    async def page(self, query: StatementQuery) -> StatementPage:
        """At most `query.limit` lines, newest first.

        A page costs the same however long the history is and wherever in it the page begins. It reads at most
        `query.read_each_max` lines of each wallet and direction: where that many have been read and few of them pass
        the filter, the page is short, it may be empty, and the next one goes on from there.

        A movement between two of the wallets has a line for each. A failed transfer has one for its sender alone.
        """
        ...

    async def line(self, transaction_id: TransactionId, user_id: UserId) -> StatementLine | None:
        """One transaction as that person's wallet sees it; the paying side where both are theirs."""
        ...


def visible_to_destination(transaction: Transaction) -> bool:
    """Whether the receiving wallet sees it: what failed is the business of the one who asked for it."""
    return transaction.status is TransactionStatus.COMPLETED or transaction.kind is TransactionKind.DEPOSIT
