"""F16: mail servers that hang, refuse, or take mail and never say so, and a message that cannot be written."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from adapters.notifications.smtp import SmtpCourier
from adapters.notifications.templates import JinjaStationery
from tests.contracts.postgres_books import PostgresBooks
from tests.services.post_office import PostOffice, a_post_office
from wallet_core.clock import system_clock
from wallet_core.ledger.accounts import Account
from wallet_core.money import Currencies, Currency
from wallet_core.notifications.deliveries import Deliverer, DeliveryRules
from wallet_core.notifications.post import Secretary
from wallet_core.testing.builders import a_transfer
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.books import a_person, post, posted
from wallet_core.testing.contracts.outbox import an_act

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

RULES = DeliveryRules(
    tries_max=8,
    first_pause=timedelta(milliseconds=10),
    pause_max=timedelta(milliseconds=50),
    try_seconds_max=0.4,
    at_once=8,
)
SECONDS_MAX = 30.0
_COUNT = "SELECT count(*) FROM deliveries WHERE status = $1"


class Town:
    """People who send each other money, a mail server, and somebody who delivers."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", office: PostOffice) -> None:
        self.pool = pool
        self.office = office
        self.books = PostgresBooks(pool, SettableClock())
        self.troubles: list[Exception] = []
        secretary = Secretary(JinjaStationery(), Currencies([Currency("USD", 2)]))
        courier = SmtpCourier(office.url, sender="Wallet <wallet@example.org>", clock=system_clock)
        self.deliverer = Deliverer(self.books.deliveries, courier, secretary.write, self.troubles.append, rules=RULES)
        self._accounts: list[Account] = []

    async def open(self) -> None:
        await self.books.open()
        self._accounts = [await a_person(self.books, balance=1_000_000) for _ in range(2)]

    async def move(self, number: int) -> float:
        """So many transfers, relayed; how many seconds the slowest took."""
        slowest = 0.0
        for _ in range(number):
            began = time.perf_counter()
            posted(await post(self.books, a_transfer(*self._accounts, amount=1)))
            slowest = max(slowest, time.perf_counter() - began)
        await self.books.outbox.relay(events_max=1_000)
        return slowest

    async def deliver(self, until: Callable[[], Awaitable[bool]]) -> None:
        """Have deliveries made until then."""
        async with asyncio.timeout(SECONDS_MAX):
            while not await until():
                await self.deliverer.step()
                await asyncio.sleep(0.01)
        await self.deliverer.finish()

    async def number(self, status: str) -> int:
        """How many deliveries stand so."""
        found: int = await self.pool.fetchval(_COUNT, status)
        return found

    async def none_is_pending(self) -> bool:
        return await self.number("pending") == 0


@pytest.fixture
async def town(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Town]:
    async with a_post_office() as office:
        town = Town(pool, office)
        await town.open()
        yield town


async def test_f16_mail_that_a_server_takes_is_sent_once_as_text_and_html(town: Town) -> None:
    await town.move(40)

    await town.deliver(town.none_is_pending)

    assert await town.number("delivered") == 40
    assert set(town.office.sent.values()) == {1}
    assert {letter.get_content_type() for letter in town.office.letters} == {"multipart/alternative"}
    assert town.troubles == []


async def test_f16_a_server_that_fails_for_a_while_gets_each_mail_once_it_does_not(town: Town) -> None:
    town.office.answer = "451 try again later"
    await town.move(10)

    async def was_asked_for_a_while() -> bool:
        return town.office.asked >= 20

    await town.deliver(was_asked_for_a_while)
    town.office.answer = "250 taken"
    await town.deliver(town.none_is_pending)

    assert await town.number("delivered") == 10
    assert sorted(town.office.sent.values()) == [1] * 10


async def test_f16_what_a_server_refuses_for_good_is_parked_at_once_and_made_again_by_hand(town: Town) -> None:
    town.office.answer = "554 no such thing here"
    await town.move(3)
    await town.deliver(town.none_is_pending)
    asked = town.office.asked
    parked = await town.books.deliveries.parked(after=None, limit=10)

    town.office.answer = "250 taken"
    for delivery in parked:
        await town.books.deliveries.unpark(delivery.id, an_act())
    await town.deliver(town.none_is_pending)

    assert asked == 3
    assert [(each.tries, each.last_error) for each in parked] == [(1, "The mail server refuses a mail (554).")] * 3
    assert await town.number("delivered") == 3


async def test_f16_a_server_that_hangs_is_tried_eight_times_and_money_moves_meanwhile(town: Town) -> None:
    town.office.is_deaf = True
    await town.move(4)
    delivering = asyncio.create_task(town.deliver(town.none_is_pending))

    slowest = await town.move(200)
    town.office.is_deaf = False
    await delivering
    await town.deliver(town.none_is_pending)

    assert slowest < 2.0
    assert await town.number("delivered") + await town.number("parked") == 204
    # Whoever takes a mail and never says so gets it again, under the same name.
    assert len(town.office.sent) == 204


async def test_f16_what_is_never_taken_is_parked_after_eight_tries(town: Town) -> None:
    town.office.is_deaf = True
    await town.move(1)

    await town.deliver(town.none_is_pending)

    [parked] = await town.books.deliveries.parked(after=None, limit=10)
    assert (parked.tries, parked.last_error) == (8, "It was not taken in time.")
    assert list(town.office.sent.values()) == [8]


async def test_f16_a_message_that_cannot_be_written_is_parked_after_eight_tries_and_holds_up_nobody(town: Town) -> None:
    await town.move(10)
    await town.pool.execute(
        "UPDATE notifications SET data = '{}' WHERE id = (SELECT id FROM notifications ORDER BY id LIMIT 1)"
    )

    await town.deliver(town.none_is_pending)

    [parked] = await town.books.deliveries.parked(after=None, limit=10)
    assert (parked.tries, parked.last_error) == (8, "It cannot be made: KeyError.")
    assert await town.number("delivered") == 9
    assert {type(trouble) for trouble in town.troubles} == {KeyError}
