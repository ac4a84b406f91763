"""The inbox: what somebody was told, and whether they have read it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wallet_core.events.kinds import Facts
from wallet_core.ids import NotificationId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Something that a person was told, as it lies in their inbox."""

    id: NotificationId
    kind: str
    facts: Facts = field(repr=False)
    created_at: datetime
    """When it happened."""
    read_at: datetime | None


class Inbox(Protocol):
    """Where people find what they were told. All methods raise Unavailable, and `mark_read` OutcomeUnknown.

    Every implementation passes `wallet_core.testing.contracts.InboxContract`.
    """

    async def page(
        self, user_id: UserId, *, unread_only: bool, after: NotificationId | None, limit: int
    ) -> Sequence[Notification]:
        """What that person was told, newest first: what lies after that one, at most so many."""
        ...

    async def count_unread(self, user_id: UserId, *, most: int) -> int:
        """How many of them are not read; counted up to `most`."""
        ...

    async def mark_read(self, user_id: UserId, ids: Sequence[NotificationId] | None, *, now: datetime) -> int:
        """Note that they have read those of theirs, or all where none are named; how many they had not read before."""
        ...
