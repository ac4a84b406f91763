"""Live updates over HTTP: what is told, to whom, and how a stream ends."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import Api, Person, client_of, sign_up
from tests.http.streams import SECONDS_MAX, Stream, listening


@asynccontextmanager
async def stream_of(person: Person, *, last_id: str | None = None) -> AsyncIterator[Stream]:
    """Their stream, once it has begun."""
    server = person.api.client.server
    async with listening(
        person.api.client.session, f"http://{server.host}:{server.port}", person.token, last_id=last_id
    ) as stream:
        yield stream


async def dropped(api: Api) -> bool:
    """Whether a stream was ended because nobody read it."""
    return "wallet_live_dropped_total 1.0" in (await api.call("GET", "/metrics")).raw.decode()


async def quiet(stream: Stream) -> Stream:
    """The stream, once it has told of the one account."""
    assert (await stream.next()).name == "balance"
    return stream


@pytest.fixture
async def small_api(environment, redis_url, aiohttp_client) -> AsyncIterator[Api]:
    """A service for two requests and a stream or two at a time."""
    bounds = {"REQUESTS_MAX": "2", "LIVE_STREAMS_MAX": "3", "LIVE_STREAMS_PER_PERSON": "2"}
    async with opened_api(Settings.from_environment(environment | bounds | {"REDIS_URL": redis_url})) as app:
        yield await client_of(app, aiohttp_client)


async def test_events_have_the_shapes_of_the_other_routes(ada, bob):
    async with stream_of(ada) as stream:
        first = await stream.next()
        sent = await ada.pay(bob, "3.00", note="For \N{SLICE OF PIZZA}, two")
        transaction, balance = await stream.next(), await stream.next()

    assert (first.name, first.data["balance"]) == ("balance", "500.00")
    assert (transaction.name, transaction.data) == ("transaction", sent.body)
    assert balance.name == "balance"
    assert balance.data == (await ada.get(ada.own("/balance"))).body
    assert balance.data["balance"] == "497.00"


async def test_both_sides_are_told_each_in_its_own_words_and_nobody_else_is(api, ada, bob):
    carol = await sign_up(api, "Carol")
    async with stream_of(ada) as adas, stream_of(bob) as bobs, stream_of(carol) as carols:
        for stream in (adas, bobs, carols):
            await quiet(stream)

        await ada.pay(bob, "3.00")
        paid, received = await adas.next("transaction"), await bobs.next("transaction")
        await carol.add_funds("1.00")
        hers = await carols.next()

    assert (paid.data["type"], paid.data["counterparty"]["name"]) == ("transfer_out", "Bob")
    assert (received.data["type"], received.data["wallet_id"]) == ("transfer_in", bob.wallet_id)
    assert (hers.data["type"], hers.data["wallet_id"]) == ("deposit", carol.wallet_id)


async def test_who_comes_back_is_told_what_happened_meanwhile_once(ada, bob):
    async with stream_of(ada) as stream:
        await quiet(stream)
        cut_off_at = stream.last_id
    for amount in ("1.00", "2.00", "3.00"):
        await ada.pay(bob, amount)

    async with stream_of(ada, last_id=cut_off_at) as stream:
        told = [await stream.next() for _ in range(4)]
        await ada.pay(bob, "4.00")
        told += [await stream.next() for _ in range(2)]

    assert [event.name for event in told] == ["transaction"] * 3 + ["balance", "transaction", "balance"]
    assert [event.data["amount"] for event in told if event.name == "transaction"] == ["1.00", "2.00", "3.00", "4.00"]


async def test_a_stream_goes_on_between_any_two_events(ada, bob):
    async with stream_of(ada) as stream:
        await quiet(stream)
        await ada.pay(bob, "1.00")
        await stream.next("transaction")
        between = stream.last_id

    async with stream_of(ada, last_id=between) as stream:
        told = await stream.next()
        await ada.pay(bob, "2.00")
        after = await stream.next()

    assert (told.name, told.data["balance"]) == ("balance", "499.00")
    assert (after.name, after.data["amount"]) == ("transaction", "2.00")


async def test_the_last_id_of_somebody_else_tells_nothing_of_theirs(ada, bob):
    async with stream_of(bob) as stream:
        await quiet(stream)
        bobs = stream.last_id
    await bob.pay(ada, "1.00")

    async with stream_of(ada, last_id=bobs) as stream:
        told = [await stream.next() for _ in range(3)]

    assert {event.data["wallet_id"] for event in told} == {ada.wallet_id}


@pytest.mark.usefixtures("worker")
async def test_what_comes_into_the_inbox_is_told_as_the_inbox_shows_it(ada, bob):
    async with stream_of(bob) as stream:
        await quiet(stream)

        await ada.pay(bob, "3.00")
        told = await stream.next("notification")
        shown = (await bob.get("/notifications")).body["data"]
    async with stream_of(bob, last_id=stream.last_id) as again:
        await ada.pay(bob, "4.00")
        after = await again.next("notification")

    assert told.data in shown
    assert told.data["data"]["amount"] == "3.00"
    assert after.data["data"]["amount"] == "4.00"


@pytest.mark.parametrize("last_id", ["1", "%00", "x" * 6_001, "AQEAAAAAAAAAhRHz5UXWHcM", "../../etc/passwd"])
async def test_a_last_id_that_never_was_one_is_refused(ada, last_id):
    answer = await ada.get("/events", headers={"Last-Event-ID": last_id})

    assert answer.refused == (400, "invalid_request")
    assert answer.faulty_fields == ["headers.Last-Event-ID"]


async def test_a_stream_is_announced_as_one_that_nobody_keeps(ada):
    async with stream_of(ada) as stream:
        headers = stream.response.headers
    head = await ada.api.client.head("/v1/events", headers={"Authorization": f"Bearer {ada.token}"})

    assert headers["Content-Type"] == "text/event-stream"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert (headers["X-Content-Type-Options"], "Server" in headers) == ("nosniff", False)
    assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream")


async def test_nobody_without_a_token_listens(api, ada):
    answers = [await api.call("GET", "/events"), await api.call("GET", "/events", token="nonsense")]

    assert {answer.refused for answer in answers} == {(401, "unauthorized")}


async def test_a_stream_takes_no_room_from_requests_and_has_bounds_of_its_own(small_api):
    ada, bob = await sign_up(small_api, "Ada"), await sign_up(small_api, "Bob")
    async with AsyncExitStack() as stack:
        for person in (ada, ada, bob):
            await quiet(await stack.enter_async_context(stream_of(person)))

        one_more = await ada.get("/events")
        bobs = await bob.get("/events")
        answers = [await ada.get("/me") for _ in range(5)]

    assert one_more.refused == (429, "too_many_streams")
    assert bobs.refused == (503, "overloaded")
    assert {answer.status for answer in answers} == {200}


async def test_a_place_is_free_again_soon_after_somebody_is_gone(small_api):
    ada = await sign_up(small_api, "Ada")
    for _ in range(2):
        async with stream_of(ada) as stream, stream_of(ada) as other:
            await quiet(stream)
            await quiet(other)
        await asyncio.sleep(1)

    async with stream_of(ada) as stream:
        await quiet(stream)


async def test_a_stream_ends_within_a_second_of_its_session(ada, bob):
    async with stream_of(ada) as stream, stream_of(bob) as other:
        await quiet(stream)
        await quiet(other)

        began = time.monotonic()
        assert (await ada.post("/auth/logout")).status == 204
        await stream.ended(seconds_max=3)
        seconds = time.monotonic() - began
        await bob.add_funds("1.00")
        goes_on = await other.next()

    assert seconds < 1
    assert goes_on.name == "transaction"


async def test_listening_does_not_keep_a_session_from_growing_idle(environment, redis_url, aiohttp_client):
    idle = {"SESSION_IDLE_SECONDS": "10", "REDIS_URL": redis_url}
    async with opened_api(Settings.from_environment(environment | idle)) as app:
        ada = await sign_up(await client_of(app, aiohttp_client), "Ada")
        began = time.monotonic()
        async with stream_of(ada) as stream:
            await stream.ended(seconds_max=20)
        seconds = time.monotonic() - began
        answer = await ada.get("/me")

    assert 5 < seconds < 16
    assert answer.refused == (401, "session_expired")


async def test_a_service_that_stops_ends_its_streams_at_once(api, ada, bob):
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(stream_of(person)) for person in (ada, bob) * 5]
        for stream in streams:
            await quiet(stream)

        began = time.monotonic()
        await api.client.server.close()
        seconds = time.monotonic() - began
        await asyncio.gather(*[stream.ended(seconds_max=1) for stream in streams])

    assert seconds < 2


async def test_who_does_not_read_is_dropped_and_disturbs_nobody(api, ada, bob):
    note = "a note that is as long as it may be ".ljust(200, ".")
    server = api.client.server
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    lazy.settimeout(SECONDS_MAX)
    with lazy:
        await asyncio.to_thread(lazy.connect, (server.host, server.port))
        lazy.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bob.token}\r\n\r\n".encode())
        async with stream_of(bob) as stream:
            await quiet(stream)
            for _ in range(8):
                await asyncio.gather(*[ada.pay(bob, "0.01", note=note) for _ in range(60)])
                heard = [(await stream.next("transaction")).data["amount"] for _ in range(60)]
                assert heard == ["0.01"] * 60
            async with asyncio.timeout(SECONDS_MAX):
                while not await dropped(api):  # noqa: ASYNC110 - the service sets no event of ours
                    await asyncio.sleep(0.1)
        left = [answer.status for answer in [await ada.get("/me")]]

    assert left == [200]
