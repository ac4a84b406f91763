"""Sealing by AES-GCM, and what of it lies in PostgreSQL."""

from collections.abc import Mapping

import asyncpg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.postgres.database import Database
from adapters.postgres.second_factors import PostgresFactorSecrets, PostgresSecondFactorRepository
from adapters.security.sealing import AesGcmSealer
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.identity.sealing import KeyRotation, SealBroken
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.sealing import PLACE
from wallet_core.testing.contracts.second_factor import a_factor

OLD, NEW = b"o" * 32, b"n" * 32

Pool = asyncpg.Pool


def test_the_form_is_key_id_nonce_and_ciphertext_with_the_place_as_associated_data() -> None:
    """Row 78."""
    sealed = AesGcmSealer({"k1": OLD}).seal(b"secret", PLACE)

    key_id, _, rest = sealed.partition(b":")
    associated = f"second_factors:secret:{PLACE.row_id}".encode()
    assert key_id == b"k1"
    assert AESGCM(OLD).decrypt(rest[:12], rest[12:], associated) == b"secret"
    assert len(rest) == 12 + len(b"secret") + 16


@pytest.mark.parametrize(
    "keys",
    [{}, {"k1": b"x" * 31}, {"k1": b"x" * 33}, {"": OLD}, {"K1": OLD}, {"k:1": OLD}, {"k" * 33: OLD}, {"k\n": OLD}],
)
def test_what_is_no_ring_is_refused(keys: Mapping[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"key"):
        AesGcmSealer(keys)


def test_no_key_shows_in_a_sealer() -> None:
    assert "ooo" not in repr(AesGcmSealer({"k1": OLD}))


async def test_secrets_exchanged_between_two_rows_do_not_open(pool: "Pool[asyncpg.Record]") -> None:
    """Row 78."""
    books, factors = PostgresBooks(pool, SettableClock()), a_repository(pool, {"k1": OLD})
    one, other = [await a_factor(books, factors) for _ in range(2)]

    await pool.execute(
        "UPDATE second_factors a SET secret = b.secret FROM second_factors b WHERE a.id <> b.id",
    )

    for factor in (one, other):
        with pytest.raises(SealBroken):
            await factors.of(factor.user_id)


async def test_nothing_of_a_secret_or_a_recovery_code_lies_open_in_the_database(pool: "Pool[asyncpg.Record]") -> None:
    """Rows 26 and 27."""
    books = PostgresBooks(pool, SettableClock())
    factor = await a_factor(books, a_repository(pool, {"k1": OLD}))

    row = await pool.fetchrow("SELECT * FROM second_factors")

    assert row is not None
    assert factor.secret.encode() not in row["secret"]
    assert row["secret"].startswith(b"k1:")
    assert factor.secret not in str(dict(row))


async def test_a_rotation_ends_with_nothing_under_the_old_key_and_everything_readable(
    pool: "Pool[asyncpg.Record]",
) -> None:
    """Row 79."""
    books = PostgresBooks(pool, SettableClock())
    old = [await a_factor(books, a_repository(pool, {"old": OLD})) for _ in range(7)]
    both = {"new": NEW, "old": OLD}
    already_new = await a_factor(books, a_repository(pool, both))
    told: list[tuple[str, int, int]] = []

    rotated = await a_rotation(pool, both).run(lambda *each: told.append(each))
    again = await a_rotation(pool, both).run(lambda *_: None)

    assert (rotated.resealed, rotated.unreadable) == (7, ())
    assert told == [("second_factors.secret", 0, 7), ("second_factors.secret", 7, 7)]
    assert again.resealed == 0
    assert await pool.fetchval("SELECT count(*) FROM second_factors WHERE substring(secret FOR 4) <> 'new:'") == 0
    for factor in (*old, already_new):
        assert await a_repository(pool, {"new": NEW}).of(factor.user_id) == factor


async def test_a_rotation_passes_over_what_it_cannot_open_and_names_it(pool: "Pool[asyncpg.Record]") -> None:
    books = PostgresBooks(pool, SettableClock())
    lost = await a_factor(books, a_repository(pool, {"lost": b"l" * 32}))
    old = await a_factor(books, a_repository(pool, {"old": OLD}))

    rotated = await a_rotation(pool, {"new": NEW, "old": OLD}).run(lambda *_: None)

    assert rotated.resealed == 1
    assert [place.row_id for place in rotated.unreadable] == [lost.id]
    assert await a_repository(pool, {"new": NEW}).of(old.user_id) == old
    assert await a_repository(pool, {"lost": b"l" * 32}).of(lost.user_id) == lost


async def test_the_application_takes_back_a_secret_with_its_codes(pool: "Pool[asyncpg.Record]") -> None:
    factors = a_repository(pool, {"k1": OLD})
    factor = await a_factor(PostgresBooks(pool, SettableClock()), factors)

    await factors.turn_off(factor)

    assert await pool.fetchval("SELECT count(*) FROM second_factors") == 0
    assert await pool.fetchval("SELECT count(*) FROM recovery_codes") == 0


def a_repository(pool: "Pool[asyncpg.Record]", keys: Mapping[str, bytes]) -> PostgresSecondFactorRepository:
    return PostgresSecondFactorRepository(Database(pool), AesGcmSealer(keys))


def a_rotation(pool: "Pool[asyncpg.Record]", keys: Mapping[str, bytes]) -> KeyRotation:
    return KeyRotation(AesGcmSealer(keys), [PostgresFactorSecrets(Database(pool))])
