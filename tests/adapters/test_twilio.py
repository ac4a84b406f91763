"""Text messages by Twilio's own library, to something on this machine that answers as its API does."""

import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.notifications.twilio_sms import TwilioCourier
from wallet_core.faults import Unavailable
from wallet_core.notifications.messages import Sms
from wallet_core.notifications.ports import Undeliverable
from wallet_core.testing.contracts.notifications import a_mail

ACCOUNT, TOKEN, SENDER = "AC" + "0" * 32, "a1" * 16, "+15005550006"
SMS = Sms(to="+14155550123", body="A recovery code of your Wallet account was used; 7 are left.")


@dataclass
class Exchange:
    """What the API was asked, and what it answers."""

    status: int = 201
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def messages(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.asked.append((request.path, request.headers.get("Authorization", ""), form))
        if self.status == 201:
            return web.json_response({"sid": "SM" + "0" * 32, "status": "queued", "to": form["To"]}, status=201)
        said = {"code": 21211, "message": f"The number {form['To']} is not valid.", "status": self.status}
        return web.json_response(said, status=self.status)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
async def courier(exchange: Exchange) -> AsyncIterator[TwilioCourier]:
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", exchange.messages)
    async with TestServer(app) as server:
        yield TwilioCourier(account=ACCOUNT, token=TOKEN, sender=SENDER, url=str(server.make_url("")).rstrip("/"))


async def test_a_text_message_is_handed_over_as_it_was_written(courier: TwilioCourier, exchange: Exchange) -> None:
    await courier.deliver(SMS)

    [(path, authorization, form)] = exchange.asked
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert authorization == f"Basic {b64encode(f'{ACCOUNT}:{TOKEN}'.encode()).decode()}"
    assert form == {"To": SMS.to, "From": SENDER, "Body": SMS.body}


async def test_a_messaging_service_sends_where_one_is_named(exchange: Exchange) -> None:
    service = "MG" + "0" * 32
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", exchange.messages)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        await TwilioCourier(account=ACCOUNT, token=TOKEN, sender=service, url=url).deliver(SMS)

    assert exchange.asked[0][2] == {"To": SMS.to, "MessagingServiceSid": service, "Body": SMS.body}


@pytest.mark.parametrize(
    ("status", "fault"),
    [(400, Undeliverable), (404, Undeliverable), (401, Unavailable), (429, Unavailable), (500, Unavailable)],
)
async def test_what_is_refused_is_told_by_its_number_alone(
    courier: TwilioCourier, exchange: Exchange, status: int, fault: type[Exception]
) -> None:
    exchange.status = status

    with pytest.raises((Undeliverable, Unavailable)) as raised:
        await courier.deliver(SMS)

    assert type(raised.value) is fault
    assert str(status) in str(raised.value)
    assert SMS.to not in str(raised.value)


async def test_an_api_that_is_away_may_be_tried_again_and_nothing_of_it_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    courier = TwilioCourier(account=ACCOUNT, token=TOKEN, sender=SENDER, url="http://127.0.0.1:1")

    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable):
        await courier.deliver(SMS)

    assert SMS.to not in caplog.text
    assert SMS.body not in caplog.text


async def test_twilio_takes_no_mail(courier: TwilioCourier) -> None:
    with pytest.raises(Undeliverable):
        await courier.deliver(a_mail())
