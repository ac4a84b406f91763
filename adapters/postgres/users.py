"""People in PostgreSQL."""

from typing import Final

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.queries import load_queries
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.ids import UserId

_TAKEN_BY_CONSTRAINT: Final = {"users_email_key": Taken.EMAIL, "users_phone_key": Taken.PHONE}


class PostgresUserRepository:
    """A UserRepository over the table `users`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("users")

    async def add(self, user: User, password_hash: str) -> Taken | None:
        """As UserRepository.add."""
        async with self._database.change() as connection:
            try:
                await self._queries["add_user"].execute(
                    connection,
                    id=user.id,
                    name=user.name,
                    email=user.email,
                    phone=user.phone,
                    password_hash=password_hash,
                    role=user.role,
                    status=user.status,
                    time_zone=user.time_zone,
                    created_at=user.created_at,
                )
            except asyncpg.UniqueViolationError as error:
                return _taken(error)
        return None

    async def by_id(self, user_id: UserId) -> User | None:
        """As UserRepository.by_id."""
        async with self._database.connection() as connection:
            return _user_of(await self._queries["find_user"].fetch_row(connection, id=user_id))

    async def by_address(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        """As UserRepository.by_address."""
        async with self._database.connection() as connection:
            return _user_of(await self._queries["find_user_by_address"].fetch_row(connection, email=email, phone=phone))

    async def password_hash(self, user_id: UserId) -> str | None:
        """As UserRepository.password_hash."""
        async with self._database.connection() as connection:
            hashed: str | None = await self._queries["find_password_hash"].fetch_value(connection, id=user_id)
            return hashed

    async def change(
        self, user_id: UserId, *, name: str | None = None, phone: str | None = None, time_zone: str | None = None
    ) -> User | Taken | None:
        """As UserRepository.change."""
        async with self._database.transaction() as connection:
            try:
                row = await self._queries["change_user"].fetch_row(
                    connection, id=user_id, name=name, phone=phone, time_zone=time_zone
                )
            except asyncpg.UniqueViolationError as error:
                return _taken(error)
        return _user_of(row)


def _taken(error: asyncpg.UniqueViolationError) -> Taken:
    taken = _TAKEN_BY_CONSTRAINT.get(error.constraint_name or "")
    if taken is None:
        raise error
    return taken


def _user_of(row: asyncpg.Record | None) -> User | None:
    if row is None:
        return None
    return User(
        id=UserId(row["id"]),
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        role=Role(row["role"]),
        status=UserStatus(row["status"]),
        time_zone=row["time_zone"],
        created_at=row["created_at"],
    )
