"""Secrets at rest: sealed under a ring of keys, each for the one place it lies in, and sealed anew when keys change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from wallet_core.faults import Fault

BATCH_LENGTH: Final = 100
"""Values that are sealed anew at a time: so few that whoever needs one of their rows waits for milliseconds."""

PASSES_MAX: Final = 10
"""After so many passes something still seals with an old key, and no further pass will end that."""

Watch = Callable[[str, int, int], None]
"""Told how far a rotation is: which column, and how many of about how many values are sealed anew."""


class SealBroken(Fault):
    """A sealed value cannot be opened: its key is not in the ring, it was changed, or sealed for another place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lies. It opens nowhere else, so that no two values can be exchanged."""

    table: str
    column: str
    row_id: UUID

    def __str__(self) -> str:
        return f"{self.table}:{self.column}:{self.row_id}"


class Sealer(Protocol):
    """Seals with the first key of a ring and opens with any of them.

    Every implementation passes `wallet_core.testing.contracts.SealerContract`.
    """

    @property
    def mark(self) -> bytes:
        """How everything begins that is sealed with the first key, and nothing that is sealed with another."""
        ...

    def seal(self, plain: bytes, place: Place) -> bytes:
        """The value, unreadable and bound to its place; different each time."""
        ...

    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """The value that was sealed for that place. Raises SealBroken."""
        ...


@dataclass(frozen=True, slots=True)
class SealedValue:
    """One sealed value and its row."""

    row_id: UUID
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Resealed:
    """A value as it was found, and as it is sealed now."""

    row_id: UUID
    before: bytes
    after: bytes


class SealedColumn(Protocol):
    """A column of sealed values, as a rotation of the keys walks over it.

    Every implementation passes `wallet_core.testing.contracts.SealedColumnContract`.
    """

    @property
    def table(self) -> str:
        """The table that it belongs to, as in the place of its values."""
        ...

    @property
    def column(self) -> str:
        """What it is called, as in the place of its values."""
        ...

    async def count_without(self, mark: bytes) -> int:
        """How many values do not begin with the mark."""
        ...

    async def page_without(self, mark: bytes, *, after: UUID | None, limit: int) -> list[SealedValue]:
        """The next values that do not begin with the mark, by their rows' ids, from the one after `after`."""
        ...

    async def replace(self, values: Sequence[Resealed]) -> int:
        """Put each in place of what was found, in one step; how many. One that has changed since stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation has done."""

    resealed: int
    unreadable: tuple[Place, ...]
    """What no key of the ring opens. It stays as it was."""


class KeyRotation:
    """Seals with the first key what older keys have sealed.

    While it runs everything can be read and written as ever. One that was killed is begun again: what it had done is
    done. Two at a time do no harm.
    """

    def __init__(self, sealer: Sealer, columns: Iterable[SealedColumn]) -> None:
        self._sealer = sealer
        self._columns = tuple(columns)

    async def run(self, watch: Watch) -> Rotated:
        """Go on until nothing readable is left under an old key.

        Raises Fault when something keeps sealing with one: a process that was started with another ring.
        """
        resealed, unreadable = 0, list[Place]()
        for column in self._columns:
            done, broken = await self._rotate(column, watch)
            resealed += done
            unreadable += broken
        return Rotated(resealed, tuple(unreadable))

    async def _rotate(self, column: SealedColumn, watch: Watch) -> tuple[int, list[Place]]:
        name = f"{column.table}.{column.column}"
        resealed = 0
        for _ in range(PASSES_MAX):
            left = await column.count_without(self._sealer.mark)
            in_all = resealed + left
            watch(name, resealed, in_all)
            unreadable, after = list[Place](), None
            while page := await column.page_without(self._sealer.mark, after=after, limit=BATCH_LENGTH):
                after = page[-1].row_id
                resealed += await column.replace(list(self._resealed(column, page, unreadable)))
                watch(name, resealed, max(resealed, in_all))
            if await column.count_without(self._sealer.mark) <= len(unreadable):
                return resealed, unreadable
        raise Fault(f"Something still seals {name} with an old key: a process that was started with another ring.")

    def _resealed(
        self, column: SealedColumn, page: Sequence[SealedValue], unreadable: list[Place]
    ) -> Iterator[Resealed]:
        """What can be opened of a page, sealed with the first key; the rest is added to `unreadable`."""
        for value in page:
            place = Place(column.table, column.column, value.row_id)
            try:
                plain = self._sealer.unseal(value.sealed, place)
            except SealBroken:
                unreadable.append(place)
            else:
                yield Resealed(value.row_id, value.sealed, self._sealer.seal(plain, place))
