"""Ids that a test can foretell."""

from itertools import count
from typing import Final
from uuid import UUID

_MOMENT_MS: Final = 1_768_478_400_000
"""2026-01-15 12:00 UTC, in milliseconds since 1970, as the first 48 bits of a UUIDv7 carry it."""


class SequentialIds:
    """Counts, in the form of a UUIDv7: a `wallet_core.ids.IdGenerator` whose ids increase and never change."""

    def __init__(self, *, first: int = 1) -> None:
        self._numbers = count(first)

    def __call__(self) -> UUID:
        """The next id."""
        version, variant = 7 << 76, 2 << 62
        return UUID(int=_MOMENT_MS << 80 | version | variant | next(self._numbers))
