"""How far somebody was told, in a form that any process goes on from.

Entries of an account are numbered without a gap and in the order of their commits, so a number for each account says
exactly what has been told of it, and what has not.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from wallet_core.ids import NotificationId
from wallet_core.ledger.accounts import Account

ACCOUNTS_MAX: Final = 256
"""Of so many accounts a written position tells. Whoever has more begins anew when they come back."""
RECENT_WRITTEN_MAX: Final = 16
RECENT_MAX: Final = 1_024
WRITTEN_LENGTH_MAX: Final = 6_000
OVERLAP: Final = timedelta(seconds=10)
"""Notifications become visible in another order than that of their ids: one may be so much late."""

_FORM: Final = 1
_MARK_BYTES: Final = 8
_MOMENT_BYTES: Final = 6
_OVERLAP_MS: Final = OVERLAP // timedelta(milliseconds=1)
_NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody was told of one account: up to that entry, and the balance after it or not yet."""

    seq: int
    balance_due: bool = False
    held: int | None = field(default=None, compare=False)
    """What was held when the balance was told; nothing where that was told by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far somebody was told of all that is theirs. Accounts and notifications are called by part of their ids."""

    places: Mapping[bytes, Place] = field(default_factory=dict)
    is_whole: bool = True
    """Whether it has all the accounts there were."""
    moment_ms: int = 0
    """When the newest notification was made that was told."""
    recent: tuple[bytes, ...] = ()
    """Those that were told and are so new that an older one may still turn up, the newest last."""

    def place_of(self, account: Account) -> Place | None:
        """How far this account was told; from its beginning where it was opened since."""
        place = self.places.get(mark_of(account.id))
        return Place(0, balance_due=True) if place is None and self.is_whole else place

    def told(self, account: Account, place: Place) -> "Position":
        """The same, with another place for that account."""
        return replace(self, places={**self.places, mark_of(account.id): place})

    def notified(self, notification_id: NotificationId) -> "Position":
        """The same, with that notification told."""
        moment_ms = max(self.moment_ms, moment_of(notification_id))
        return replace(self, moment_ms=moment_ms, recent=(*self.recent, mark_of(notification_id))[-RECENT_MAX:])

    @property
    def notifications_after(self) -> NotificationId:
        """The id from which on there may be notifications that were not told."""
        return NotificationId(UUID(int=max(self.moment_ms - _OVERLAP_MS, 0) << 80))


def mark_of(of: UUID) -> bytes:
    """What an id is called by in a position: the 62 random bits of a UUIDv7."""
    return of.bytes[-_MARK_BYTES:]


def moment_of(of: UUID) -> int:
    """The milliseconds that a UUIDv7 begins with."""
    return of.int >> 80


def written(position: Position) -> str:
    """The position as short text, of no more than WRITTEN_LENGTH_MAX characters."""
    places = dict(list(position.places.items())[:ACCOUNTS_MAX])
    is_whole = position.is_whole and len(places) == len(position.places)
    recent = position.recent[-RECENT_WRITTEN_MAX:]
    parts = [
        bytes((_FORM, is_whole, len(recent))),
        position.moment_ms.to_bytes(_MOMENT_BYTES, "big"),
        *recent,
        *(mark + _number(place.seq * 2 + place.balance_due) for mark, place in places.items()),
    ]
    return urlsafe_b64encode(b"".join(parts)).decode().rstrip("=")


def read_position(text: str) -> Position:
    """The position that was written so. Raises ValueError for anything else."""
    if len(text) > WRITTEN_LENGTH_MAX or not text.isascii():
        raise ValueError("A position is not as long as that, and in other letters.")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) < 3 + _MOMENT_BYTES or raw[0] != _FORM or raw[1] > 1 or raw[2] > RECENT_WRITTEN_MAX:
        raise ValueError("That is no position.")
    recent_begin = 3 + _MOMENT_BYTES
    places_begin = recent_begin + raw[2] * _MARK_BYTES
    recent = [raw[at : at + _MARK_BYTES] for at in range(recent_begin, places_begin, _MARK_BYTES)]
    if any(len(mark) < _MARK_BYTES for mark in recent):
        raise ValueError("A position broke off.")
    position = Position(
        places=dict(_places(raw[places_begin:])),
        is_whole=raw[1] == 1,
        moment_ms=int.from_bytes(raw[3:recent_begin], "big"),
        recent=tuple(recent),
    )
    # Among all the spellings of base64 one is ours.
    if written(position) != text:
        raise ValueError("A position is not written so.")
    return position


def _places(raw: bytes) -> Iterator[tuple[bytes, Place]]:
    at = 0
    while at < len(raw):
        mark = raw[at : at + _MARK_BYTES]
        number, at = _read_number(raw, at + _MARK_BYTES)
        yield mark, Place(number >> 1, balance_due=bool(number & 1))


def _number(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*parts, number))


def _read_number(raw: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends. Raises ValueError where it does not."""
    number = shift = 0
    while at < len(raw):
        number |= (raw[at] & 0x7F) << shift
        if number > _NUMBER_MAX:
            raise ValueError("No account has so many entries.")
        if raw[at] < 0x80:
            return number, at + 1
        at, shift = at + 1, shift + 7
    raise ValueError("A number broke off.")
