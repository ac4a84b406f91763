"""Keys are changed while two processes serve, and the change is killed halfway: nobody notices."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from adapters.security.sealing import AesGcmSealer
from tests.races.authenticator import App, enrol
from tests.races.client import Api
from tests.races.serving import PROJECT, client_of, served
from tests.services.databases import TestDatabase
from wallet_core.identity.sealing import BATCH_LENGTH, Place
from wallet_core.testing.builders import new_id

OLD, NEW = "0a" * 32, "0b" * 32
BOTH = f"new:{NEW},old:{OLD}"
OLD_ALONE = AesGcmSealer({"old": bytes.fromhex(OLD)})
NEW_ALONE = AesGcmSealer({"new": bytes.fromhex(NEW)})
ROWS = 2_000
BATCHES_BEFORE_THE_KILL = 10

Owner = asyncpg.Connection


@pytest.fixture
async def owner(migrated_database: TestDatabase) -> AsyncIterator["Owner[asyncpg.Record]"]:
    """The owner's connection to the database."""
    connection = await asyncpg.connect(migrated_database.owner_dsn, timeout=10)
    yield connection
    await connection.close()


async def test_a_change_of_keys_under_load_that_is_killed_goes_on_to_the_end_and_no_read_fails(
    migrated_database: TestDatabase, owner: "Owner[asyncpg.Record]", redis_server: str, tmp_path: Path
) -> None:
    """Row 79."""
    log = tmp_path / "service.log"
    with served(log, database=migrated_database.dsn, redis_url=redis_server, SEALING_KEYS=BOTH) as service:
        async with client_of(service) as api:
            apps = [await enrol(api, name, owner) for name in ("ada", "bob", "cyd")]
            await seal_with_the_old_key(owner, apps)
            await add_rows(owner, ROWS)

            async with load(api, apps) as answers:
                await rotate_and_kill_it(owner, migrated_database.dsn)
                left = await count_old(owner)
                enrolled_meanwhile = await enrol(api, "dan", owner)
                proofs = [await app.step_up(await app.code()) for app in apps]
                ended, said = await rotate(migrated_database.dsn)

    # What waited for the held row is either done or not, as the database takes it.
    assert 0 < left <= ROWS + len(apps) - BATCHES_BEFORE_THE_KILL * BATCH_LENGTH
    assert ended == 0, said
    assert re.fullmatch(r"[0-9]+ rows are sealed anew; 0 old rows are left\.\n", said)
    assert 0 < int(said.partition(" ")[0]) <= left
    assert await count_old(owner) == 0
    assert len(answers) > 20
    assert set(answers) == {200}
    assert [proof.status for proof in proofs] == [204] * len(apps)
    for app in (*apps, enrolled_meanwhile):
        row = await owner.fetchrow("SELECT id, secret FROM second_factors WHERE user_id = $1", app.person.id)
        assert row is not None
        assert NEW_ALONE.unseal(row["secret"], place_of(row["id"])) == app.secret.encode()


async def test_what_no_key_opens_is_named_and_left_alone(
    migrated_database: TestDatabase, owner: "Owner[asyncpg.Record]"
) -> None:
    await add_rows(owner, 2)
    row_id = await owner.fetchval("SELECT id FROM second_factors ORDER BY id LIMIT 1")
    await owner.execute("UPDATE second_factors SET secret = 'lost:' || secret WHERE id = $1", row_id)

    ended, said = await rotate(migrated_database.dsn)

    assert ended == 1
    assert said == (f"No key opens second_factors:secret:{row_id}.\n1 rows are sealed anew; 1 old rows are left.\n")


async def seal_with_the_old_key(owner: "Owner[asyncpg.Record]", apps: list[App]) -> None:
    """Have their secrets lie there as before anybody thought of a new key."""
    for app in apps:
        row_id = await owner.fetchval("SELECT id FROM second_factors WHERE user_id = $1", app.person.id)
        sealed = OLD_ALONE.seal(app.secret.encode(), place_of(row_id))
        await owner.execute("UPDATE second_factors SET secret = $2 WHERE id = $1", row_id, sealed)


def place_of(row_id: UUID) -> Place:
    return Place("second_factors", "secret", row_id)


async def add_rows(owner: "Owner[asyncpg.Record]", number: int) -> None:
    """So many people with second factors under the old key."""
    ids = [new_id() for _ in range(number)]
    await owner.executemany(
        "INSERT INTO users (id, name, email, password_hash, created_at) VALUES ($1, 'A', $2, 'hash', now())",
        [(each, f"{each}@example.org") for each in ids],
    )
    await owner.executemany(
        "INSERT INTO second_factors (id, user_id, secret, enabled_at, created_at) VALUES ($1, $1, $2, now(), now())",
        [(each, OLD_ALONE.seal(b"JBSWY3DPEHPK3PXP", place_of(each))) for each in ids],
    )


@asynccontextmanager
async def load(api: Api, apps: list[App]) -> AsyncIterator[list[int]]:
    """Somebody reads secrets all the time while the block runs; the statuses of the answers."""
    statuses: list[int] = []

    async def read(app: App) -> None:
        while True:
            statuses.append((await api.ask("GET", "/auth/2fa", token=app.person.token)).status)
            await asyncio.sleep(0.02)

    readers = [asyncio.create_task(read(app)) for app in apps]
    try:
        yield statuses
    finally:
        for reader in readers:
            reader.cancel()
        ends = await asyncio.gather(*readers, return_exceptions=True)
    assert {type(end) for end in ends} == {asyncio.CancelledError}


async def rotate_and_kill_it(owner: "Owner[asyncpg.Record]", dsn: str) -> None:
    """Begin to change the keys, stop it halfway at a row that is held, and kill it there."""
    ids = [row["id"] for row in await owner.fetch("SELECT id FROM second_factors ORDER BY id")]
    held = ids[BATCHES_BEFORE_THE_KILL * BATCH_LENGTH]
    async with owner.transaction():
        await owner.execute("SELECT FROM second_factors WHERE id = $1 FOR UPDATE", held)
        rotation = await begin_to_rotate(dsn)
        deadline = time.monotonic() + 30
        while await count_old(owner) > len(ids) - BATCHES_BEFORE_THE_KILL * BATCH_LENGTH:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        rotation.kill()
        await rotation.wait()


async def rotate(dsn: str) -> tuple[int | None, str]:
    """Change the keys; the exit code, and what was said."""
    rotation = await begin_to_rotate(dsn)
    said, complaints = await asyncio.wait_for(rotation.communicate(), 60)
    assert complaints == b"", complaints
    return rotation.returncode, said.decode()


async def begin_to_rotate(dsn: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "entrypoints", "keys", "rotate",
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "WALLET_ENV": "development",
            "DATABASE_URL": dsn,
            "JWT_SECRET": "an example of 32 bytes or rather more",
            "PASSWORD_PEPPER": "an example of 32 bytes or rather more",
            "SEALING_KEYS": BOTH,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def count_old(owner: "Owner[asyncpg.Record]") -> int:
    number: int = await owner.fetchval("SELECT count(*) FROM second_factors WHERE substring(secret FOR 4) <> 'new:'")
    return number
