"""What the in-memory books keep of events, and of what was made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wallet_core.events.kinds import EventKind, StateChange
from wallet_core.ids import DeliveryId, NotificationId, TransactionId, UserId
from wallet_core.notifications.deliveries import Delivery, DeliveryStatus
from wallet_core.notifications.inbox import Notification
from wallet_core.notifications.preferences import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """An event: of a transaction, or else a change."""

    id: int
    kind: EventKind
    at: datetime
    transaction_id: TransactionId | None = None
    change: StateChange | None = None
    is_relayed: bool = False
    relay_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNotification:
    """What lies in somebody's inbox."""

    user_id: UserId
    event_id: int
    notification: Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDelivery:
    """A delivery with what becomes of it."""

    delivery: Delivery
    event_id: int
    notification_id: NotificationId
    user_id: UserId
    created_at: datetime
    next_try_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    last_error: str | None = None
    ended_at: datetime | None = None


class OutboxRecords:
    """The tables that hang on events."""

    def __init__(self) -> None:
        self.events: dict[int, KeptEvent] = {}
        self.notifications: dict[NotificationId, KeptNotification] = {}
        self.deliveries: dict[DeliveryId, KeptDelivery] = {}
        self.choices: dict[UserId, Mapping[Choice, bool]] = {}

    def append(
        self,
        *,
        kind: EventKind,
        at: datetime,
        transaction_id: TransactionId | None = None,
        change: StateChange | None = None,
    ) -> None:
        """One more event."""
        number = len(self.events) + 1
        self.events[number] = KeptEvent(id=number, kind=kind, at=at, transaction_id=transaction_id, change=change)
