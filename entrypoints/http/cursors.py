"""Cursors: where a list goes on, sealed to the list and the filters it was given for."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from entrypoints.http.problems import Problem
from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.statements import Direction, Position

CURSOR_LENGTH_MAX: Final = 300
PLACE_MAX: Final = 2**63 - 1


def digest_of(parts: Mapping[str, object]) -> str:
    """Tells two sets of filters apart."""
    written = json.dumps(parts, sort_keys=True, default=str)
    return blake2b(written.encode(), digest_size=9).hexdigest()


def statement_cursor(position: Position, filters: str) -> str:
    """A cursor behind that line, for a list whose filters have that digest."""
    microseconds = _microseconds(position.created_at)
    return _sealed([filters, microseconds, position.transaction_id.hex, position.direction.value])


def statement_position(cursor: str, filters: str) -> Position:
    """The line that the cursor stands behind. Raises the problem `invalid_cursor` for any but such a cursor."""
    match _opened(cursor):
        case [str(digest), int(microseconds), str(transaction_id), str(direction)] if digest == filters:
            try:
                return Position(
                    created_at=datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
                        microsecond=microseconds % 1_000_000
                    ),
                    transaction_id=TransactionId(UUID(hex=transaction_id)),
                    direction=Direction(direction),
                )
            except (ValueError, OverflowError, OSError):
                raise Problem("invalid_cursor") from None
        case _:
            raise Problem("invalid_cursor")


def wallet_cursor(wallet_id: WalletId) -> str:
    """A cursor behind that wallet."""
    return _sealed(["wallets", wallet_id.hex])


def cursor_wallet(cursor: str) -> WalletId:
    """The wallet that the cursor stands behind. Raises the problem `invalid_cursor` for any but such a cursor."""
    match _opened(cursor):
        case ["wallets", str(wallet_id)]:
            try:
                return WalletId(UUID(hex=wallet_id))
            except ValueError:
                raise Problem("invalid_cursor") from None
        case _:
            raise Problem("invalid_cursor")


def person_cursor(user_id: UserId, filters: str) -> str:
    """A cursor behind that person, for a list whose filters have that digest."""
    return _sealed(["people", filters, user_id.hex])


def cursor_person(cursor: str, filters: str) -> UserId:
    """The person that the cursor stands behind. Raises the problem `invalid_cursor` for any but such a cursor."""
    match _opened(cursor):
        case ["people", str(digest), str(user_id)] if digest == filters:
            try:
                return UserId(UUID(hex=user_id))
            except ValueError:
                raise Problem("invalid_cursor") from None
        case _:
            raise Problem("invalid_cursor")


def id_cursor(row_id: UUID, filters: str) -> str:
    """A cursor behind what has that id, for a list whose filters have that digest."""
    return _sealed(["id", filters, row_id.hex])


def cursor_id(cursor: str, filters: str) -> UUID:
    """The id that the cursor stands behind. Raises the problem `invalid_cursor` for any but such a cursor."""
    match _opened(cursor):
        case ["id", str(digest), str(row_id)] if digest == filters:
            try:
                return UUID(hex=row_id)
            except ValueError:
                raise Problem("invalid_cursor") from None
        case _:
            raise Problem("invalid_cursor")


def place_cursor(place: int, filters: str) -> str:
    """A cursor behind that place in the audit, for a list whose filters have that digest."""
    return _sealed(["audit", filters, place])


def place_of(cursor: str, filters: str) -> int:
    """The place that the cursor stands behind. Raises the problem `invalid_cursor` for any but such a cursor."""
    match _opened(cursor):
        case ["audit", str(digest), int(place)] if digest == filters and 0 < place <= PLACE_MAX:
            return place
        case _:
            raise Problem("invalid_cursor")


def _sealed(parts: list[str | int]) -> str:
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _opened(cursor: str) -> object:
    try:
        return json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise Problem("invalid_cursor") from None


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
