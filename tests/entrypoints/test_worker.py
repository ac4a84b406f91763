"""Workers as processes: several share the work, one that is told to stop sees through what it has begun."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from dependency_injector import providers
from structlog.testing import capture_logs

from adapters.postgres.deliveries import first_id_of
from entrypoints.container import opened
from entrypoints.settings import Settings
from entrypoints.worker import chores
from entrypoints.worker.run import _work
from tests.contracts.postgres_books import PostgresBooks
from tests.services.post_office import a_post_office
from tests.services.workers import ENVIRONMENT, a_worker
from wallet_core.clock import system_clock
from wallet_core.notifications.messages import Mail, Message
from wallet_core.notifications.notices import Channel, NoticeKind
from wallet_core.testing.builders import a_transfer
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person, owner, post

TRANSFERS = 120
SECONDS_MAX = 60.0


async def until(pool: "asyncpg.Pool[asyncpg.Record]", question: str) -> None:
    """Return when the database says yes."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            if await pool.fetchval(question):
                return
            await asyncio.sleep(0.05)


async def test_two_workers_share_the_work_and_nothing_is_sent_twice(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]", tmp_path: Path
) -> None:
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    alice, bob = await a_person(books, balance=10_000), await a_person(books, name="Bob")

    async with a_post_office() as office:
        office.pause_seconds = 0.05
        environment = {"DATABASE_URL": database, "SMTP_URL": office.url}
        with (
            a_worker(tmp_path / "first", **environment) as first,
            a_worker(tmp_path / "second", **environment) as second,
        ):
            for _ in range(TRANSFERS):
                await post(books, a_transfer(alice, bob, amount=1))
            await until(pool, f"SELECT count(*) = {TRANSFERS} FROM deliveries WHERE status = 'delivered'")
            codes = [await asyncio.to_thread(worker.stop) for worker in (first, second)]

    assert Counter(office.sent.values()) == {1: TRANSFERS}
    assert codes == [0, 0]
    delivered = [line["delivered"] for worker in (first, second) for line in worker.lines() if "delivered" in line]
    assert sum(map(int, map(str, delivered))) == TRANSFERS
    assert all(int(str(each)) > TRANSFERS / 10 for each in delivered if each)


async def test_a_worker_that_is_told_to_stop_sees_through_what_it_has_begun(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]", tmp_path: Path
) -> None:
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    alice, bob = await a_person(books, balance=10_000), await a_person(books, name="Bob")
    heartbeat = tmp_path / "heartbeat"

    async with a_post_office() as office:
        office.pause_seconds = 1.0
        environment = {"DATABASE_URL": database, "SMTP_URL": office.url}
        with a_worker(tmp_path / "log", "--heartbeat", str(heartbeat), **environment) as worker:
            await post(books, a_transfer(alice, bob, amount=1))
            await until(pool, "SELECT count(*) = 1 FROM deliveries WHERE tries = 1")
            began = time.monotonic()
            code = await asyncio.to_thread(worker.stop)

    assert code == 0
    assert time.monotonic() - began < 8
    assert await pool.fetchval("SELECT status FROM deliveries") == "delivered"
    assert heartbeat.exists()


async def test_a_mail_server_that_hangs_keeps_no_text_message_waiting(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    alice = await a_person(books)
    await books.preferences.choose(owner(alice), {(NoticeKind.PASSWORD_CHANGED, Channel.SMS): True})
    await pool.execute("UPDATE users SET phone = '+41446681800', phone_verified_at = now()")
    for _ in range(20):
        await books.users.change_password(owner(alice), "x", instead_of=None, spared=None, now=SettableClock()())
    twilio = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "a1" * 16, "TWILIO_FROM": "+15005550006"}
    settings = Settings.from_environment(
        {**ENVIRONMENT, **twilio, "DATABASE_URL": database, "SMTP_URL": "smtp+plain://127.0.0.1:1"}
    )

    async with opened(settings) as container:
        container.courier.override(providers.Object(MailHangs()))
        stopping = asyncio.Event()
        work = asyncio.create_task(_work(container, stopping, None, 0.05))
        try:
            async with asyncio.timeout(6):
                await until(pool, "SELECT count(*) = 20 FROM deliveries WHERE status = 'delivered'")
        finally:
            stopping.set()
            work.cancel()
            await asyncio.wait({work})

    assert await pool.fetchval("SELECT count(*) FROM deliveries WHERE channel = 'mail' AND status = 'pending'") == 20


async def test_all_that_is_old_is_cleared_away_and_nothing_else(
    database: str, pool: "asyncpg.Pool[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "CLEARED_MAX", 2)
    now = system_clock()
    for age, status, number in ((40, "delivered", 7), (40, "parked", 1), (20, "delivered", 1), (400, "delivered", 1)):
        for place in range(number):
            first = first_id_of(now - timedelta(days=age))
            of = UUID(int=first.int + 1 + place + (1_000 if status == "parked" else 0))
            await pool.execute(
                "INSERT INTO notifications (id, user_id, event_id, kind, data, created_at) "
                "VALUES ($1, $1, $2, 'wallet.frozen', '{}', now())",
                of,
                of.int % 100_000 + age * 100_000,
            )
            await pool.execute(
                "INSERT INTO deliveries (id, event_id, notification_id, channel, recipient, status, next_try_at, "
                "created_at, ended_at) VALUES ($1, $2, $1, 'mail', '', $3, now(), now(), now())",
                of,
                of.int % 100_000 + age * 100_000,
                status,
            )

    async with opened(Settings.from_environment({**ENVIRONMENT, "DATABASE_URL": database})) as container:
        [clear] = [chore for chore in chores.chores_of(container) if chore.name == "clear away what is old"]
        await clear.work()

    assert await pool.fetchval("SELECT array_agg(status ORDER BY id) FROM deliveries") == ["parked", "delivered"]
    assert await pool.fetchval("SELECT count(*) FROM notifications") == 9


async def test_books_that_are_broken_in_a_thousand_places_fill_no_log(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find_many(*_: object, **__: object) -> list[str]:
        return [f"I1  USD  account-{number}  It does not add up." for number in range(1_000)]

    monkeypatch.setattr(chores, "verify_books", find_many)

    async with opened(Settings.from_environment({**ENVIRONMENT, "DATABASE_URL": database})) as container:
        [verify] = [chore for chore in chores.chores_of(container) if chore.name == "verify what is new"]
        with capture_logs() as logged:
            await verify.work()

    told = [line for line in logged if line["event"] == "the books are broken"]
    assert [line["finding"] for line in told] == (await find_many())[:20]
    assert [line["findings"] for line in logged if "findings" in line] == [1_000]


class MailHangs:
    """A courier whose mail server takes its time."""

    async def deliver(self, message: Message) -> None:
        if isinstance(message, Mail):
            await asyncio.sleep(3_600)


async def test_the_worker_seals_the_audit_and_verifies_the_books(
    database: str, owner_database: str, pool: "asyncpg.Pool[asyncpg.Record]", tmp_path: Path
) -> None:
    books = PostgresBooks(pool, SettableClock())
    await books.open()
    account = await a_person(books, balance=10_000)
    superior = await asyncpg.connect(owner_database, timeout=10)
    await superior.execute("UPDATE accounts SET balance = balance + 1 WHERE id = $1", account.id)
    await superior.close()

    with a_worker(tmp_path / "log", DATABASE_URL=database) as worker:
        await until(pool, "SELECT count(*) = 3 FROM scheduled_work")
        await asyncio.sleep(1)
        await asyncio.to_thread(worker.stop)

    found = [line for line in worker.lines() if line["event"] == "the books are broken"]
    assert any(str(account.id) in str(line["finding"]) for line in found)
    assert all(line["level"] == "error" for line in found)
    assert not [line for line in worker.lines() if line["event"] == "a chore failed"]
