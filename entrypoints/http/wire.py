"""Answers in our shape to what never reached the application: broken request lines, unmet expectations.

aiohttp answers those below every middleware. Serve with `WireRunner` in place of `web.AppRunner`.
"""

import asyncio
from typing import Any, Final

import structlog
from aiohttp import hdrs, web

from entrypoints.http.middlewares import REQUEST_ID_HEADER, request_id_of
from entrypoints.http.problems import Problem, problem_of_http_error, problem_response
from entrypoints.http.security_headers import SECURITY_HEADERS, SecurityHeaders

HEAD_SECONDS_MAX: Final = 10.0
"""How long a request's line and headers may take to arrive, the first of a connection counted from its beginning.

aiohttp itself waits for them as long as it keeps an idle connection, which has to be longer than any proxy does."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("http")


class WireRunner(web.AppRunner):
    """Runs an application whose very first bytes of refusal already have the one shape of errors."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # aiohttp names its connection class in Server.__call__ and nowhere else, so the server is made once more.
        return _Server(
            self.app.get(SECURITY_HEADERS) or SecurityHeaders(),
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            # A compressed body is refused, so it need not be unpacked, nor break its connection when it cannot be.
            **server._kwargs | {"auto_decompress": False},
        )


class _Server(web.Server):
    def __init__(self, headers: SecurityHeaders, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._headers = headers

    def __call__(self) -> web.RequestHandler:
        return _Connection(self._headers, self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ("_head_alarm", "_headers")

    def __init__(self, headers: SecurityHeaders, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._headers = headers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection begins, and with it the wait for its first request."""
        self._head_alarm: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._set_head_alarm()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._clear_head_alarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What came: a whole head ends the wait for it, a part of the next begins one."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._clear_head_alarm()
        elif self._waiter is not None and self._head_alarm is None:
            self._set_head_alarm()

    def _set_head_alarm(self) -> None:
        self._head_alarm = self._loop.call_later(HEAD_SECONDS_MAX, self._head_is_late)

    def _clear_head_alarm(self) -> None:
        if self._head_alarm is not None:
            self._head_alarm.cancel()
            self._head_alarm = None

    def _head_is_late(self) -> None:
        self._head_alarm = None
        # Nobody is at work here, or the head would have come.
        if self._waiter is not None:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp could not read (400) or what escaped even the middleware."""
        if request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)  # half an answer is out: it hangs up
        if status < web.HTTPInternalServerError.status_code:
            problem = Problem("malformed_request")
            _log.info(
                "malformed request",
                remote=request.remote,
                fault=type(exc).__name__,
                request_id=request_id_of(request),
            )
        else:
            problem = Problem("internal")
            _log.error("unhandled below the application", exc_info=exc, request_id=request_id_of(request))
        response = problem_response(problem, request_id=request_id_of(request))
        response.headers[REQUEST_ID_HEADER] = request_id_of(request)
        self._headers.add(response)
        response.headers[hdrs.SERVER] = "wallet"  # else aiohttp names itself and its version
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; an error that the framework raised outside the middleware is put into shape first."""
        if isinstance(resp, web.HTTPException) and resp.status >= web.HTTPBadRequest.status_code:
            accept = request.headers.get(hdrs.ACCEPT, "")
            resp = problem_response(problem_of_http_error(resp), request_id=request_id_of(request), accept=accept)
        return await super().finish_response(request, resp, start_time)
