"""PostgreSQL keeps the promises of every port, and its books balance after each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.contracts.postgres_books import PostgresBooks
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts import (
    AdministrationRepositoryContract,
    AuditTrailContract,
    ChallengeRepositoryContract,
    LedgerContract,
    LimitRepositoryContract,
    PeopleDirectoryContract,
    SealRepositoryContract,
    SessionRepositoryContract,
    StatementRepositoryContract,
    UserRepositoryContract,
    WalletRepositoryContract,
)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def books(pool: "asyncpg.Pool[asyncpg.Record]", clock: SettableClock) -> AsyncIterator[PostgresBooks]:
    books = PostgresBooks(pool, clock)
    await books.open()
    yield books
    assert await books.findings() == []


class TestPostgresLedger(LedgerContract):
    pass


class TestPostgresStatementRepository(StatementRepositoryContract):
    pass


class TestPostgresWalletRepository(WalletRepositoryContract):
    pass


class TestPostgresLimitRepository(LimitRepositoryContract):
    pass


class TestPostgresUserRepository(UserRepositoryContract):
    pass


class TestPostgresChallengeRepository(ChallengeRepositoryContract):
    pass


class TestPostgresSessionRepository(SessionRepositoryContract):
    pass


class TestPostgresAdministration(AdministrationRepositoryContract):
    pass


class TestPostgresAuditTrail(AuditTrailContract):
    pass


class TestPostgresSeals(SealRepositoryContract):
    pass


class TestPostgresPeopleDirectory(PeopleDirectoryContract):
    pass
