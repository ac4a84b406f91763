"""Challenges in PostgreSQL."""

from datetime import datetime, timedelta
from typing import Final

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.queries import load_queries
from wallet_core.identity.challenges import ATTEMPTS_MAX, Challenge, Purpose
from wallet_core.ids import ChallengeId, UserId

_FORGOTTEN_AFTER: Final = timedelta(days=1)
"""When a challenge that is over is deleted, once the same person is challenged again."""


class PostgresChallengeRepository:
    """A ChallengeRepository over the table `challenges`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("challenges")

    async def open(self, challenge: Challenge) -> None:
        """As ChallengeRepository.open."""
        async with self._database.transaction() as connection:
            if await self._queries["lock_person"].fetch_value(connection, user_id=challenge.user_id) is None:
                raise ValueError("A challenge is opened for somebody who is there.")
            await self._queries["end_open"].execute(
                connection, user_id=challenge.user_id, purpose=challenge.purpose, now=challenge.created_at
            )
            await self._queries["forget"].execute(
                connection, user_id=challenge.user_id, before=challenge.created_at - _FORGOTTEN_AFTER
            )
            await self._queries["add_challenge"].execute(
                connection,
                id=challenge.id,
                user_id=challenge.user_id,
                purpose=challenge.purpose,
                secret_hash=challenge.secret_hash,
                subject=challenge.subject,
                created_at=challenge.created_at,
                expires_at=challenge.expires_at,
            )

    async def find(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.find."""
        async with self._database.connection() as connection:
            return _challenge_of(
                await self._queries["find_challenge"].fetch_row(
                    connection, purpose=purpose, secret_hash=secret_hash, now=now, attempts_max=ATTEMPTS_MAX
                )
            )

    async def attempt(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.attempt."""
        async with self._database.change() as connection:
            return _challenge_of(
                await self._queries["attempt"].fetch_row(
                    connection, purpose=purpose, secret_hash=secret_hash, now=now, attempts_max=ATTEMPTS_MAX
                )
            )

    async def use(self, challenge_id: ChallengeId, now: datetime) -> bool:
        """As ChallengeRepository.use."""
        async with self._database.change() as connection:
            return await self._queries["use"].fetch_value(connection, id=challenge_id, now=now) is not None

    async def answer(self, user_id: UserId, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.answer."""
        async with self._database.change() as connection:
            row = await self._queries["answer"].fetch_row(
                connection,
                user_id=user_id,
                purpose=purpose,
                secret_hash=secret_hash,
                now=now,
                attempts_max=ATTEMPTS_MAX,
            )
        return _challenge_of(row) if row is not None and row["is_right"] else None

    async def end(self, user_id: UserId, purpose: Purpose, now: datetime) -> None:
        """As ChallengeRepository.end."""
        async with self._database.change() as connection:
            await self._queries["end_open"].execute(connection, user_id=user_id, purpose=purpose, now=now)


def _challenge_of(row: asyncpg.Record | None) -> Challenge | None:
    if row is None:
        return None
    return Challenge(
        id=ChallengeId(row["id"]),
        user_id=UserId(row["user_id"]),
        purpose=Purpose(row["purpose"]),
        secret_hash=row["secret_hash"],
        subject=row["subject"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
