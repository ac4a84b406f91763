"""A backup made under load, restored on another server: the drill that docs/operations.md describes."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from entrypoints.embedded.wheels import postgres_install
from tests.outages.load import Load
from tests.outages.machines import own_postgres, own_valkey
from tests.outages.patience import until
from tests.races.books import findings, settled
from tests.races.client import Api, Person
from tests.races.serving import PROJECT, Service, client_of, served
from tests.services.databases import APPLICATION, OWNER, TestDatabase

CALLERS = 6
STALE_SECONDS_MAX = 5.0
_BUSY_SECONDS = 0.5
"""What a busy machine may add to it."""
_SECONDS_MAX = 60.0

_ROLES = (
    f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{OWNER}'",
    f"CREATE ROLE wallet_app NOLOGIN ADMIN {OWNER}",
    f"CREATE DATABASE restored OWNER {OWNER}",
)
_COUNTS = "SELECT (SELECT count(*) FROM transactions), (SELECT count(*) FROM entries), (SELECT count(*) FROM events)"


@pytest.fixture
def other_server() -> Iterator[str]:
    """Another PostgreSQL server, as it is when nothing was ever done to it: its superuser's DSN."""
    with own_postgres() as (_, dsn):
        yield dsn


@pytest.fixture
def valkey() -> Iterator[str]:
    """A cache that lives through the restore, and has seen what the backup has not."""
    with own_valkey() as (_, url):
        yield url


async def counts(dsn: str) -> tuple[int, ...]:
    """How many transactions, entries and events there are."""
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        row = await connection.fetchrow(_COUNTS)
        assert row is not None
        return tuple(row)
    finally:
        await connection.close()


def dump(database: TestDatabase, to: Path) -> None:
    """pg_dump, as the owner of the tables."""
    _run(str(postgres_install() / "bin" / "pg_dump"), "--format=custom", f"--file={to}", database.owner_dsn)


async def restore(dump_file: Path, server_dsn: str) -> tuple[str, str]:
    """What docs/operations.md says, step by step: the DSN of the service, and the owner's."""
    server = await asyncpg.connect(server_dsn, timeout=_SECONDS_MAX)
    try:
        for statement in _ROLES:
            await server.execute(statement)
    finally:
        await server.close()
    host = server_dsn.rpartition("@")[2].partition("/")[0]
    owner = f"postgresql://{OWNER}:{OWNER}@{host}/restored"
    service = f"postgresql://{APPLICATION}:{APPLICATION}@{host}/restored"
    pg_restore = str(postgres_install() / "bin" / "pg_restore")
    await asyncio.to_thread(_run, pg_restore, "--exit-on-error", "--no-owner", f"--dbname={owner}", str(dump_file))
    commands = [
        ({"MIGRATION_DATABASE_URL": owner, "DATABASE_URL": service}, "migrate"),
        ({"DATABASE_URL": owner}, "verify"),
    ]
    for environment, command in commands:
        await asyncio.to_thread(_run, sys.executable, "-m", "entrypoints", command, environment=environment)
    return service, owner


def _run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    ran = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
    )
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"


async def kept_balances(dsn: str, people: list[Person]) -> dict[str, Decimal]:
    """What the books have, by person."""
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        rows = await connection.fetch(
            "SELECT user_id::text, balance FROM accounts WHERE user_id = ANY($1::uuid[])", [each.id for each in people]
        )
        return {row["user_id"]: Decimal(row["balance"]) / 100 for row in rows}
    finally:
        await connection.close()


async def told_balances(api: Api, people: list[Person]) -> dict[str, Decimal]:
    """What the service says, asked so that it needs to look nothing up before it looks into the cache."""
    asked = [api.ask("GET", f"/wallets/{each.wallet_id}/balance?currency=USD", token=each.token) for each in people]
    return {
        person.id: Decimal(answer.json["balance"])
        for person, answer in zip(people, await asyncio.gather(*asked), strict=True)
    }


@pytest.mark.timeout(180)
async def test_a_backup_made_under_load_is_a_whole_service_on_another_server(
    migrated_database: TestDatabase, other_server: str, valkey: str, tmp_path: Path
) -> None:
    database, backup = migrated_database, tmp_path / "wallet.dump"
    with served(tmp_path / "before.log", database=database.dsn, redis_url=valkey) as service:
        async with client_of(service) as api:
            people = [await api.person(name, funds="5000.00") for name in ("alice", "bob", "carol", "dave")]
            load = Load(people, callers=CALLERS, pause_seconds=0.02)
            load.start()
            await asyncio.sleep(1)
            before = await counts(database.owner_dsn)
            began = time.monotonic()
            await asyncio.to_thread(dump, database, backup)
            dumped_seconds = time.monotonic() - began
            after = await counts(database.owner_dsn)
            await asyncio.sleep(1)
            await load.stop()
            # So much that the cache cannot be right by chance.
            assert (await people[0].transfer(people[1], "500.00", key="after-the-backup")).status == 201
            began = time.monotonic()
            service_dsn, owner_dsn = await restore(backup, other_server)
            restored_seconds = time.monotonic() - began
            restored = await counts(owner_dsn)
            with served(tmp_path / "after.log", database=service_dsn, redis_url=valkey) as again:
                # The last that the cache hears of what the backup has not.
                await told_balances(api, people)
                stale_seconds = await stale_for(again, service_dsn, people)
                lost, repeated = await asked_again(again, service_dsn, people, load)

    print(
        f"dumped in {dumped_seconds:.1f} s, restored and verified in {restored_seconds:.1f} s: {restored} rows of "
        f"{before} to {after}; balances from the cache for {stale_seconds:.1f} s; {lost} lost, {repeated} kept"
    )
    assert all(low <= there <= high for low, there, high in zip(before, restored, after, strict=True))
    assert before < after
    assert 0.1 < stale_seconds <= STALE_SECONDS_MAX + _BUSY_SECONDS
    assert lost > 0
    assert lost + repeated == len([sent for sent in load.transfers if sent.answer is not None])
    assert await findings(service_dsn) == []


async def stale_for(service: Service, dsn: str, people: list[Person]) -> float:
    """How long the service told what only a later cache knows."""
    truth = await kept_balances(dsn, people)
    async with client_of(service) as api:

        async def told_as_kept() -> bool:
            return await told_balances(api, people) == truth

        return await until(told_as_kept, seconds_max=20)


async def asked_again(service: Service, dsn: str, people: list[Person], load: Load) -> tuple[int, int]:
    """Every transfer that was answered, asked for once more: how many are made anew, and how many were there."""
    known: set[str] = set()
    for person in people:
        known |= set(await settled(dsn, person.id))
    sent = [each for each in load.transfers if each.answer is not None]
    async with client_of(service) as api:
        answers = [await each.source.by(api).transfer(each.target, "1.00", key=each.key) for each in sent]
    replayed = [answer.replayed for answer in answers]
    assert {answer.status for answer in answers} == {201}
    assert replayed == [each.key in known for each in sent]
    return replayed.count(False), replayed.count(True)
