"""What the database itself says, once the requests are over."""

from collections.abc import Mapping

import asyncpg

from adapters.postgres.verification import Finding, verify

_SECONDS_MAX = 20.0


async def findings(dsn: str) -> list[Finding]:
    """Every invariant of the books that does not hold."""
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        return await verify(connection)
    finally:
        await connection.close()


async def settled(dsn: str, user_id: str) -> Mapping[str, str]:
    """What became of each movement that the person asked for with a key: its status, by the key."""
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        rows = await connection.fetch(
            "SELECT idempotency_key, status FROM transactions WHERE user_id = $1 AND idempotency_key IS NOT NULL",
            user_id,
        )
        return {row["idempotency_key"]: row["status"] for row in rows}
    finally:
        await connection.close()
