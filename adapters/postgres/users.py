"""People in PostgreSQL."""

from datetime import datetime
from typing import Final

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.events import append_events
from adapters.postgres.queries import Connection, load_queries
from wallet_core.identity.changes import addresses_changed, password_changed
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId

_TAKEN_BY_CONSTRAINT: Final = {"users_email_key": Taken.EMAIL, "users_phone_key": Taken.PHONE}


class PostgresUserRepository:
    """A UserRepository over the table `users`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("users")
        self._session_queries = load_queries("sessions")

    async def add(self, user: User, password_hash: str) -> Taken | None:
        """As UserRepository.add."""
        async with self._database.change() as connection:
            try:
                await add_user(connection, user, password_hash)
            except asyncpg.UniqueViolationError as error:
                return taken_of(error)
        return None

    async def by_id(self, user_id: UserId) -> User | None:
        """As UserRepository.by_id."""
        async with self._database.connection() as connection:
            return user_of(await self._queries["find_user"].fetch_row(connection, id=user_id))

    async def by_address(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        """As UserRepository.by_address."""
        async with self._database.connection() as connection:
            return user_of(await self._queries["find_user_by_address"].fetch_row(connection, email=email, phone=phone))

    async def password_hash(self, user_id: UserId) -> str | None:
        """As UserRepository.password_hash."""
        async with self._database.connection() as connection:
            hashed: str | None = await self._queries["find_password_hash"].fetch_value(connection, id=user_id)
            return hashed

    async def replace_password_hash(self, user_id: UserId, hashed: str, *, instead_of: str) -> bool:
        """As UserRepository.replace_password_hash."""
        async with self._database.change() as connection:
            replaced = await self._queries["replace_password_hash"].fetch_value(
                connection, id=user_id, hashed=hashed, instead_of=instead_of
            )
            return replaced is not None

    async def change_password(
        self, user_id: UserId, hashed: str, *, instead_of: str | None, spared: SessionId | None, now: datetime
    ) -> bool:
        """As UserRepository.change_password."""
        async with self._database.transaction() as connection:
            replaced = await self._queries["replace_password_hash"].fetch_value(
                connection, id=user_id, hashed=hashed, instead_of=instead_of
            )
            if replaced is None:
                return False
            await self._session_queries["end_sessions_of_person"].fetch(
                connection, user_id=user_id, because=SessionEnd.PASSWORD_CHANGED, now=now, spared=spared
            )
            await append_events(connection, [password_changed(user_id)])
        return True

    async def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        time_zone: str | None = None,
    ) -> User | Taken | None:
        """As UserRepository.change."""
        async with self._database.transaction() as connection:
            before = user_of(await self._queries["lock_user"].fetch_row(connection, id=user_id))
            if before is None:
                return None
            try:
                row = await self._queries["change_user"].fetch_row(
                    connection, id=user_id, name=name, email=email, phone=phone, time_zone=time_zone
                )
            except asyncpg.UniqueViolationError as error:
                return taken_of(error)
            after = user_of(row)
            if after is not None:
                await append_events(connection, addresses_changed(before, after))
        return after

    async def verify_address(
        self, user_id: UserId, *, email: str | None = None, phone: str | None = None, now: datetime
    ) -> User | None:
        """As UserRepository.verify_address."""
        async with self._database.change() as connection:
            return user_of(
                await self._queries["verify_address"].fetch_row(
                    connection, id=user_id, email=email, phone=phone, now=now
                )
            )

    async def warn(self, user_id: UserId, *, now: datetime, unless_since: datetime) -> bool:
        """As UserRepository.warn."""
        async with self._database.change() as connection:
            warned = await self._queries["warn"].fetch_value(connection, id=user_id, now=now, unless_since=unless_since)
            return warned is not None


async def add_user(connection: Connection, user: User, password_hash: str) -> None:
    """Keep a new person. Raises what `taken_of` reads where one of their addresses is somebody's already."""
    await load_queries("users")["add_user"].execute(
        connection,
        id=user.id,
        name=user.name,
        email=user.email,
        phone=user.phone,
        email_verified_at=user.email_verified_at,
        phone_verified_at=user.phone_verified_at,
        password_hash=password_hash,
        role=user.role,
        status=user.status,
        time_zone=user.time_zone,
        created_at=user.created_at,
    )


def taken_of(error: asyncpg.UniqueViolationError) -> Taken:
    """Which address it is that is taken. Raises the error where it is about something else."""
    taken = _TAKEN_BY_CONSTRAINT.get(error.constraint_name or "")
    if taken is None:
        raise error
    return taken


def user_of(row: asyncpg.Record | None) -> User | None:
    """A person from a row of their columns; nothing from none."""
    if row is None:
        return None
    return User(
        id=UserId(row["id"]),
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        # What was there before addresses were verified is marked verified even where it is missing.
        email_verified_at=None if row["email"] is None else row["email_verified_at"],
        phone_verified_at=None if row["phone"] is None else row["phone_verified_at"],
        role=Role(row["role"]),
        status=UserStatus(row["status"]),
        time_zone=row["time_zone"],
        created_at=row["created_at"],
    )
