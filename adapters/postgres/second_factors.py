"""Second factors in PostgreSQL, their secrets sealed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.events import append_events
from adapters.postgres.queries import Connection, load_queries
from wallet_core.identity.changes import recovery_code_used, second_factor_off, second_factor_on
from wallet_core.identity.sealing import Place, Resealed, SealedValue, Sealer
from wallet_core.identity.second_factor import SecondFactor
from wallet_core.ids import FactorId, SessionId, UserId

_TABLE: Final = "second_factors"
_COLUMN: Final = "secret"


class PostgresSecondFactorRepository:
    """A SecondFactorRepository over the tables `second_factors` and `recovery_codes`.

    Reading raises SealBroken where the ring has lost the key of a secret.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._queries = load_queries("second_factors")

    async def begin(self, factor: SecondFactor, recovery_hashes: Sequence[bytes]) -> bool:
        """As SecondFactorRepository.begin."""
        async with self._database.transaction() as connection:
            if await self._queries["lock_person"].fetch_value(connection, user_id=factor.user_id) is None:
                raise ValueError("There is no such person.")
            await self._queries["forget_unfinished"].execute(connection, user_id=factor.user_id)
            added = await self._queries["add_factor"].fetch_value(
                connection,
                id=factor.id,
                user_id=factor.user_id,
                secret=self._sealer.seal(factor.secret.encode("ascii"), _place_of(factor.id)),
                created_at=factor.created_at,
            )
            if added is None:
                return False
            await self._queries["add_recovery_codes"].execute(
                connection, factor_id=factor.id, hashes=list(recovery_hashes)
            )
        return True

    async def of(self, user_id: UserId) -> SecondFactor | None:
        """As SecondFactorRepository.of."""
        async with self._database.connection() as connection:
            row = await self._queries["find_factor"].fetch_row(connection, user_id=user_id)
        return None if row is None else self._factor_of(row)

    async def turn_on(self, factor: SecondFactor, *, step: int, session_id: SessionId, now: datetime) -> bool:
        """As SecondFactorRepository.turn_on."""
        async with self._database.transaction() as connection:
            await self._queries["lock_person"].fetch_value(connection, user_id=factor.user_id)
            if await self._queries["turn_on"].fetch_value(connection, id=factor.id, step=step, now=now) is None:
                return False
            await self._queries["note_on_person"].execute(connection, user_id=factor.user_id, second_factor=True)
            await self._queries["prove_only"].execute(
                connection, user_id=factor.user_id, session_id=session_id, now=now
            )
            await append_events(connection, [second_factor_on(factor)])
        return True

    async def advance(self, factor: SecondFactor, step: int) -> bool:
        """As SecondFactorRepository.advance."""
        async with self._database.change() as connection:
            accepted = await self._queries["advance"].fetch_value(connection, id=factor.id, step=step)
        return accepted is not None

    async def spend(self, factor: SecondFactor, recovery_hash: bytes) -> int | None:
        """As SecondFactorRepository.spend."""
        async with self._database.transaction() as connection:
            spent = await self._queries["spend"].fetch_value(connection, factor_id=factor.id, hash=recovery_hash)
            if spent is None:
                return None
            left = await self._count_left(connection, factor)
            await append_events(connection, [recovery_code_used(factor, left)])
            return left

    async def recovery_codes_left(self, factor: SecondFactor) -> int:
        """As SecondFactorRepository.recovery_codes_left."""
        async with self._database.connection() as connection:
            return await self._count_left(connection, factor)

    async def turn_off(self, factor: SecondFactor) -> bool:
        """As SecondFactorRepository.turn_off."""
        async with self._database.transaction() as connection:
            await self._queries["lock_person"].fetch_value(connection, user_id=factor.user_id)
            if await self._queries["turn_off"].fetch_value(connection, id=factor.id) is None:
                return False
            await self._queries["note_on_person"].execute(connection, user_id=factor.user_id, second_factor=False)
            await append_events(connection, [second_factor_off(factor)])
        return True

    async def _count_left(self, connection: Connection, factor: SecondFactor) -> int:
        left: int = await self._queries["count_recovery_codes"].fetch_value(connection, factor_id=factor.id)
        return left

    def _factor_of(self, row: asyncpg.Record) -> SecondFactor:
        factor_id = FactorId(row["id"])
        return SecondFactor(
            id=factor_id,
            user_id=UserId(row["user_id"]),
            secret=self._sealer.unseal(row["secret"], _place_of(factor_id)).decode("ascii"),
            last_step=row["last_step"],
            enabled_at=row["enabled_at"],
            created_at=row["created_at"],
        )


class PostgresFactorSecrets:
    """A SealedColumn: the secrets of second factors."""

    table = _TABLE
    column = _COLUMN

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("second_factors")

    async def count_without(self, mark: bytes) -> int:
        """As SealedColumn.count_without."""
        async with self._database.connection() as connection:
            number: int = await self._queries["count_without"].fetch_value(connection, mark=mark)
            return number

    async def page_without(self, mark: bytes, *, after: UUID | None, limit: int) -> list[SealedValue]:
        """As SealedColumn.page_without."""
        async with self._database.connection() as connection:
            rows = await self._queries["page_without"].fetch(connection, mark=mark, after=after, page_length=limit)
        return [SealedValue(row["id"], row["secret"]) for row in rows]

    async def replace(self, values: Sequence[Resealed]) -> int:
        """As SealedColumn.replace."""
        async with self._database.change() as connection:
            changed = await self._queries["reseal"].fetch(
                connection,
                ids=[each.row_id for each in values],
                befores=[each.before for each in values],
                afters=[each.after for each in values],
            )
        return len(changed)


def _place_of(factor_id: FactorId) -> Place:
    return Place(_TABLE, _COLUMN, factor_id)
