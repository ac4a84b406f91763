"""What live updates ask of the world."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from wallet_core.ids import NotificationId, UserId
from wallet_core.live.news import AccountLine, Span, Standing
from wallet_core.notifications.inbox import Notification


class LiveRepository(Protocol):
    """Where it is read how things stand with people. All methods raise Unavailable.

    Every implementation passes `wallet_core.testing.contracts.LiveRepositoryContract`.
    """

    async def standings(self, since: Mapping[UserId, NotificationId]) -> Mapping[UserId, Standing]:
        """How things stand with each of these people, in one question: their accounts, without their holder's name,
        and the newest NOTIFICATIONS_MAX notifications of theirs whose id is greater than the one given.
        """
        ...

    async def lines(self, spans: Sequence[Span]) -> Sequence[AccountLine]:
        """The lines of these entries as their accounts see them, by account and in the order of the entries."""
        ...

    async def notifications(self, ids: Sequence[NotificationId]) -> Sequence[Notification]:
        """These notifications, the oldest first."""
        ...
