"""The in-memory and the real source of live updates keep the same promises."""

from datetime import UTC, datetime

import asyncpg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.live import PostgresLiveRepository
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.ids import NotificationId, UserId
from wallet_core.notifications.inbox import Notification
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts import LiveRepositoryContract
from wallet_core.testing.contracts.live import Notify
from wallet_core.testing.events import KeptNotification
from wallet_core.testing.live import InMemoryLiveRepository
from wallet_core.testing.records import Records

_INSERT = """
INSERT INTO notifications (id, user_id, event_id, kind, data, created_at)
SELECT $1, $2, coalesce(max(event_id), 0) + 1, $3, '{}', $4 FROM notifications
"""


class TestInMemoryLiveRepository(LiveRepositoryContract):
    @pytest.fixture
    def books(self) -> InMemoryBooks:
        return InMemoryBooks(SettableClock())

    @pytest.fixture
    def live(self, books: InMemoryBooks) -> InMemoryLiveRepository:
        return books.live

    @pytest.fixture
    def notify(self, books: InMemoryBooks) -> Notify:
        records: Records = books._records

        async def notify(user_id: UserId, kind: str) -> NotificationId:
            notification_id = NotificationId(new_id())
            records.outbox.notifications[notification_id] = KeptNotification(
                user_id=user_id,
                event_id=len(records.outbox.notifications),
                notification=Notification(
                    id=notification_id, kind=kind, facts={}, created_at=datetime.now(UTC), read_at=None
                ),
            )
            return notification_id

        return notify


class TestPostgresLiveRepository(LiveRepositoryContract):
    @pytest.fixture
    async def books(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresBooks:
        books = PostgresBooks(pool, SettableClock())
        await books.open()
        return books

    @pytest.fixture
    def live(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresLiveRepository:
        return PostgresLiveRepository(Database(pool))

    @pytest.fixture
    def notify(self, pool: "asyncpg.Pool[asyncpg.Record]") -> Notify:
        async def notify(user_id: UserId, kind: str) -> NotificationId:
            notification_id = NotificationId(new_id())
            await pool.execute(_INSERT, notification_id, user_id, kind, datetime.now(UTC))
            return notification_id

        return notify
