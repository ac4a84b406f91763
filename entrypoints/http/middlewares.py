"""What stands around every handler: a request id, one shape for whatever goes wrong, safe headers, a line in the log.

One middleware and one signal rather than four, for each costs every request a call.
"""

import secrets
import string
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import Final, Protocol

import structlog
from aiohttp import hdrs, web
from multidict import istr

from entrypoints.http.problems import Problem, problem_of_http_error, problem_response
from entrypoints.http.security_headers import SECURITY_HEADERS, SecurityHeaders
from wallet_core.faults import Fault, OutcomeUnknown, Overloaded, Unavailable

REQUEST_ID: Final = web.RequestKey("request_id", str)
REQUEST_ID_HEADER: Final = istr("X-Request-Id")
_REQUEST_ID_ALPHABET: Final = string.ascii_letters + string.digits + "-_.:~+/=@"
_REQUEST_ID_LENGTH_MAX: Final = 128

REQUESTS_MAX: Final = 512
_AWAITED_FOR_EACH_SERVED: Final = 8
"""How many bodies may be on their way for each request that may be worked on."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Middleware(Protocol):
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse: ...


_log: structlog.stdlib.BoundLogger = structlog.get_logger("http")


def setup(
    app: web.Application, *, access_log: bool = True, requests_max: int = REQUESTS_MAX, https: bool = False
) -> None:
    """Put the shell around the application: the outermost middleware, and the headers of every answer.

    Past `requests_max` requests at a time the next is answered 503 at once: whoever waits in a growing crowd is
    served too late to matter. What needs no database (health, the version, documents) is always let in.
    """
    admission = app[_ADMISSION] = _Admission(requests_max)
    app.middlewares.insert(0, _logging(admission.guarded) if access_log else admission.guarded)
    headers = app[SECURITY_HEADERS] = SecurityHeaders(https=https)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers[REQUEST_ID_HEADER] = request_id_of(request)
        headers.add(response)

    app.on_response_prepare.append(add_headers)


def request_id_of(request: web.BaseRequest) -> str:
    """The request's id: the client's own `X-Request-Id` where it is harmless, else a new one, and always the same."""
    known = request.get(REQUEST_ID)
    if known is None:
        known = request[REQUEST_ID] = _usable(request.headers.get(REQUEST_ID_HEADER)) or secrets.token_hex(16)
    return known


def _usable(given: str | None) -> str | None:
    # Stripping all of the alphabet leaves nothing of a good id, and is cheaper than a regular expression.
    if given and len(given) <= _REQUEST_ID_LENGTH_MAX and not given.strip(_REQUEST_ID_ALPHABET):
        return given
    return None


class _Admission:
    """Counts the requests that are worked on and lets no more in than may be."""

    __slots__ = ("_awaited", "_requests", "_requests_max")

    def __init__(self, requests_max: int) -> None:
        self._requests = 0
        self._awaited = 0
        self._requests_max = requests_max

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The handler's answer, or the problem it ran into."""
        structlog.contextvars.bind_contextvars(request_id=request_id_of(request))
        if self._requests >= self._requests_max and _needs_room(request):
            return problem_response(
                Problem("overloaded"),
                request_id=request_id_of(request),
                accept=request.headers.get(hdrs.ACCEPT, ""),
            )
        self._requests += 1
        try:
            return await _guarded(request, handler)
        finally:
            self._requests -= 1

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Let somebody else in while a request's body is on its way. Raises the problem `overloaded`.

        Else whoever sends bodies a byte at a time would hold all the room there is.
        """
        if self._awaited >= self._requests_max * _AWAITED_FOR_EACH_SERVED:
            raise Problem("overloaded")
        self._awaited += 1
        self._requests -= 1
        try:
            yield
        finally:
            self._requests += 1
            self._awaited -= 1

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Let somebody else in while an answer goes on that nobody works on most of the time."""
        self._requests -= 1
        try:
            yield
        finally:
            self._requests += 1


_ADMISSION: Final = web.AppKey("admission", _Admission)


def body_awaited(request: web.Request) -> AbstractContextManager[None]:
    """While it lasts the request waits for the rest of its body, and takes no room from others."""
    admission = request.config_dict.get(_ADMISSION)
    return nullcontext() if admission is None else admission.set_aside()


def room_given_back(request: web.Request) -> AbstractContextManager[None]:
    """While it lasts the request is a stream, which has limits of its own, and takes no room from others."""
    admission = request.config_dict.get(_ADMISSION)
    return nullcontext() if admission is None else admission.given_back()


def _needs_room(request: web.Request) -> bool:
    declared = getattr(request.match_info.handler, "__apispec__", {})
    return bool(declared.get("x-needs-database", False))


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the problem it ran into. A cancellation passes through."""
    try:
        return await handler(request)
    except Problem as refused:
        problem = refused
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise  # a redirect is an answer
        problem = problem_of_http_error(error)
    except Exception as fault:
        if request.writer.output_size > 0:
            _log.exception("failed halfway through an answer", route=_route(request))
            raise
        problem = _problem_of_fault(fault, request)
    return problem_response(problem, request_id=request_id_of(request), accept=request.headers.get(hdrs.ACCEPT, ""))


def _problem_of_fault(fault: Exception, request: web.Request) -> Problem:
    """What the client may know of a fault; the log gets the rest."""
    match fault:
        case Overloaded():
            code = "overloaded"
        case Unavailable():
            code = "unavailable"
        case OutcomeUnknown():
            code = "outcome_unknown"
        case _:
            _log.exception("unhandled", route=_route(request), method=request.method, exc_info=fault)
            return Problem("internal")
    assert isinstance(fault, Fault)  # noqa: S101 - tells the type checker
    _log.warning(code, route=_route(request), method=request.method, fault=str(fault))
    return Problem(code)


def _logging(guarded: _Middleware) -> _Middleware:
    """The same, with a line in the log for each request."""

    @web.middleware
    async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        response = await guarded(request, handler)
        _log.info(
            "request",
            method=request.method,
            route=_route(request),
            status=response.status,
            duration_ms=round((perf_counter() - started) * 1000, 2),
        )
        return response

    return logged


def _route(request: web.Request) -> str:
    """The template of the path, never the path: that one names people's wallets."""
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical
