"""Passwords: which ones people may have, and changing one's own."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from wallet_core.clock import Clock
from wallet_core.identity.challenges import ChallengeRepository, Purpose
from wallet_core.identity.entities import Device, User, WeakPasswordError, normalised_password
from wallet_core.identity.ports import Attempts, PasswordHasher, TooManyAttempts, UserRepository
from wallet_core.identity.session import ActiveSession
from wallet_core.identity.sessions import Sessions
from wallet_core.ids import SessionId

APP_NAMES: Final = ("wallet",)
_TELLING_LENGTH: Final = 4
"""A word of a name that is as long gives a password away wherever it stands in it."""
_SPEAKING_LENGTH: Final = 3
"""One of this length does where it stands alone; anything shorter is a part of too many words."""
_TRIES: Final = 2
"""Where another hash of the same password is kept in between, the change is made on that one."""


class CommonPasswords(Protocol):
    """The passwords that whoever guesses tries first.

    Every implementation passes `wallet_core.testing.contracts.CommonPasswordsContract`.
    """

    def include(self, folded: str) -> bool:
        """Whether it is one of them, given in small letters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose password it is to be, as far as a password may give that away."""

    name: str
    email: str | None
    phone: str | None


class PasswordRules:
    """Says which passwords may be had. Length and strangeness count; no kind of character is asked for."""

    def __init__(self, common: CommonPasswords) -> None:
        self._common = common

    def checked(self, password: str, owner: Owner) -> str:
        """The form in which it is hashed. Raises WeakPasswordError, with the rule that it breaks and never itself."""
        normal = normalised_password(password)
        folded = _folded(normal)
        if self._common.include(folded):
            raise WeakPasswordError("Many people have this password, so it is among the first that are guessed.")
        if any(_gives_away(folded, word) for word in _words_of(*APP_NAMES)):
            raise WeakPasswordError("A password does not contain the name of this service.")
        if any(_gives_away(folded, word) for word in _words_of(owner.name)):
            raise WeakPasswordError("A password does not contain your name.")
        if any(address is not None and _folded(address) in folded for address in (owner.email, owner.phone)):
            raise WeakPasswordError("A password does not contain your email address or phone number.")
        return normal


class PasswordRefusal(StrEnum):
    """Why a password stays as it is."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a reason, no password
    NOT_PROVED = "reauth_required"


class Passwords:
    """Replaces passwords. Whoever has one replaced is logged out, because it may have been known to others."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        rules: PasswordRules,
        challenges: ChallengeRepository,
        sessions: Sessions,
        attempts: Attempts,
        *,
        clock: Clock,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._rules = rules
        self._challenges = challenges
        self._sessions = sessions
        self._attempts = attempts
        self._clock = clock

    async def change(
        self, active: ActiveSession, *, current: str, new: str, device: Device
    ) -> PasswordRefusal | TooManyAttempts | None:
        """Replace one's own password; every session but this one ends. Wrong ones given as the current one are counted.

        Whoever has a second factor has to have proved who they are a short while ago. Raises WeakPasswordError, and
        Overloaded when too many passwords are being hashed.
        """
        if active.second_factor and not await self._sessions.is_proved(active):
            return PasswordRefusal.NOT_PROVED
        user = await self._users.by_id(active.user_id)
        if user is None:
            return PasswordRefusal.WRONG_PASSWORD
        self._rules.checked(new, _owner_of(user))
        counted_by = (str(user.id),)
        wait_seconds = await self._attempts.take(counted_by, device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        for _ in range(_TRIES):
            present = await self._users.password_hash(user.id)
            if not await self._hasher.verify(normalised_password(current, new=False), present):
                break
            hashed = await self.hashed(new, user)
            if await self.replace(user, hashed, instead_of=present, spared=active.session_id):
                await self._attempts.give_back(counted_by, device)
                await self._attempts.succeeded(counted_by, device)
                return None
        return PasswordRefusal.WRONG_PASSWORD

    async def hashed(self, password: str, user: User) -> str:
        """The hash of somebody's next password. Raises WeakPasswordError, and Overloaded."""
        return await self._hasher.hash(self._rules.checked(password, _owner_of(user)))

    async def replace(
        self, user: User, hashed: str, *, instead_of: str | None = None, spared: SessionId | None = None
    ) -> bool:
        """Keep the hash of a password in place of whatever there was or of that one, end sessions; the person is told.

        Whether it was kept: not in place of one that is another by now.
        """
        now = self._clock()
        # What was sent before leads nowhere any more: it may lie where others read it.
        await self._challenges.end(user.id, Purpose.PASSWORD_RESET, now)
        replaced = await self._users.change_password(user.id, hashed, instead_of=instead_of, spared=spared, now=now)
        if replaced:
            # Nor does a log-in that the former password has begun.
            await self._challenges.end(user.id, Purpose.SECOND_FACTOR, now)
            await self._sessions.announce()
        return replaced


def _owner_of(user: User) -> Owner:
    return Owner(name=user.name, email=user.email, phone=user.phone)


def _folded(text: str) -> str:
    """Without regard to the case of letters and to accents, so that Zoë is in `ZOE-1234`."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def _words_of(*names: str) -> Iterator[str]:
    for name in names:
        spoken = "".join(character if character.isalnum() else " " for character in _folded(name))
        yield from (word for word in spoken.split() if len(word) >= _SPEAKING_LENGTH)


def _gives_away(folded: str, word: str) -> bool:
    """Whether the word stands in the password: anywhere, or as a word of its own where it is short."""
    at = folded.find(word)
    while at >= 0:
        around = folded[max(at - 1, 0) : at] + folded[at + len(word) : at + len(word) + 1]
        if len(word) >= _TELLING_LENGTH or not any(character.isalpha() for character in around):
            return True
        at = folded.find(word, at + 1)
    return False
