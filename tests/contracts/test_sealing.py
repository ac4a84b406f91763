"""Sealing in memory and by AES-GCM, and the columns that are sealed, keep the same promises."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.second_factors import PostgresFactorSecrets
from adapters.security.sealing import AesGcmSealer
from wallet_core.testing.builders import new_id
from wallet_core.testing.contracts import SealedColumnContract, SealerContract
from wallet_core.testing.contracts.sealing import Put, ReadAll, Ring
from wallet_core.testing.sealing import InMemorySealedColumn, InMemorySealer

Pool = asyncpg.Pool


class TestInMemorySealer(SealerContract):
    @pytest.fixture
    def ring(self) -> Ring:
        return InMemorySealer


class TestAesGcmSealer(SealerContract):
    @pytest.fixture
    def ring(self) -> Ring:
        return lambda *key_ids: AesGcmSealer({key_id: key_id.encode().rjust(32) for key_id in key_ids})


class TestInMemorySealedColumn(SealedColumnContract):
    @pytest.fixture
    def column(self) -> InMemorySealedColumn:
        return InMemorySealedColumn("second_factors", "secret", {})

    @pytest.fixture
    def put(self, column: InMemorySealedColumn) -> Put:
        async def put(sealed: bytes) -> UUID:
            row_id = new_id()
            column.values[row_id] = sealed
            return row_id

        return put

    @pytest.fixture
    def read_all(self, column: InMemorySealedColumn) -> ReadAll:
        async def read_all() -> Mapping[UUID, bytes]:
            return column.values

        return read_all


class TestPostgresFactorSecrets(SealedColumnContract):
    @pytest.fixture
    def column(self, pool: "Pool[asyncpg.Record]") -> PostgresFactorSecrets:
        return PostgresFactorSecrets(Database(pool))

    @pytest.fixture
    def put(self, pool: "Pool[asyncpg.Record]") -> Put:
        async def put(sealed: bytes) -> UUID:
            row_id = new_id()
            await pool.execute(
                "INSERT INTO users (id, name, email, password_hash, created_at) VALUES ($1, 'A', $2, 'hash', now())",
                row_id,
                f"{row_id}@example.org",
            )
            await pool.execute(
                "INSERT INTO second_factors (id, user_id, secret, created_at) VALUES ($1, $1, $2, now())",
                row_id,
                sealed,
            )
            return row_id

        return put

    @pytest.fixture
    def read_all(self, pool: "Pool[asyncpg.Record]") -> ReadAll:
        async def read_all() -> Mapping[UUID, bytes]:
            return dict(await pool.fetch("SELECT id, secret FROM second_factors"))

        return read_all
