"""Workers are killed while they relay and deliver: nothing is lost, and next to nothing is sent twice."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.contracts.postgres_books import PostgresBooks
from tests.faults.conftest import Tell
from tests.faults.history import Row
from tests.faults.profile import SEED, often
from tests.services.post_office import a_post_office
from tests.services.workers import start_worker
from wallet_core.ledger.accounts import Account
from wallet_core.testing.builders import a_transfer
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person, post

pytestmark = [pytest.mark.faults, pytest.mark.timeout(often(quick=300, full=3_600))]

WORKERS = 2
TRANSFERS_A_SECOND = 25
TOLD_SECONDS_MAX = 60.0
MEAN_SENDS_MAX = 1.1
LIFE_SECONDS_MAX = 1.5
"""Of a worker that is at work, to its end. One in five dies on its way there."""

_LEFT = """
    SELECT (SELECT count(*) FROM events WHERE relayed_at IS NULL),
           (SELECT count(*) FROM deliveries WHERE status <> 'delivered')
"""


async def test_fifty_workers_are_killed_and_everybody_is_told(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]", tmp_path: Path, tell: Tell
) -> None:
    row, kills, dice = Row(name="F16 killed workers"), often(quick=50, full=500), random.Random(SEED)
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    alice, others = await a_person(books, balance=10**9), [await a_person(books, name=f"B{n}") for n in range(10)]
    transfers: list[str] = []

    async with a_post_office() as office:
        stopping = asyncio.Event()
        load = asyncio.create_task(_load(books, alice, others, transfers, stopping))
        environment = {"DATABASE_URL": database, "SMTP_URL": office.url}
        logs = (tmp_path / f"{number}.log" for number in range(10_000))
        await asyncio.gather(*(_lives(kills // WORKERS, logs, environment, dice) for _ in range(WORKERS)))
        stopping.set()
        await load
        sent_by_the_killed = len(office.sent)
        last = [await asyncio.to_thread(start_worker, next(logs), **environment) for _ in range(WORKERS)]
        try:
            seconds = await _until_told(pool)
        finally:
            for worker in last:
                worker.kill()

    row.faults = kills
    sends = list(office.sent.values())
    row.figures |= {
        "transfers": len(transfers),
        "sent_by_the_killed": sent_by_the_killed,
        "sends_max": max(sends),
        "sends_mean": round(sum(sends) / len(sends), 4),
        "told_after_seconds": round(seconds, 1),
    }
    tell(row)
    told = await pool.fetch("SELECT data->>'transaction_id' AS id FROM notifications WHERE kind = 'transfer.received'")
    assert Counter(each["id"] for each in told) == Counter(transfers)
    assert len(office.sent) == len(transfers)
    assert sent_by_the_killed > len(transfers) / 10
    assert max(sends) <= 2
    assert sum(sends) / len(sends) <= MEAN_SENDS_MAX


async def _load(
    books: PostgresBooks, alice: Account, others: list[Account], transfers: list[str], stopping: asyncio.Event
) -> None:
    """Movements, one after the other, each of which somebody is to be told of."""
    while not stopping.is_set():
        command = a_transfer(alice, others[len(transfers) % len(others)], amount=1)
        await post(books, command)
        transfers.append(str(command.id))
        await asyncio.sleep(1 / TRANSFERS_A_SECOND)


async def _lives(number: int, logs: Iterator[Path], environment: dict[str, str], dice: random.Random) -> None:
    for _ in range(number):
        worker = await asyncio.to_thread(start_worker, next(logs), **environment)
        if dice.random() > 1 / 5:
            await asyncio.to_thread(worker.wait_until_at_work)
        await asyncio.sleep(dice.uniform(0, LIFE_SECONDS_MAX))
        assert worker.process.poll() is None, worker.log.read_text()
        await asyncio.to_thread(worker.kill)


async def _until_told(pool: "asyncpg.Pool[asyncpg.Record]") -> float:
    began = time.monotonic()
    while tuple(await pool.fetchrow(_LEFT) or ()) != (0, 0):
        assert time.monotonic() - began < TOLD_SECONDS_MAX
        await asyncio.sleep(0.1)
    return time.monotonic() - began
