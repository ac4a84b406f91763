"""Sealing by AES-256-GCM under a ring of keys."""

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wallet_core.identity.sealing import Place, SealBroken

KEY_BYTES: Final = 32

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_ID: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_END_OF_KEY_ID: Final = b":"


class AesGcmSealer:
    """Seals as `key id ":" nonce ciphertext tag`, with a random nonce of 96 bits and the place as associated data.

    A key is to be changed long before it has sealed 2**32 values: nonces would begin to repeat.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """The first key seals, each opens. Raises ValueError for a ring that is empty, and for what is no key."""
        if not keys:
            raise ValueError("There is at least one key.")
        for key_id, key in keys.items():
            if _KEY_ID.fullmatch(key_id) is None:
                raise ValueError("A key's id has 1 to 32 small letters, digits and hyphens.")
            if len(key) != KEY_BYTES:
                raise ValueError(f"A key has {KEY_BYTES} bytes.")
        self._ciphers = MappingProxyType({key_id.encode("ascii"): AESGCM(key) for key_id, key in keys.items()})
        first = next(iter(self._ciphers))
        self._first = self._ciphers[first]
        self._mark = first + _END_OF_KEY_ID

    @property
    def mark(self) -> bytes:
        """As Sealer.mark."""
        return self._mark

    def seal(self, plain: bytes, place: Place) -> bytes:
        """As Sealer.seal."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._mark + nonce + self._first.encrypt(nonce, plain, _associated(place))

    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """As Sealer.unseal."""
        key_id, _, rest = sealed.partition(_END_OF_KEY_ID)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(f"No key of the ring has sealed {place}.")
        if len(rest) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken(f"What is sealed at {place} is cut off.")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _associated(place))
        except InvalidTag as error:
            raise SealBroken(f"What is sealed at {place} was changed, or sealed for another place.") from error

    def __repr__(self) -> str:
        return f"AesGcmSealer(mark={self._mark!r})"


def _associated(place: Place) -> bytes:
    return str(place).encode("utf-8")
