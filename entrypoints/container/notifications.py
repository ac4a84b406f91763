"""What is told to people: events and what is made of them, deliveries, inboxes and choices."""

from collections.abc import Callable, Collection, Mapping

import structlog
from dependency_injector import providers

from adapters.postgres.database import Database
from adapters.postgres.deliveries import PostgresDeliveryQueue, PostgresTurns
from adapters.postgres.events import PostgresOutbox
from adapters.postgres.notifications import PostgresInbox, PostgresPreferenceRepository
from entrypoints.container.foundation import Foundation
from wallet_core.faults import Fault
from wallet_core.notifications.deliveries import Deliverer, Delivery
from wallet_core.notifications.messages import Message
from wallet_core.notifications.notices import Channel
from wallet_core.notifications.outbox import Relay
from wallet_core.notifications.parked import ParkedDeliveries
from wallet_core.notifications.ports import Courier
from wallet_core.notifications.post import Secretary

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def _report_undelivered(trouble: Exception) -> None:
    """It is made again; what it says may be personal, so that the log has its kind and its place alone."""
    frame = trouble.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    at = "" if frame is None else f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    said = str(trouble) if isinstance(trouble, Fault) else type(trouble).__name__
    _log.warning("a delivery failed", fault=said, at=at)


def _deliverers(
    database: Database, channels: Collection[Channel], courier: Courier, write: Callable[[Delivery], Message]
) -> Mapping[Channel, Deliverer]:
    """One for each channel, so that a mail server that hangs keeps no text message waiting."""
    return {
        channel: Deliverer(PostgresDeliveryQueue(database, channels={channel}), courier, write, _report_undelivered)
        for channel in channels
    }


class Notifications(Foundation):
    """The use cases about what people are told."""

    outbox = providers.Singleton(
        PostgresOutbox,
        Foundation.database,
        ids=Foundation.ids,
        channels=Foundation.settings.provided.messages.channels,
    )
    relay = providers.Singleton(Relay, outbox)
    delivery_queue = providers.Singleton(
        PostgresDeliveryQueue, Foundation.database, channels=Foundation.settings.provided.messages.channels
    )
    parked_deliveries = providers.Singleton(ParkedDeliveries, delivery_queue, ids=Foundation.ids)
    turns = providers.Singleton(PostgresTurns, Foundation.database)
    inbox = providers.Singleton(PostgresInbox, Foundation.database)
    preferences = providers.Singleton(PostgresPreferenceRepository, Foundation.database)
    secretary = providers.Singleton(Secretary, Foundation.stationery, Foundation.settings.provided.currencies)
    deliverers = providers.Singleton(
        _deliverers,
        Foundation.database,
        channels=Foundation.settings.provided.messages.channels,
        courier=Foundation.courier,
        write=secretary.provided.write,
    )
