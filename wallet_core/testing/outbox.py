"""Relaying, delivering and reading in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wallet_core.administration.audit import Act
from wallet_core.clock import Clock, system_clock
from wallet_core.ids import DeliveryId, IdGenerator, NotificationId, UserId, WalletId
from wallet_core.notifications.deliveries import Delivery, DeliveryStatus, ParkedDelivery, UnparkRefusal, unparked_entry
from wallet_core.notifications.inbox import Notification
from wallet_core.notifications.notices import Channel, Happening, Movement, Notice, notice_of
from wallet_core.notifications.outbox import EventBacklog
from wallet_core.notifications.preferences import Addressee, Choices, recipients_of
from wallet_core.testing.builders import new_id
from wallet_core.testing.events import KeptDelivery, KeptEvent, KeptNotification
from wallet_core.testing.records import Records

_SET_ASIDE: Final = timedelta(minutes=1)


class InMemoryOutbox:
    """An Outbox over the events of `Records`."""

    def __init__(
        self,
        records: Records,
        clock: Clock = system_clock,
        ids: IdGenerator = new_id,
        channels: Collection[Channel] = frozenset(Channel),
    ) -> None:
        self._records = records
        self._channels = channels
        self._clock = clock
        self._ids = ids

    async def relay(self, *, events_max: int) -> int:
        """As Outbox.relay."""
        kept = self._records.outbox
        now = self._clock()
        waiting = [event for event in kept.events.values() if not event.is_relayed]
        taken = [event for event in waiting if event.relay_after is None or event.relay_after <= now][:events_max]
        relayed = 0
        for event in taken:
            try:
                notice = notice_of(self._happening(event))
            except Exception:  # noqa: BLE001 - whatever it is, the others do not wait for it
                kept.events[event.id] = replace(event, relay_after=now + _SET_ASIDE)
                continue
            if notice is not None:
                self._tell(notice)
            kept.events[event.id] = replace(event, is_relayed=True)
            relayed += 1
        return relayed

    async def backlog(self) -> EventBacklog:
        """As Outbox.backlog."""
        kept = self._records.outbox
        waiting = [event.at for event in kept.events.values() if not event.is_relayed]
        statuses = [delivery.status for delivery in kept.deliveries.values()]
        pending = [each.created_at for each in kept.deliveries.values() if each.status is DeliveryStatus.PENDING]
        now = self._clock()
        return EventBacklog(
            not_relayed=len(waiting),
            pending=len(pending),
            parked=statuses.count(DeliveryStatus.PARKED),
            oldest_seconds=max([0.0, *((now - at).total_seconds() for at in (*waiting, *pending))]),
        )

    def _tell(self, notice: Notice) -> None:
        kept = self._records.outbox
        notification_id = NotificationId(self._ids())
        kept.notifications[notification_id] = KeptNotification(
            user_id=notice.user_id,
            event_id=notice.event_id,
            notification=Notification(
                id=notification_id, kind=notice.kind, facts=dict(notice.facts), created_at=notice.at, read_at=None
            ),
        )
        for recipient in recipients_of(notice, self._addressee(notice.user_id), self._channels):
            delivery = Delivery(
                id=DeliveryId(self._ids()),
                kind=notice.kind,
                channel=recipient.channel,
                recipient=recipient.address,
                facts=dict(notice.facts),
                tries=0,
            )
            kept.deliveries[delivery.id] = KeptDelivery(
                delivery=delivery,
                event_id=notice.event_id,
                notification_id=notification_id,
                user_id=notice.user_id,
                created_at=notice.at,
                next_try_at=self._clock(),
            )

    def _addressee(self, user_id: UserId) -> Addressee:
        person = self._records.users.get(user_id)
        return Addressee(
            user_id=user_id,
            email=None if person is None or person.email_verified_at is None else person.email,
            phone=None if person is None or person.phone_verified_at is None else person.phone,
            choices=self._records.outbox.choices.get(user_id, {}),
        )

    def _happening(self, event: KeptEvent) -> Happening:
        if event.change is None:
            return Happening(event_id=event.id, kind=event.kind, at=event.at, movement=self._movement(event))
        subject = event.change.subject_id
        wallet = None if subject is None else self._records.wallets.get(WalletId(subject))
        return Happening(
            event_id=event.id,
            kind=event.kind,
            at=event.at,
            user_id=event.change.user_id,
            subject_id=subject,
            subject_name=None if wallet is None else wallet.name,
            facts=event.change.facts,
        )

    def _movement(self, event: KeptEvent) -> Movement | None:
        if event.transaction_id is None:
            return None
        moved = self._records.transactions[event.transaction_id]
        source, destination = moved.source, moved.destination
        return Movement(
            transaction_id=moved.id,
            currency=moved.currency,
            amount=moved.amount,
            source_wallet_id=None if source is None else source.wallet_id,
            source_holder=None if source is None else source.holder,
            source_user_id=None if source is None else self._owner(source.wallet_id),
            destination_wallet_id=None if destination is None else destination.wallet_id,
            destination_user_id=None if destination is None else self._owner(destination.wallet_id),
        )

    def _owner(self, wallet_id: WalletId) -> UserId | None:
        wallet = self._records.wallets.get(wallet_id)
        return None if wallet is None else wallet.user_id


class InMemoryDeliveryQueue:
    """A DeliveryQueue over the deliveries of `Records`."""

    def __init__(self, records: Records, clock: Clock = system_clock) -> None:
        self._records = records
        self._deliveries = records.outbox.deliveries
        self._clock = clock

    async def claim(self, *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        """As DeliveryQueue.claim."""
        now = self._clock()
        due = [
            kept
            for kept in self._deliveries.values()
            if kept.status is DeliveryStatus.PENDING and kept.next_try_at <= now
        ]
        claimed: list[Delivery] = []
        for kept in sorted(due, key=lambda each: (each.next_try_at, each.delivery.id))[:at_most]:
            delivery = replace(kept.delivery, tries=kept.delivery.tries + 1)
            self._deliveries[delivery.id] = replace(kept, delivery=delivery, next_try_at=now + lease)
            claimed.append(delivery)
        return claimed

    async def settle(self, delivery: Delivery) -> bool:
        """As DeliveryQueue.settle."""
        return self._end(delivery, DeliveryStatus.DELIVERED, None)

    async def postpone(self, delivery: Delivery, error: str, *, pause: timedelta) -> bool:
        """As DeliveryQueue.postpone."""
        kept = self._own(delivery)
        if kept is None:
            return False
        self._deliveries[delivery.id] = replace(kept, last_error=error, next_try_at=self._clock() + pause)
        return True

    async def park(self, delivery: Delivery, error: str) -> bool:
        """As DeliveryQueue.park."""
        return self._end(delivery, DeliveryStatus.PARKED, error)

    async def parked(self, *, after: DeliveryId | None, limit: int) -> Sequence[ParkedDelivery]:
        """As DeliveryQueue.parked."""
        found = [
            ParkedDelivery(
                id=kept.delivery.id,
                notification_id=kept.notification_id,
                user_id=kept.user_id,
                kind=kept.delivery.kind,
                channel=kept.delivery.channel,
                tries=kept.delivery.tries,
                last_error=kept.last_error,
                created_at=kept.created_at,
                parked_at=kept.ended_at or kept.created_at,
            )
            for kept in self._deliveries.values()
            if kept.status is DeliveryStatus.PARKED and (after is None or kept.delivery.id < after)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def unpark(self, delivery_id: DeliveryId, act: Act) -> UnparkRefusal | None:
        """As DeliveryQueue.unpark."""
        kept = self._deliveries.get(delivery_id)
        if kept is None:
            return UnparkRefusal.NOT_FOUND
        if kept.status is not DeliveryStatus.PARKED:
            return UnparkRefusal.NOT_PARKED
        self._records.add_audit(unparked_entry(delivery_id, kept.user_id, kept.delivery.tries, act, self._clock()))
        self._deliveries[delivery_id] = replace(
            kept,
            delivery=replace(kept.delivery, tries=0),
            status=DeliveryStatus.PENDING,
            next_try_at=self._clock(),
            ended_at=None,
        )
        return None

    def _own(self, delivery: Delivery) -> KeptDelivery | None:
        kept = self._deliveries[delivery.id]
        is_own = kept.status is DeliveryStatus.PENDING and kept.delivery.tries == delivery.tries
        return kept if is_own else None

    def _end(self, delivery: Delivery, status: DeliveryStatus, error: str | None) -> bool:
        kept = self._own(delivery)
        if kept is None:
            return False
        self._deliveries[delivery.id] = replace(kept, status=status, last_error=error, ended_at=self._clock())
        return True


class InMemoryInbox:
    """An Inbox over the notifications of `Records`."""

    def __init__(self, records: Records) -> None:
        self._kept = records.outbox.notifications

    async def page(
        self, user_id: UserId, *, unread_only: bool, after: NotificationId | None, limit: int
    ) -> Sequence[Notification]:
        """As Inbox.page."""
        found = [
            each
            for each in self._of(user_id)
            if (after is None or each.id < after) and not (unread_only and each.read_at is not None)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def count_unread(self, user_id: UserId, *, most: int) -> int:
        """As Inbox.count_unread."""
        return min(most, sum(1 for each in self._of(user_id) if each.read_at is None))

    async def mark_read(self, user_id: UserId, ids: Sequence[NotificationId] | None, *, now: datetime) -> int:
        """As Inbox.mark_read."""
        marked = [each for each in self._of(user_id) if each.read_at is None and (ids is None or each.id in ids)]
        for each in marked:
            self._kept[each.id] = replace(self._kept[each.id], notification=replace(each, read_at=now))
        return len(marked)

    def _of(self, user_id: UserId) -> list[Notification]:
        return [kept.notification for kept in self._kept.values() if kept.user_id == user_id]


class InMemoryPreferenceRepository:
    """A PreferenceRepository over the choices of `Records`."""

    def __init__(self, records: Records) -> None:
        self._choices = records.outbox.choices

    async def of(self, user_id: UserId) -> Choices:
        """As PreferenceRepository.of."""
        return dict(self._choices.get(user_id, {}))

    async def choose(self, user_id: UserId, choices: Choices) -> None:
        """As PreferenceRepository.choose."""
        self._choices[user_id] = {**self._choices.get(user_id, {}), **choices}


class InMemoryTurns:
    """Turns of all who share it."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._begun: dict[str, datetime] = {}

    async def take(self, name: str, *, every: timedelta) -> bool:
        """As Turns.take."""
        now, begun = self._clock(), self._begun.get(name)
        if begun is not None and now - begun < every:
            return False
        self._begun[name] = now
        return True
