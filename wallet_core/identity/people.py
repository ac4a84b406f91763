"""Signing up, and what a person may change of themselves."""

from wallet_core.clock import Clock
from wallet_core.identity.entities import Role, User, normalised_password
from wallet_core.identity.ports import PasswordHasher, Taken, UserRepository
from wallet_core.ids import IdGenerator, UserId


class People:
    """What people do about who they are."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        *,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._ids = ids
        self._clock = clock

    async def sign_up(
        self, *, name: str, password: str, email: str | None, phone: str | None, role: Role = Role.USER
    ) -> User | Taken:
        """Keep a new person. Raises WeakPasswordError, and Overloaded when too many passwords are being hashed."""
        hashed = await self._hasher.hash(normalised_password(password))
        user = User(id=UserId(self._ids()), name=name, email=email, phone=phone, role=role, created_at=self._clock())
        taken = await self._users.add(user, hashed)
        return user if taken is None else taken

    async def find(self, user_id: UserId) -> User | None:
        """The person of that id."""
        return await self._users.by_id(user_id)

    async def change(
        self, user_id: UserId, *, name: str | None, phone: str | None, time_zone: str | None
    ) -> User | Taken | None:
        """Change what is given. Nothing when there is no such person."""
        return await self._users.change(user_id, name=name, phone=phone, time_zone=time_zone)
