"""Events in PostgreSQL: written with what they tell of, and relayed later."""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import asyncpg

from adapters.postgres.database import RACES_LOST, Database, is_link_error
from adapters.postgres.queries import Connection, Query, load_queries
from wallet_core.events.kinds import EventKind, Facts, StateChange
from wallet_core.faults import Fault
from wallet_core.ids import DeliveryId, IdGenerator, NotificationId, TransactionId, UserId, WalletId
from wallet_core.notifications.notices import Channel, Happening, Movement, Notice, NoticeKind, Recipient, notice_of
from wallet_core.notifications.outbox import EventBacklog
from wallet_core.notifications.preferences import Addressee, Choice, recipients_of

_KINDS: Final = [kind.value for kind in EventKind]
_TELLING: Final = frozenset({EventKind.TRANSFER_COMPLETED.value, EventKind.DEPOSIT_COMPLETED.value})
"""Movements that somebody may be told of."""
SET_ASIDE: Final = timedelta(minutes=1)
"""How long an event that cannot be told is left alone: until somebody has seen to it, or a build that can is there."""

_log = logging.getLogger(__name__)


async def append_events(connection: Connection, changes: Sequence[StateChange]) -> None:
    """Keep what changed, in the transaction that the connection is in."""
    if changes:
        await _append().execute(
            connection,
            kinds=[change.kind for change in changes],
            user_ids=[change.user_id for change in changes],
            subject_ids=[change.subject_id for change in changes],
            facts=[json.dumps(dict(change.facts)) for change in changes],
        )


@cache
def _append() -> Query:
    return load_queries("events")["append_events"]


class PostgresOutbox:
    """An Outbox over the table `events`, for deliveries by the channels that there are."""

    def __init__(
        self, database: Database, *, ids: IdGenerator, channels: Collection[Channel] = frozenset(Channel)
    ) -> None:
        self._database = database
        self._channels = channels
        self._ids = ids
        self._queries = load_queries("events")

    async def relay(self, *, events_max: int) -> int:
        """As Outbox.relay."""
        try:
            async with self._database.transaction() as connection:
                rows = await self._take(connection, events_max)
                await self._tell(connection, rows)
            return len(rows)
        except Fault:
            raise
        except Exception:  # noqa: BLE001 - one of them is the cause: it is found, and told of, by whoever looks at each
            return await self._relay_one_by_one(events_max)

    async def _relay_one_by_one(self, events_max: int) -> int:
        """Relay what can be, and set aside for a while what fails by itself."""
        failed: dict[int, Exception] = {}
        async with self._database.transaction() as connection:
            rows = await self._take(connection, events_max)
            for row in rows:
                try:
                    async with connection.transaction():
                        await self._tell(connection, [row])
                except Exception as error:
                    if is_link_error(error) or isinstance(error, RACES_LOST):
                        raise
                    failed[row["id"]] = error
            await self._queries["set_aside"].execute(connection, ids=list(failed), pause=SET_ASIDE)
        if failed:
            # By its kind alone: the words may name whom it is about.
            event_id, cause = next(iter(failed.items()))
            _log.error("Events that cannot be told: %d; event %d: %s", len(failed), event_id, type(cause).__name__)
        return len(rows) - len(failed)

    async def _take(self, connection: Connection, events_max: int) -> Sequence[asyncpg.Record]:
        return await self._queries["take_events"].fetch(connection, kinds=_KINDS, events_max=events_max)

    async def _tell(self, connection: Connection, rows: Sequence[asyncpg.Record]) -> None:
        if not rows:
            return
        notices = [
            notice
            for happening in await self._happenings(connection, rows)
            if (notice := notice_of(happening)) is not None
        ]
        addressees = await self._addressees(connection, {notice.user_id for notice in notices})
        await self._keep(
            connection,
            [(notice, recipients_of(notice, addressees[notice.user_id], self._channels)) for notice in notices],
            relayed=[row["id"] for row in rows],
        )

    async def backlog(self) -> EventBacklog:
        """As Outbox.backlog. More than 100,000 of anything are not counted."""
        async with self._database.connection() as connection:
            row = await self._queries["read_backlog"].fetch_row(connection)
        assert row is not None  # noqa: S101 - it has no condition
        return EventBacklog(
            not_relayed=row["not_relayed"],
            pending=row["pending"],
            parked=row["parked"],
            oldest_seconds=float(row["oldest_seconds"]),
        )

    async def _happenings(self, connection: Connection, rows: Sequence[asyncpg.Record]) -> Sequence[Happening]:
        """What the rows tell of, with what there is to say of it."""
        moved = [row["transaction_id"] for row in rows if row["kind"] in _TELLING]
        movements: dict[UUID, Movement] = {}
        if moved:
            found = await self._queries["find_movements"].fetch(connection, ids=moved)
            movements = {row["id"]: _movement_of(row) for row in found}
        subjects = [row["subject_id"] for row in rows if row["subject_id"] is not None]
        names: dict[UUID, str] = {}
        if subjects:
            found = await self._queries["find_wallet_names"].fetch(connection, ids=subjects)
            names = {row["id"]: row["name"] for row in found}
        return [
            Happening(
                event_id=row["id"],
                kind=EventKind(row["kind"]),
                at=row["created_at"],
                movement=movements.get(row["transaction_id"]),
                user_id=None if row["user_id"] is None else UserId(row["user_id"]),
                subject_id=row["subject_id"],
                subject_name=names.get(row["subject_id"]),
                facts=_members_of(row["data"]),
            )
            for row in rows
        ]

    async def _addressees(self, connection: Connection, user_ids: set[UserId]) -> Mapping[UserId, Addressee]:
        """Everybody asked for; whoever is not there has no address."""
        if not user_ids:
            return {}
        rows = await self._queries["find_addressees"].fetch(connection, user_ids=list(user_ids))
        choices: dict[UserId, dict[Choice, bool]] = {user_id: {} for user_id in user_ids}
        reached = {UserId(row["user_id"]): row for row in rows}
        for row in rows:
            if row["kind"] in set(NoticeKind):
                choices[UserId(row["user_id"])][NoticeKind(row["kind"]), Channel(row["channel"])] = row["wanted"]
        return {
            user_id: Addressee(
                user_id=user_id,
                email=reached[user_id]["email"] if user_id in reached else None,
                phone=reached[user_id]["phone"] if user_id in reached else None,
                choices=choices[user_id],
            )
            for user_id in user_ids
        }

    async def _keep(
        self, connection: Connection, told: Sequence[tuple[Notice, Sequence[Recipient]]], *, relayed: Sequence[int]
    ) -> None:
        noted = [(NotificationId(self._ids()), notice, recipients) for notice, recipients in told]
        made = [
            (DeliveryId(self._ids()), notification_id, notice, recipient)
            for notification_id, notice, recipients in noted
            for recipient in recipients
        ]
        await self._queries["keep_told"].execute(
            connection,
            notification_ids=[notification_id for notification_id, _, _ in noted],
            user_ids=[notice.user_id for _, notice, _ in noted],
            event_ids=[notice.event_id for _, notice, _ in noted],
            kinds=[notice.kind for _, notice, _ in noted],
            facts=[json.dumps(dict(notice.facts)) for _, notice, _ in noted],
            moments=[notice.at for _, notice, _ in noted],
            delivery_ids=[delivery_id for delivery_id, _, _, _ in made],
            of_notifications=[notification_id for _, notification_id, _, _ in made],
            of_events=[notice.event_id for _, _, notice, _ in made],
            channels=[recipient.channel for _, _, _, recipient in made],
            recipients=[recipient.address for _, _, _, recipient in made],
            of_moments=[notice.at for _, _, notice, _ in made],
            relayed=list(relayed),
        )


def facts_of(stored: str | None) -> Facts:
    """What was kept of something, as far as it can be told: nothing that is neither text nor a number of 64 bits."""
    try:
        kept = _members_of(stored)
    except (ValueError, RecursionError):  # a number of thousands of digits, say
        return {}
    return {name: value for name, value in kept.items() if isinstance(value, str) or _is_number(value)}


def _members_of(stored: str | None) -> dict[str, Any]:
    kept = None if stored is None else json.loads(stored)
    return kept if isinstance(kept, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _movement_of(row: asyncpg.Record) -> Movement:
    return Movement(
        transaction_id=TransactionId(row["id"]),
        currency=row["currency"],
        amount=row["amount"],
        source_wallet_id=None if row["source_wallet_id"] is None else WalletId(row["source_wallet_id"]),
        source_holder=row["source_holder"],
        source_user_id=None if row["source_user_id"] is None else UserId(row["source_user_id"]),
        destination_wallet_id=None if row["destination_wallet_id"] is None else WalletId(row["destination_wallet_id"]),
        destination_user_id=None if row["destination_user_id"] is None else UserId(row["destination_user_id"]),
    )
