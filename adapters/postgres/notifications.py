"""Inboxes and what people want to be sent, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.database import Database
from adapters.postgres.deliveries import first_id_of
from adapters.postgres.events import facts_of
from adapters.postgres.queries import load_queries
from wallet_core.ids import NotificationId, UserId
from wallet_core.notifications.inbox import Notification
from wallet_core.notifications.notices import Channel, NoticeKind
from wallet_core.notifications.preferences import Choices


class PostgresInbox:
    """An Inbox over the table `notifications`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("notifications")

    async def page(
        self, user_id: UserId, *, unread_only: bool, after: NotificationId | None, limit: int
    ) -> Sequence[Notification]:
        """As Inbox.page."""
        query = self._queries["find_unread" if unread_only else "find_notifications"]
        async with self._database.connection() as connection:
            rows = await query.fetch(connection, user_id=user_id, after=after, rows_max=limit)
        return [
            Notification(
                id=NotificationId(row["id"]),
                kind=row["kind"],
                facts=facts_of(row["data"]),
                created_at=row["created_at"],
                read_at=row["read_at"],
            )
            for row in rows
        ]

    async def count_unread(self, user_id: UserId, *, most: int) -> int:
        """As Inbox.count_unread."""
        async with self._database.connection() as connection:
            number: int = await self._queries["count_unread"].fetch_value(connection, user_id=user_id, most=most)
            return number

    async def mark_read(self, user_id: UserId, ids: Sequence[NotificationId] | None, *, now: datetime) -> int:
        """As Inbox.mark_read."""
        async with self._database.change() as connection:
            rows = await self._queries["mark_read"].fetch(
                connection, user_id=user_id, ids=None if ids is None else list(ids), now=now
            )
        return len(rows)

    async def drop_old(self, before: datetime, *, rows_max: int) -> int:
        """Forget what people were told of that time and earlier; at most so much of it, and say how much that was."""
        async with self._database.change() as connection:
            query = self._queries["drop_notifications"]
            return len(await query.fetch(connection, before_id=first_id_of(before), row_limit=rows_max))


class PostgresPreferenceRepository:
    """A PreferenceRepository over the table `notification_preferences`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("notifications")

    async def of(self, user_id: UserId) -> Choices:
        """As PreferenceRepository.of. What is of a kind that this build does not know is left out."""
        async with self._database.connection() as connection:
            rows = await self._queries["find_choices"].fetch(connection, user_id=user_id)
        return {
            (NoticeKind(row["kind"]), Channel(row["channel"])): row["wanted"]
            for row in rows
            if row["kind"] in set(NoticeKind)
        }

    async def choose(self, user_id: UserId, choices: Choices) -> None:
        """As PreferenceRepository.choose."""
        async with self._database.change() as connection:
            await self._queries["keep_choices"].execute(
                connection,
                user_id=user_id,
                kinds=[kind for kind, _ in choices],
                channels=[channel for _, channel in choices],
                wanted=list(choices.values()),
            )
