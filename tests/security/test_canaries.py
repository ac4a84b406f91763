"""Row 71: no secret and no address turns up where it does not belong, whatever is asked and however it fails."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.races.serving import served
from tests.security.canaries import Canaries
from tests.security.journey import Traveller
from tests.security.leftovers import keys_of, overheard, rows_of
from tests.security.planting import KEEPSAKE, Planter, operations_in
from tests.services.databases import TestDatabase
from tests.services.workers import a_worker

AT_HOME = {
    ("users", "email"),
    ("users", "phone"),
    ("challenges", "subject"),
    ("deliveries", "recipient"),
    ("events", "data"),
}
"""Where addresses are kept: people are reached by them, a challenge proves the one that it was sent to, a delivery goes
to one, and that an address was changed is told the former one."""
_GENEROUS = "login=99999/60,signup=99999/60,reset=99999/60,code=99999/60,message=99999/60"


@pytest.mark.timeout(300)
async def test_row_71_nothing_secret_is_logged_or_stored_or_told_to_redis(
    migrated_database: TestDatabase, redis_url: str, tmp_path: Path
) -> None:
    canaries, statuses = Canaries(), Counter[int]()
    log, mailbox = tmp_path / "log", tmp_path / "mailbox"
    settings = {
        "LOG_LEVEL": "DEBUG",
        "ACCESS_LOG": "true",
        "MAILBOX": str(mailbox),
        "CLIENT_LIMITS": _GENEROUS,
        "FAILURES_FREE": "100",
        "PUBLIC_URL": "http://wallet.example",
    }

    with (
        overheard(redis_url) as told_to_redis,
        served(log, database=migrated_database.dsn, redis_url=redis_url, **settings) as service,
        a_worker(
            tmp_path / "worker", DATABASE_URL=migrated_database.dsn, MAILBOX=str(mailbox), LOG_LEVEL="DEBUG"
        ) as worker,
    ):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            traveller = Traveller(session, service.url, mailbox, canaries)
            await traveller.arrive()
            await traveller.do_everything()
            rows = [await rows_of(migrated_database.owner_dsn)]
            async with session.get(f"{service.url}/openapi.json") as response:
                operations = operations_in(await response.json())
            for operation in operations:
                asker = Traveller(session, service.url, mailbox, canaries)
                await asker.arrive()
                for request in Planter(canaries).requests(operation, asker.token, asker.wallet_id):
                    statuses[await asker.send(request)] += 1
            async with session.get(f"{service.url}/metrics") as response:
                figures = await response.text()
        rows.append(await rows_of(migrated_database.owner_dsn))
        in_redis = await asyncio.to_thread(keys_of, redis_url)
        await asyncio.to_thread(worker.stop)
    logged, told_by_worker = log.read_text(encoding="utf-8"), worker.log.read_text(encoding="utf-8")
    misplaced = [
        f"{table}.{column}: {what}"
        for each in rows
        for (table, column), text in each.items()
        if (table, column) not in AT_HOME
        for what in canaries.found_in(text)
    ]

    assert list(canaries.found_in(logged)) == []
    assert list(canaries.found_in(told_by_worker)) == []
    assert list(canaries.found_in(figures)) == []
    assert KEEPSAKE not in figures
    assert "the worker has stopped" in told_by_worker
    assert rows[-1]["deliveries", "status"].count("delivered") > 0
    assert list(canaries.found_in(in_redis + told_to_redis.text())) == []
    assert misplaced == []
    # Whoever looks can see: what belongs there is found there.
    assert canaries.number > 1_000
    assert len(operations) > 30
    assert statuses.keys() >= {200, 201, 400, 401, 404, 415}
    assert 500 not in statuses
    assert list(canaries.found_in(rows[-1]["users", "email"]))
    assert KEEPSAKE in rows[-1]["users", "name"]
    assert KEEPSAKE not in logged
    assert "throttle" in told_to_redis.text()
    lines = [json.loads(line) for line in logged.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) > sum(statuses.values())
    assert all("request_id" in line for line in requests)
    assert sum("user_id" in line for line in requests) > len(requests) / 3


def test_canaries_are_found_in_whatever_form_they_turn_up() -> None:
    canaries = Canaries()
    secret, email, phone = canaries.secret("secret"), canaries.email("email"), canaries.phone("phone")
    learned, code = canaries.learn("learned", "qL0mV7pC2xJ8tR4yB6nW1zK9dF3hS5g"), canaries.learn("code", "493817")

    for text in (
        secret,
        secret.upper(),
        f'"{secret}"',
        secret.encode().hex(),
        secret[:-3],
        f"\\x{secret.encode().hex()}",
    ):
        assert list(canaries.found_in(text)), text
    for text in (email, phone, f"({phone})", learned, learned.encode().hex(), f"code={code},", f'"{code}"'):
        assert list(canaries.found_in(text)), text
    for text in ("nothing", "12:00:00.493817+00", "01a1f862-8568-7353-882d-d67d493817aa", "a493817", "1493817"):
        assert list(canaries.found_in(text)) == [], text
