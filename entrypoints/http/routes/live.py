"""Live updates: what concerns somebody, told over one long answer while it happens (server-sent events)."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final, assert_never

import orjson
from aiohttp import hdrs, web

from entrypoints.http.authentication import caller
from entrypoints.http.middlewares import room_given_back
from entrypoints.http.openapi import Header, operation
from entrypoints.http.problems import FieldError, Problem
from entrypoints.http.services import Services
from entrypoints.http.views import balance_view, line_view, notification_view
from wallet_core.live.news import BalanceIs, Began, LiveEvent, Moved, Reset, Told
from wallet_core.live.position import WRITTEN_LENGTH_MAX, Position, read_position, written
from wallet_core.live.subscription import StreamRefusal, Subscription
from wallet_core.money import Currencies

_TAGS = ("live",)
EVENT_STREAM: Final = "text/event-stream"
LAST_EVENT_ID: Final = Header(
    "Last-Event-ID", "The `id` of the last event you had: what happened since is told first.", WRITTEN_LENGTH_MAX
)
WRITE_SECONDS_MAX: Final = 5.0
"""How long somebody may leave unread what is written to them."""
UNREAD_BYTES_MAX: Final = 64 * 1024
"""How much may lie unread, here and in the kernel each, before a write waits."""

_HEARTBEAT: Final = b":\n\n"
_OPENING: Final = b"retry: 2000\n\n"
_DESCRIPTION: Final = (
    "Server-sent events: `balance` (as `GET /wallets/{wallet_id}/balance` answers), `transaction` (as "
    "`GET /transactions/{transaction_id}` does), `notification` (as in `GET /notifications`) and `reset`. The first "
    "connection begins with the balance of each account. An account's transactions come in their order, its balance "
    "after them. Send the last `id` as `Last-Event-ID` to go on from there, at any process: no transaction and no "
    "balance is left out or told twice; a notification of the last ten seconds may be told again, so go by its `id`. "
    "`reset` says that more has happened than is told (over 100 transactions in one account), or something else than "
    "was told (books restored from a backup): read the history of its `wallet_ids`, and with `inbox` the inbox, anew. "
    "The stream lasts as long as the session, which it does not keep from growing idle. It tells of money that moved: "
    "refused transfers are in the history alone."
)


class LiveRoutes:
    """`/events`."""

    def __init__(self, services: Services) -> None:
        self._feed = services.live
        self._currencies = services.currencies

    @operation(
        tags=_TAGS,
        summary="What concerns me, while it happens",
        description=_DESCRIPTION,
        responses={200: (None, "Events, one after the other, until the session or the service ends")},
        content={200: EVENT_STREAM},
        problems=["too_many_streams", "invalid_request"],
        headers=[LAST_EVENT_ID],
        background=True,
    )
    async def stream(self, request: web.Request) -> web.StreamResponse:
        position = _position_of(request)
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: EVENT_STREAM,
                hdrs.CACHE_CONTROL: "no-store",
                # A proxy in front that gathers answers before it sends them on would gather this one for ever.
                "X-Accel-Buffering": "no",
            }
        )
        if request.method == hdrs.METH_HEAD:
            return response
        with self._feed.opened(caller(request), position, is_gone=lambda: _is_gone(request)) as stream:
            if isinstance(stream, StreamRefusal):
                raise Problem(stream.value)
            _bound_unread(request)
            with room_given_back(request):
                await response.prepare(request)
                await self._send(stream, request, response)
        return response

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [web.get("/events", self.stream)]

    async def _send(self, stream: Subscription, request: web.Request, response: web.StreamResponse) -> None:
        """Until either side ends it."""
        text: bytes = _OPENING
        try:
            while True:
                async with asyncio.timeout(WRITE_SECONDS_MAX):
                    await response.write(text)
                events = await stream.next()
                if events is None:
                    return
                text = _text_of(events, self._currencies) or _HEARTBEAT
        except TimeoutError:
            self._feed.note_dropped()
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            return  # nobody is there any more


def _position_of(request: web.Request) -> Position | None:
    given = request.headers.get(LAST_EVENT_ID.name)
    if not given:
        return None
    try:
        return read_position(given)
    except ValueError:
        message = "Must be the id of an event that was sent here."
        raise Problem("invalid_request", errors=[FieldError(f"headers.{LAST_EVENT_ID.name}", message)]) from None


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _bound_unread(request: web.Request) -> None:
    """Keep little for whoever reads slowly: thousands of them would fill the memory else."""
    if request.transport is None:
        return
    request.transport.set_write_buffer_limits(high=UNREAD_BYTES_MAX)
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES_MAX)


def _text_of(events: Sequence[LiveEvent], currencies: Currencies) -> bytes:
    return b"".join(_event_text(event, currencies) for event in events)


def _event_text(event: LiveEvent, currencies: Currencies) -> bytes:
    """One event as it goes over the wire. JSON has no line breaks, nor has a position."""
    name, data = _view_of(event, currencies)
    position = written(event.position).encode()
    if data is None:
        return b"id: %b\n\n" % position
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name.encode(), position, orjson.dumps(data))


def _view_of(event: LiveEvent, currencies: Currencies) -> tuple[str, dict[str, Any] | None]:
    match event:
        case Began():
            return "", None
        case Reset():
            return "reset", {"wallet_ids": [str(each) for each in event.wallet_ids], "inbox": event.inbox}
        case Moved():
            return "transaction", line_view(event.line, currencies)
        case BalanceIs():
            # A currency that is no longer enabled keeps its balance and is not shown.
            shown = event.account.currency in currencies
            return "balance", balance_view(event.account, currencies) if shown else None
        case Told():
            return "notification", notification_view(event.notification, currencies)
    assert_never(event)
