"""Sealing in memory: it keeps nothing from anybody, and is as strict about keys and places as the real one."""

import hashlib
import hmac
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from wallet_core.identity.sealing import Place, Resealed, SealBroken, SealedValue

_CHECK_BYTES: Final = 32


class InMemorySealer:
    """Seals by writing the plain text backwards, with a number and a check over the place: for tests alone."""

    def __init__(self, *key_ids: str) -> None:
        """The first key seals, each opens. Raises ValueError where there is none."""
        if not key_ids:
            raise ValueError("There is at least one key.")
        self._key_ids = tuple(key_id.encode("ascii") for key_id in key_ids)
        self._numbers = itertools.count(1)

    @property
    def mark(self) -> bytes:
        """As Sealer.mark."""
        return self._key_ids[0] + b":"

    def seal(self, plain: bytes, place: Place) -> bytes:
        """As Sealer.seal."""
        written = next(self._numbers).to_bytes(8) + plain[::-1]
        return self.mark + _check(self._key_ids[0], written, place) + written

    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """As Sealer.unseal."""
        key_id, _, rest = sealed.partition(b":")
        check, written = rest[:_CHECK_BYTES], rest[_CHECK_BYTES:]
        if key_id not in self._key_ids or not hmac.compare_digest(check, _check(key_id, written, place)):
            raise SealBroken(f"What is sealed at {place} cannot be opened.")
        return written[8:][::-1]


@dataclass(frozen=True, slots=True)
class InMemorySealedColumn:
    """A SealedColumn over a dictionary of sealed values by their rows' ids."""

    table: str
    column: str
    values: dict[UUID, bytes]

    async def count_without(self, mark: bytes) -> int:
        """As SealedColumn.count_without."""
        return sum(not sealed.startswith(mark) for sealed in self.values.values())

    async def page_without(self, mark: bytes, *, after: UUID | None, limit: int) -> list[SealedValue]:
        """As SealedColumn.page_without."""
        found = [
            SealedValue(row_id, self.values[row_id])
            for row_id in sorted(self.values)
            if (after is None or row_id > after) and not self.values[row_id].startswith(mark)
        ]
        return found[:limit]

    async def replace(self, values: Sequence[Resealed]) -> int:
        """As SealedColumn.replace."""
        unchanged = [each for each in values if self.values.get(each.row_id) == each.before]
        self.values.update({each.row_id: each.after for each in unchanged})
        return len(unchanged)


def _check(key_id: bytes, written: bytes, place: Place) -> bytes:
    return hashlib.sha256(b"|".join((key_id, str(place).encode(), written))).digest()
