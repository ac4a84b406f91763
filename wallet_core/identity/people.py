"""Signing up, and what a person may change of themselves."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from wallet_core.clock import Clock
from wallet_core.identity.addresses import Addresses
from wallet_core.identity.entities import Device, Role, User
from wallet_core.identity.passwords import Owner, PasswordRules
from wallet_core.identity.ports import Attempts, PasswordHasher, Taken, TooManyAttempts, UserRepository
from wallet_core.ids import IdGenerator, UserId

Keep: TypeAlias = Callable[[User, str], Awaitable[Taken | None]]
"""Keeps a new person and the hash of their password, or says which of their addresses is taken."""

_NO_DEVICE: Final = Device()


class People:
    """What people do about who they are."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        rules: PasswordRules,
        addresses: Addresses,
        attempts: Attempts,
        *,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._rules = rules
        self._addresses = addresses
        self._attempts = attempts
        self._ids = ids
        self._clock = clock

    async def sign_up(
        self,
        *,
        name: str,
        password: str,
        email: str | None,
        phone: str | None,
        role: Role = Role.USER,
        verified: bool = False,
        device: Device = _NO_DEVICE,
        keep: Keep | None = None,
    ) -> User | Taken | TooManyAttempts:
        """Keep a new person. Each of their addresses gets a code, unless somebody vouches for them (`verified`).
        `keep` keeps them where there is more to keep with them.

        Raises WeakPasswordError, and Overloaded when too many passwords are being hashed.
        """
        checked = self._rules.checked(password, Owner(name=name, email=email, phone=phone))
        wait_seconds = await self._attempts.take((), device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        hashed = await self._hasher.hash(checked)
        now = self._clock()
        user = User(
            id=UserId(self._ids()),
            name=name,
            email=email,
            phone=phone,
            email_verified_at=now if verified and email is not None else None,
            phone_verified_at=now if verified and phone is not None else None,
            role=role,
            created_at=now,
        )
        taken = await (self._users.add if keep is None else keep)(user, hashed)
        if taken is not None:
            self._addresses.warn(taken, email=email, phone=phone)
            return taken
        if not verified:
            self._addresses.welcome(user, device)
        return user

    async def find(self, user_id: UserId) -> User | None:
        """The person of that id."""
        return await self._users.by_id(user_id)

    async def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        time_zone: str | None = None,
        device: Device = _NO_DEVICE,
    ) -> User | Taken | TooManyAttempts | None:
        """Change what is given. Nothing when there is no such person.

        An address that is another one gets a code, and whoever reads the former is told. Claiming one tells whether
        somebody has it, so it is counted as signing up is, and whoever has it is told.
        """
        before = await self._users.by_id(user_id)
        if before is None:
            return None
        if email not in (None, before.email) or phone not in (None, before.phone):
            wait_seconds = await self._attempts.take((), device)
            if wait_seconds is not None:
                return TooManyAttempts(wait_seconds)
        changed = await self._users.change(user_id, name=name, email=email, phone=phone, time_zone=time_zone)
        match changed:
            case User():
                self._addresses.changed(before, changed, device)
            case Taken():
                self._addresses.warn(changed, email=email, phone=phone)
            case None:
                pass
        return changed
