"""Second factors in memory and in PostgreSQL, codes by hand and by pyotp, keep the same promises."""

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.second_factors import PostgresSecondFactorRepository
from adapters.security.recovery_codes import HmacRecoveryCodes
from adapters.security.totp import TotpCodes
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts import (
    OneTimeCodesContract,
    RecoveryCodesContract,
    SecondFactorEventsContract,
    SecondFactorRepositoryContract,
)
from wallet_core.testing.sealing import InMemorySealer
from wallet_core.testing.second_factor import InMemoryOneTimeCodes, InMemoryRecoveryCodes


class TestInMemoryOneTimeCodes(OneTimeCodesContract):
    @pytest.fixture
    def codes(self) -> InMemoryOneTimeCodes:
        return InMemoryOneTimeCodes()


class TestTotpCodes(OneTimeCodesContract):
    @pytest.fixture
    def codes(self) -> TotpCodes:
        return TotpCodes(issuer="Wallet & Sons")


class TestInMemoryRecoveryCodes(RecoveryCodesContract):
    @pytest.fixture
    def recovery_codes(self) -> InMemoryRecoveryCodes:
        return InMemoryRecoveryCodes()


class TestHmacRecoveryCodes(RecoveryCodesContract):
    @pytest.fixture
    def recovery_codes(self) -> HmacRecoveryCodes:
        return HmacRecoveryCodes(pepper=b"p" * 32)

    def test_letters_that_look_like_digits_are_taken_for_them(self, recovery_codes: HmacRecoveryCodes) -> None:
        assert recovery_codes.hashed("O0I1-LAAA") == recovery_codes.hashed("0011-1AAA")

    def test_another_pepper_makes_other_hashes(self, recovery_codes: HmacRecoveryCodes) -> None:
        (code,) = recovery_codes.make(1)

        assert HmacRecoveryCodes(pepper=b"q" * 32).hashed(code) != recovery_codes.hashed(code)

    def test_a_short_pepper_is_refused(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            HmacRecoveryCodes(pepper=b"p" * 31)


class TestInMemorySecondFactorRepository(SecondFactorRepositoryContract, SecondFactorEventsContract):
    @pytest.fixture
    def books(self) -> InMemoryBooks:
        return InMemoryBooks()

    @pytest.fixture
    def factors(self, books: InMemoryBooks) -> object:
        return books.second_factors


class TestPostgresSecondFactorRepository(SecondFactorRepositoryContract, SecondFactorEventsContract):
    @pytest.fixture
    def books(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresBooks:
        return PostgresBooks(pool, SettableClock())

    @pytest.fixture
    def factors(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresSecondFactorRepository:
        return PostgresSecondFactorRepository(Database(pool), InMemorySealer("k1"))
