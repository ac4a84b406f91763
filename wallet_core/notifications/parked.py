"""What admins do about deliveries that were given up."""

from collections.abc import Sequence

from wallet_core.administration.audit import Act, Actor
from wallet_core.ids import AuditId, DeliveryId, IdGenerator
from wallet_core.notifications.deliveries import DeliveryQueue, ParkedDelivery, UnparkRefusal


class ParkedDeliveries:
    """Lists them, and has them made again."""

    def __init__(self, queue: DeliveryQueue, *, ids: IdGenerator) -> None:
        self._queue = queue
        self._ids = ids

    async def page(self, *, after: DeliveryId | None, limit: int) -> Sequence[ParkedDelivery]:
        """As DeliveryQueue.parked."""
        return await self._queue.parked(after=after, limit=limit)

    async def retry(self, delivery_id: DeliveryId, *, by: Actor, reason: str) -> UnparkRefusal | None:
        """Have one made again. A reason that is none is a ValueError."""
        return await self._queue.unpark(delivery_id, Act(id=AuditId(self._ids()), actor=by, reason=reason))
