"""How things stand with those who listen, from PostgreSQL: one question for all of them, then what is new."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.events import facts_of
from adapters.postgres.queries import load_queries
from adapters.postgres.rows import transaction_of
from wallet_core.ids import AccountId, NotificationId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.statements import Direction, StatementLine
from wallet_core.live.news import NOTIFICATIONS_MAX, AccountLine, Span, Standing
from wallet_core.notifications.inbox import Notification


class PostgresLiveRepository:
    """A LiveRepository over `accounts`, `entries` and `notifications`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("live")

    async def standings(self, since: Mapping[UserId, NotificationId]) -> Mapping[UserId, Standing]:
        """As LiveRepository.standings."""
        async with self._database.connection() as connection:
            rows = await self._queries["standings"].fetch(
                connection,
                user_ids=list(since),
                after_ids=list(since.values()),
                notification_limit=NOTIFICATIONS_MAX,
            )
        accounts: dict[UserId, list[Account]] = defaultdict(list)
        notification_ids: dict[UserId, list[NotificationId]] = defaultdict(list)
        for row in rows:
            user_id = UserId(row["user_id"])
            if row["is_account"]:
                accounts[user_id].append(_account_of(row, user_id))
            else:
                notification_ids[user_id].append(NotificationId(row["id"]))
        return {
            user_id: Standing(accounts=accounts[user_id], notification_ids=notification_ids[user_id])
            for user_id in accounts.keys() | notification_ids.keys()
        }

    async def lines(self, spans: Sequence[Span]) -> Sequence[AccountLine]:
        """As LiveRepository.lines."""
        async with self._database.connection() as connection:
            rows = await self._queries["lines"].fetch(
                connection,
                account_ids=[span.account_id for span in spans],
                afters=[span.after for span in spans],
                uptos=[span.upto for span in spans],
            )
        return [
            AccountLine(
                account_id=AccountId(row["account_id"]),
                seq=row["seq"],
                line=StatementLine(transaction=transaction_of(row), direction=Direction(row["direction"])),
            )
            for row in rows
        ]

    async def notifications(self, ids: Sequence[NotificationId]) -> Sequence[Notification]:
        """As LiveRepository.notifications."""
        async with self._database.connection() as connection:
            rows = await self._queries["notifications"].fetch(connection, ids=list(ids))
        return [_notification_of(row) for row in rows]


def _account_of(row: asyncpg.Record, user_id: UserId) -> Account:
    """What live updates tell of an account; who holds it they know already."""
    return Account(
        id=AccountId(row["id"]),
        wallet_id=WalletId(row["wallet_id"]),
        user_id=user_id,
        currency=row["currency"],
        balance=row["balance"],
        held=row["held"],
        version=row["version"],
        status=AccountStatus(row["status"]),
    )


def _notification_of(row: asyncpg.Record) -> Notification:
    return Notification(
        id=NotificationId(row["id"]),
        kind=row["kind"],
        facts=facts_of(row["data"]),
        created_at=row["created_at"],
        read_at=row["read_at"],
    )
