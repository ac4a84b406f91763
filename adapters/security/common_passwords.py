"""Passwords that many people have, as zxcvbn lists them: the most frequent ones of what was stolen elsewhere."""

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from wallet_core.identity.entities import PASSWORD_LENGTH_MIN


class ListedPasswords:
    """CommonPasswords from that list. What is too short to be a password is left out."""

    def __init__(self) -> None:
        self._listed = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= PASSWORD_LENGTH_MIN)

    def include(self, folded: str) -> bool:
        """As CommonPasswords.include."""
        return folded in self._listed
