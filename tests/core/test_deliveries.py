"""Deliveries in memory: tried again later each time, given up after eight tries, and seen through when it ends."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from wallet_core.faults import Unavailable
from wallet_core.identity.entities import User
from wallet_core.notifications.deliveries import Deliverer, Delivery, DeliveryRules
from wallet_core.notifications.messages import Message, Sms
from wallet_core.notifications.ports import Undeliverable
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.outbox import a_delivery
from wallet_core.testing.outbox import InMemoryDeliveryQueue

RULES = DeliveryRules(try_seconds_max=0.1, at_once=2)


class Scripted:
    """A courier that fails as it is told, try by try, and takes everything after that."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)
        self.taken: list[Message] = []

    async def deliver(self, message: Message) -> None:
        if self._faults:
            raise self._faults.pop(0)
        self.taken.append(message)


class Hanging(Scripted):
    """A courier that never answers."""

    async def deliver(self, message: Message) -> None:
        self.taken.append(message)
        await asyncio.Event().wait()


def a_message(delivery: Delivery) -> Message:
    return Sms(to=delivery.recipient, body=delivery.kind)


class Stage:
    def __init__(self) -> None:
        self.clock = SettableClock()
        self.books = InMemoryBooks(self.clock)
        self.troubles: list[Exception] = []

    def deliverer(self, courier: Scripted, queue: InMemoryDeliveryQueue | None = None) -> Deliverer:
        return Deliverer(queue or self.books.deliveries, courier, a_message, self.troubles.append, rules=RULES)

    async def somebody(self, number: int = 1) -> User:
        return await a_delivery(self.books, number=number)

    async def work(self, deliverer: Deliverer) -> None:
        """All that is due."""
        while await deliverer.step():
            pass
        await deliverer.finish()

    async def backlog(self) -> tuple[int, int]:
        """What is pending and what is parked."""
        found = await self.books.outbox.backlog()
        return found.pending, found.parked


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_what_fails_is_tried_again_after_pauses_that_grow(stage: Stage) -> None:
    await stage.somebody()
    courier = Scripted(*[Unavailable("Not now.")] * 3)
    deliverer = stage.deliverer(courier)
    waited: Sequence[int] = (5, 15, 45)

    for seconds in waited:
        await stage.work(deliverer)
        stage.clock.advance(timedelta(seconds=seconds - 1))
        await stage.work(deliverer)
        assert courier.taken == []
        stage.clock.advance(timedelta(seconds=1))
    await stage.work(deliverer)

    assert len(courier.taken) == 1
    assert (deliverer.postponed, deliverer.delivered, await stage.backlog()) == (3, 1, (0, 0))


async def test_eight_tries_take_an_hour_and_a_half_and_no_pause_is_longer_than_one() -> None:
    pauses = [DeliveryRules().pause_after(tries) for tries in range(1, 8)]

    assert pauses[0] == timedelta(seconds=5)
    assert timedelta(minutes=80) < sum(pauses, timedelta()) < timedelta(minutes=100)
    assert DeliveryRules().pause_after(50) == timedelta(hours=1)


async def test_after_eight_tries_it_is_parked_and_made_no_more(stage: Stage) -> None:
    await stage.somebody()
    deliverer = stage.deliverer(Scripted(*[Unavailable("Not now.")] * 20))

    for _ in range(12):
        await stage.work(deliverer)
        stage.clock.advance(timedelta(hours=1))

    [parked] = await stage.books.deliveries.parked(after=None, limit=9)
    assert (parked.tries, parked.last_error) == (8, "Not now.")
    assert (deliverer.postponed, deliverer.parked) == (7, 1)


async def test_what_cannot_be_delivered_is_parked_at_once(stage: Stage) -> None:
    await stage.somebody()
    deliverer = stage.deliverer(Scripted(Undeliverable("There is no such address.")))

    await stage.work(deliverer)

    assert await stage.backlog() == (0, 1)


async def test_what_nobody_has_thought_of_is_told_by_its_kind_and_holds_up_nothing(stage: Stage) -> None:
    await stage.somebody(number=2)
    deliverer = stage.deliverer(Scripted(KeyError("a word of the message")))

    await stage.work(deliverer)

    assert (deliverer.delivered, deliverer.postponed) == (1, 1)
    assert [type(trouble) for trouble in stage.troubles] == [KeyError]


async def test_a_courier_that_hangs_keeps_its_own_place_and_no_longer_than_it_may(stage: Stage) -> None:
    await stage.somebody(number=5)
    courier = Hanging()
    deliverer = stage.deliverer(courier)

    await asyncio.wait_for(stage.work(deliverer), 5)

    assert (len(courier.taken), deliverer.postponed, deliverer.delivered) == (5, 5, 0)


async def test_a_delivery_whose_makers_all_died_is_parked(stage: Stage) -> None:
    await stage.somebody()
    for _ in range(8):
        await stage.books.deliveries.claim(at_most=1, lease=timedelta(0))
    courier = Scripted()

    await stage.work(stage.deliverer(courier))

    assert courier.taken == []
    assert await stage.backlog() == (0, 1)


async def test_what_was_taken_is_written_down_though_the_database_is_away_for_a_moment(stage: Stage) -> None:
    class Away(InMemoryDeliveryQueue):
        asked = 0

        async def settle(self, delivery: Delivery) -> bool:
            self.asked += 1
            if self.asked < 3:
                raise Unavailable("The database does not answer.")
            return await super().settle(delivery)

    await stage.somebody()
    queue = Away(stage.books.outbox._records, stage.clock)
    courier = Scripted()

    await stage.work(stage.deliverer(courier, queue))

    assert len(courier.taken) == 1
    assert await stage.backlog() == (0, 0)


async def test_a_lease_is_longer_than_a_try_and_what_it_takes_to_write_it_down() -> None:
    rules = DeliveryRules()

    assert rules.lease > timedelta(seconds=rules.try_seconds_max + 2)
    assert rules.lease <= timedelta(seconds=12)
