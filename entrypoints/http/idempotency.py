"""The header that makes a retry safe."""

from typing import Final

from aiohttp import web
from multidict import istr

from entrypoints.http.problems import Problem

HEADER: Final = istr("Idempotency-Key")
REPLAYED_HEADER: Final = "Idempotent-Replayed"
LENGTH_MAX: Final = 255
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))


def idempotency_key(request: web.Request, *, required: bool) -> str | None:
    """The request's key. Raises the problem `idempotency_key_required` or `idempotency_key_invalid`."""
    given = request.headers.getall(HEADER, [])
    if not given:
        if required:
            raise Problem("idempotency_key_required")
        return None
    if len(given) > 1 or not is_key(given[0]):
        raise Problem("idempotency_key_invalid")
    return given[0]


def is_key(written: str) -> bool:
    """Whether it may name a movement: 1 to LENGTH_MAX visible ASCII characters."""
    return 1 <= len(written) <= LENGTH_MAX and set(written).issubset(_VISIBLE)
