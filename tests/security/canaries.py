"""Words that stand for secrets and addresses: each is unique, and known for what it is wherever it turns up."""

import base64
import re
import secrets
from collections.abc import Iterator
from typing import Final

_MARK: Final = "canary-"
_MARKED: Final = re.compile(r"canary-[0-9a-f]{8,24}", re.IGNORECASE)
_MARKED_IN_HEX: Final = re.compile(_MARK.encode().hex() + r"(?:3[0-9]|6[1-6]){8,24}", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\+49151[0-9]{8}")
_SHORT: Final = 10
"""What is as short as a code of digits is only itself where no letter, digit or point stands beside it: times and ids
are full of digits."""


class Canaries:
    """Makes them, and finds them again."""

    def __init__(self) -> None:
        self._planted: dict[str, str] = {}
        self._learned: dict[str, str] = {}

    def secret(self, what: str) -> str:
        """A word that is no secret's, but might be one."""
        mark = f"{_MARK}{secrets.token_hex(12)}"
        self._planted[mark] = what
        return mark

    def email(self, what: str) -> str:
        """An address that nobody has."""
        return f"{self.secret(what)}@example.com"

    def phone(self, what: str) -> str:
        """A number that nobody has, in E.164."""
        number = f"+49151{secrets.randbelow(10**8):08}"
        self._planted[number] = what
        return number

    def learn(self, what: str, secret: str) -> str:
        """A secret that the service made."""
        assert len(secret) >= 6
        self._learned[secret] = what
        return secret

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._planted) + len(self._learned)

    def found_in(self, text: str) -> Iterator[str]:
        """What each one is that stands in the text: plain, in hexadecimal or in base64."""
        marks = [mark[0].lower() for mark in _MARKED.finditer(text)]
        marks += [bytes.fromhex(mark[0]).decode().lower() for mark in _MARKED_IN_HEX.finditer(text)]
        marks += _NUMBER.findall(text)
        for mark in marks:
            yield next((what for known, what in self._planted.items() if known.startswith(mark)), f"a piece: {mark}")
        for secret, what in self._learned.items():
            if any(_stands_in(form, text) for form in _forms(secret)):
                yield what


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    return {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")} if len(secret) > _SHORT else {secret}


def _stands_in(secret: str, text: str) -> bool:
    if len(secret) > _SHORT:
        return secret in text
    return re.search(rf"(?<![\w.+-]){re.escape(secret)}(?![\w-])", text) is not None
