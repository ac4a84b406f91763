"""The chain over the audit: each seal covers one entry and the seal before, so that nothing sealed changes unnoticed.

Entries become visible in another order than that of their places, and are sealed in whatever order they did.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from wallet_core.administration.audit import AuditEntry, State
from wallet_core.ids import AuditId

BEFORE_THE_FIRST: Final = bytes(32)
"""What the first seal covers in place of the one before."""

SEALED_AT_ONCE_MAX: Final = 500

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One link: `hash` is the SHA-256 over the hash before, its own number and moment, and all of the entry.

    `seq` runs from 1 without a gap.
    """

    seq: int
    audit_id: AuditId
    hash: bytes
    sealed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """A seal that does not hold, and why."""

    seq: int
    audit_id: AuditId
    explanation: str


class SealRepository(Protocol):
    """Where seals are kept.

    Every implementation passes `wallet_core.testing.contracts.SealRepositoryContract`.
    """

    async def seal(self, entries_max: int) -> int:
        """Seal at most so many entries that are not sealed yet, as `next_seals` makes them, in one transaction.

        How many were sealed: none while somebody else is at it. Raises Unavailable, and OutcomeUnknown.
        """
        ...

    async def broken_links(self) -> list[BrokenLink]:
        """What of the chain does not hold, the first ones; nothing when all is well. Raises Unavailable."""
        ...

    async def head(self) -> Seal | None:
        """The last seal. Whoever keeps it elsewhere can tell later that nothing was cut off. Raises Unavailable."""
        ...


class AuditSealing:
    """Seals what was added to the audit. To be done again and again; any number of processes may."""

    def __init__(self, seals: SealRepository) -> None:
        self._seals = seals

    async def seal(self) -> int:
        """Seal what is not sealed yet, and say how many entries that were. Raises Unavailable, and OutcomeUnknown."""
        sealed = 0
        while True:
            number = await self._seals.seal(SEALED_AT_ONCE_MAX)
            sealed += number
            if number < SEALED_AT_ONCE_MAX:
                return sealed

    async def head(self) -> Seal | None:
        """As SealRepository.head."""
        return await self._seals.head()


def next_seals(last: Seal | None, entries: Sequence[AuditEntry], now: datetime) -> list[Seal]:
    """The seals of those entries, in that order, behind the last one."""
    seals: list[Seal] = []
    for entry in entries:
        seq, before = (1, BEFORE_THE_FIRST) if last is None else (last.seq + 1, last.hash)
        last = Seal(seq=seq, audit_id=entry.id, hash=_hash(before, seq, now, entry), sealed_at=now)
        seals.append(last)
    return seals


class ChainCheck:
    """Goes along the chain from its beginning, link by link."""

    def __init__(self) -> None:
        self._seq = 0
        self._hash = BEFORE_THE_FIRST

    def broken(self, seal: Seal, entry: AuditEntry | None) -> Iterator[BrokenLink]:
        """What is wrong with the next link. A broken one is told once: those behind it are judged by what it says."""
        expected, before = self._seq + 1, self._hash
        self._seq, self._hash = seal.seq, seal.hash
        if seal.seq != expected:
            yield _broken(seal, f"Seal {seal.seq} follows seal {expected - 1}.")
        elif entry is None:
            yield _broken(seal, "The entry that was sealed is not there, or cannot be read.")
        elif seal.hash != _hash_or_nothing(before, seal, entry):
            yield _broken(seal, "The entry, its seal or the seal before is another than was sealed.")


def _broken(seal: Seal, explanation: str) -> BrokenLink:
    return BrokenLink(seq=seal.seq, audit_id=seal.audit_id, explanation=explanation)


def _hash_or_nothing(before: bytes, seal: Seal, entry: AuditEntry) -> bytes | None:
    """The hash that there should be; nothing where what is there is nothing that was ever sealed."""
    try:
        return _hash(before, seal.seq, seal.sealed_at, entry)
    except (TypeError, ValueError, OverflowError):
        return None


def _hash(before: bytes, seq: int, sealed_at: datetime, entry: AuditEntry) -> bytes:
    actor = entry.actor
    parts = (
        str(seq),
        _moment(sealed_at),
        str(entry.id),
        str(entry.place),
        _moment(entry.at),
        str(actor.kind),
        _text(actor.id),
        _text(actor.session_id),
        actor.request_id,
        entry.action,
        entry.target_kind,
        entry.target_id,
        _text(entry.user_id),
        _written(entry.before),
        _written(entry.after),
        entry.reason,
    )
    return hashlib.sha256(before + b"".join(map(_framed, parts))).digest()


def _framed(part: str | None) -> bytes:
    """With its length before it, so that nothing can pass from one part into the next."""
    if part is None:
        return b"-"
    encoded = part.encode()
    return b"+" + len(encoded).to_bytes(8, "big") + encoded


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(moment: datetime) -> str:
    return str((moment - _EPOCH) // _MICROSECOND)


def _written(state: State | None) -> str | None:
    """One spelling of what is the same."""
    return None if state is None else json.dumps(state, sort_keys=True, separators=(",", ":"))
