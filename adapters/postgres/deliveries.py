"""Deliveries in PostgreSQL: taken on by one worker at a time, by the database's own clock."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from adapters.postgres.audit import add_entry
from adapters.postgres.database import Database
from adapters.postgres.events import facts_of
from adapters.postgres.queries import load_queries
from wallet_core.administration.audit import Act
from wallet_core.ids import DeliveryId, NotificationId, UserId
from wallet_core.notifications.deliveries import Delivery, DeliveryStatus, ParkedDelivery, UnparkRefusal, unparked_entry
from wallet_core.notifications.notices import Channel

_TIME_SHIFT: Final = 80
"""How far up in a UUIDv7 its milliseconds stand."""


class PostgresDeliveryQueue:
    """A DeliveryQueue over the table `deliveries`, of which whoever has these channels takes on what goes by them."""

    def __init__(self, database: Database, *, channels: Collection[Channel] = frozenset(Channel)) -> None:
        self._database = database
        self._channels = sorted(channels)
        self._queries = load_queries("deliveries")

    async def claim(self, *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        """As DeliveryQueue.claim."""
        async with self._database.change() as connection:
            rows = await self._queries["claim"].fetch(connection, channels=self._channels, at_most=at_most, lease=lease)
        return [
            Delivery(
                id=DeliveryId(row["id"]),
                kind=row["kind"],
                channel=Channel(row["channel"]),
                recipient=row["recipient"],
                facts=facts_of(row["data"]),
                tries=row["tries"],
            )
            for row in rows
        ]

    async def settle(self, delivery: Delivery) -> bool:
        """As DeliveryQueue.settle."""
        return await self._end(delivery, DeliveryStatus.DELIVERED, None)

    async def postpone(self, delivery: Delivery, error: str, *, pause: timedelta) -> bool:
        """As DeliveryQueue.postpone."""
        async with self._database.change() as connection:
            found = await self._queries["postpone"].fetch_value(
                connection, id=delivery.id, tries=delivery.tries, error=error, pause=pause
            )
        return found is not None

    async def park(self, delivery: Delivery, error: str) -> bool:
        """As DeliveryQueue.park."""
        return await self._end(delivery, DeliveryStatus.PARKED, error)

    async def parked(self, *, after: DeliveryId | None, limit: int) -> Sequence[ParkedDelivery]:
        """As DeliveryQueue.parked."""
        async with self._database.connection() as connection:
            rows = await self._queries["find_parked"].fetch(connection, after=after, rows_max=limit)
        return [_parked_of(row) for row in rows]

    async def unpark(self, delivery_id: DeliveryId, act: Act) -> UnparkRefusal | None:
        """As DeliveryQueue.unpark."""
        async with self._database.transaction() as connection:
            row = await self._queries["lock_delivery"].fetch_row(connection, id=delivery_id)
            if row is None:
                return UnparkRefusal.NOT_FOUND
            if row["status"] != DeliveryStatus.PARKED:
                return UnparkRefusal.NOT_PARKED
            await self._queries["unpark"].execute(connection, id=delivery_id)
            entry = unparked_entry(delivery_id, UserId(row["user_id"]), row["tries"], act, row["now_locked"])
            await add_entry(connection, entry)
        return None

    async def drop_delivered(self, before: datetime, *, rows_max: int) -> int:
        """Forget what was delivered of that time and earlier; at most so much of it, and say how much that was."""
        async with self._database.change() as connection:
            query = self._queries["drop_delivered"]
            return len(await query.fetch(connection, before_id=first_id_of(before), row_limit=rows_max))

    async def _end(self, delivery: Delivery, status: DeliveryStatus, error: str | None) -> bool:
        async with self._database.change() as connection:
            found = await self._queries["end_delivery"].fetch_value(
                connection, id=delivery.id, tries=delivery.tries, status=status, error=error
            )
        return found is not None


class PostgresTurns:
    """Turns over the table `scheduled_work`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("deliveries")

    async def take(self, name: str, *, every: timedelta) -> bool:
        """As Turns.take."""
        async with self._database.change() as connection:
            return await self._queries["begin_work"].fetch_value(connection, name=name, every=every) is not None


def first_id_of(moment: datetime) -> UUID:
    """What sorts before every UUIDv7 that was made at that moment or later."""
    return UUID(int=int(moment.timestamp() * 1_000) << _TIME_SHIFT)


def _parked_of(row: asyncpg.Record) -> ParkedDelivery:
    return ParkedDelivery(
        id=DeliveryId(row["id"]),
        notification_id=NotificationId(row["notification_id"]),
        user_id=UserId(row["user_id"]),
        kind=row["kind"],
        channel=Channel(row["channel"]),
        tries=row["tries"],
        last_error=row["last_error"],
        created_at=row["created_at"],
        parked_at=row["parked_at"],
    )
