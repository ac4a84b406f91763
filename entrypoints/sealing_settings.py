"""The ring of keys that seals secrets at rest, as the operator writes it."""

import re
from collections.abc import Callable
from typing import Final

from marshmallow import ValidationError

_KEY: Final = re.compile(r"([a-z0-9-]{1,32}):([0-9a-fA-F]{64})", re.ASCII)
_EXAMPLE: Final = b"example"
"""Stands in the published key as in its id: under another id it is as public."""


def sealing_keys_of(written: str) -> dict[str, bytes]:
    """Parse `k2:<64 hex digits>,k1:<64 hex digits>`. Raises ValidationError, with a message that shows no key."""
    keys: dict[str, bytes] = {}
    for part in (part.strip() for part in written.split(",")):
        matched = _KEY.fullmatch(part)
        if matched is None:
            raise ValidationError("Must be written as id:key (key: 64 hex digits), comma between.")
        if matched[1] in keys:
            raise ValidationError(f"The id {matched[1]} stands there twice.")
        keys[matched[1]] = bytes.fromhex(matched[2])
    return keys


def ring_of_keys(*, example_allowed: bool) -> Callable[[str], None]:
    """A check that a text is such a ring, and not the published example where that matters."""

    def check(written: str) -> None:
        keys = sealing_keys_of(written)
        if not example_allowed and any(_EXAMPLE in key_id.encode() or _EXAMPLE in key for key_id, key in keys.items()):
            raise ValidationError("Must not be the example: that value is public.")

    return check
