"""The in-memory books keep the promises of every port, and their books balance after each test."""

from collections.abc import Iterator

import pytest

from wallet_core.testing.books import InMemoryBooks
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
def books(clock: SettableClock) -> Iterator[InMemoryBooks]:
    books = InMemoryBooks(clock)
    yield books
    assert books.findings() == []


class TestInMemoryLedger(LedgerContract):
    pass


class TestInMemoryStatementRepository(StatementRepositoryContract):
    pass


class TestInMemoryWalletRepository(WalletRepositoryContract):
    pass


class TestInMemoryLimitRepository(LimitRepositoryContract):
    pass


class TestInMemoryUserRepository(UserRepositoryContract):
    pass


class TestInMemoryChallengeRepository(ChallengeRepositoryContract):
    pass


class TestInMemorySessionRepository(SessionRepositoryContract):
    pass


class TestInMemoryAdministration(AdministrationRepositoryContract):
    pass


class TestInMemoryAuditTrail(AuditTrailContract):
    pass


class TestInMemorySeals(SealRepositoryContract):
    pass


class TestInMemoryPeopleDirectory(PeopleDirectoryContract):
    pass
