"""Sealing anew what older keys have sealed, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest

from wallet_core.faults import Fault
from wallet_core.identity.sealing import BATCH_LENGTH, KeyRotation, Place, Resealed
from wallet_core.testing.builders import new_id
from wallet_core.testing.sealing import InMemorySealedColumn, InMemorySealer

OLD, BOTH, NEW = InMemorySealer("old"), InMemorySealer("new", "old"), InMemorySealer("new")


def a_column(number: int) -> InMemorySealedColumn:
    """So many values sealed with the old key."""
    column = InMemorySealedColumn("cards", "number", {})
    for row_id in [new_id() for _ in range(number)]:
        column.values[row_id] = OLD.seal(row_id.bytes, _place(row_id))
    return column


def _place(row_id: UUID) -> Place:
    return Place("cards", "number", row_id)


async def test_everything_is_sealed_anew_page_by_page_with_its_value_kept() -> None:
    column, told = a_column(2 * BATCH_LENGTH + 1), list[tuple[int, int]]()

    rotated = await KeyRotation(BOTH, [column]).run(lambda _, done, in_all: told.append((done, in_all)))

    assert rotated.resealed == 201
    assert told == [(0, 201), (100, 201), (200, 201), (201, 201)]
    assert all(NEW.unseal(sealed, _place(row_id)) == row_id.bytes for row_id, sealed in column.values.items())


async def test_every_column_is_gone_through() -> None:
    columns = [a_column(2), a_column(3)]

    rotated = await KeyRotation(BOTH, columns).run(lambda *_: None)

    assert rotated.resealed == 5
    assert [await column.count_without(NEW.mark) for column in columns] == [0, 0]


@dataclass(frozen=True, slots=True)
class BusyColumn(InMemorySealedColumn):
    """A column into which others write with the old key, while the pages are replaced: so often, then no more."""

    left: list[int]

    async def replace(self, values: Sequence[Resealed]) -> int:
        if self.left:
            self.left.pop()
            row_id = values[0].row_id
            self.values[row_id] = OLD.seal(b"changed", _place(row_id))
        return await InMemorySealedColumn.replace(self, values)


async def test_what_changed_meanwhile_stays_as_changed_and_is_sealed_anew_by_the_next_pass() -> None:
    column = BusyColumn("cards", "number", a_column(3).values, left=[1, 2])
    first = min(column.values)

    rotated = await KeyRotation(BOTH, [column]).run(lambda *_: None)

    assert rotated.resealed == 3
    assert NEW.unseal(column.values[first], _place(first)) == b"changed"


async def test_a_rotation_that_cannot_end_says_so() -> None:
    column = BusyColumn("cards", "number", a_column(3).values, left=list(range(1_000)))

    with pytest.raises(Fault, match="another ring"):
        await KeyRotation(BOTH, [column]).run(lambda *_: None)
