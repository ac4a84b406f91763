"""What throttling counts in PostgreSQL does not pile up."""

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.failures import (
    CALLS_BETWEEN_SWEEPS,
    STALE_SECONDS,
    PostgresFailureCounters,
    PostgresMessageCounters,
)
from wallet_core.identity.throttling import Backoff, Rate

Pool = asyncpg.Pool


async def test_counts_that_mean_nothing_any_more_are_dropped_as_others_are_made(pool: "Pool[asyncpg.Record]") -> None:
    backoff = Backoff(free=5, seconds_max=900, forgotten_seconds=86_400)
    failures = PostgresFailureCounters(Database(pool), backoff)
    await pool.execute(
        "INSERT INTO failed_attempts (key, failures, counted_at, free_at) SELECT "
        "decode(md5(n::text), 'hex'), 1, moment, moment FROM generate_series(1, 500) AS n, "
        "LATERAL (SELECT clock_timestamp() - n * interval '10 minutes' AS moment) AS m"
    )

    for _ in range(CALLS_BETWEEN_SWEEPS):
        await failures.take(b"one of today")

    oldest = await pool.fetchval("SELECT clock_timestamp() - min(counted_at) FROM failed_attempts")
    assert backoff.forgotten_seconds - 900 < oldest.total_seconds() <= backoff.forgotten_seconds + backoff.seconds_max
    assert await pool.fetchval("SELECT count(*) FROM failed_attempts") > 100


async def test_messages_that_count_for_nothing_any_more_are_dropped_too(pool: "Pool[asyncpg.Record]") -> None:
    messages = PostgresMessageCounters(Database(pool))
    await pool.execute(
        "INSERT INTO sent_messages (key, moments, sent_at) SELECT decode(md5(n::text), 'hex'), ARRAY[moment], moment "
        "FROM generate_series(1, 50) AS n, LATERAL (SELECT clock_timestamp() - n * interval '1 hour' AS moment) AS m"
    )

    for number in range(CALLS_BETWEEN_SWEEPS):
        await messages.take(f"to {number}".encode(), Rate(most=1, seconds=STALE_SECONDS))

    assert await pool.fetchval("SELECT count(*) FROM sent_messages") == CALLS_BETWEEN_SWEEPS + 23
