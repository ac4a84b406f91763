"""What identity asks of the world."""

from enum import StrEnum
from typing import Protocol

from wallet_core.identity.entities import AccessClaims, AccessToken, Role, User
from wallet_core.ids import SessionId, UserId


class Taken(StrEnum):
    """Why a person could not be stored: somebody else is reached by that address."""

    EMAIL = "email_taken"
    PHONE = "phone_taken"


class UserRepository(Protocol):
    """Where people are kept.

    Every implementation passes `wallet_core.testing.contracts.UserRepositoryContract`.
    """

    async def add(self, user: User, password_hash: str) -> Taken | None:
        """Keep a new person, or say which of their addresses is taken."""
        ...

    async def by_id(self, user_id: UserId) -> User | None:
        """The person of that id."""
        ...

    async def by_address(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        """The person reached by that email address (in any case of letters), by that phone number, or by both.

        Given both, nobody unless both are one person's.
        """
        ...

    async def password_hash(self, user_id: UserId) -> str | None:
        """The hash of that person's password."""
        ...

    async def change(
        self, user_id: UserId, *, name: str | None = None, phone: str | None = None, time_zone: str | None = None
    ) -> User | Taken | None:
        """Change what is given, in one step, so that two changes at once both count.

        The person as changed; or that the phone number is taken; or nothing when there is no such person.
        """
        ...


class PasswordHasher(Protocol):
    """Turns passwords into hashes, slowly and on purpose, off the event loop.

    Every implementation passes `wallet_core.testing.contracts.PasswordHasherContract`.
    """

    async def hash(self, password: str) -> str:
        """The salted hash of a normalised password. Raises Overloaded when too many wait already."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one; no hash takes as long as a wrong password.

        Raises Overloaded when too many wait already.
        """
        ...


class AccessTokens(Protocol):
    """Signs and checks access tokens.

    Every implementation passes `wallet_core.testing.contracts.AccessTokensContract`.
    """

    def issue(self, *, user_id: UserId, session_id: SessionId, role: Role) -> AccessToken:
        """A fresh token for that person."""
        ...

    def check(self, token: str) -> AccessClaims | None:
        """What the token says, or nothing when it is forged, expired, meant for another use or malformed."""
        ...
