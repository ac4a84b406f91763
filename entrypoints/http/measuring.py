"""What is counted of requests, by the template of their path: a path itself names people's wallets, and has no end."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final, Protocol

from aiohttp import hdrs, web

from entrypoints.http.openapi_document import TWIN_PREFIX
from entrypoints.http.problems import PROBLEM_CODE

UNMATCHED: Final = "unmatched"
"""The route of what is served nowhere."""
OTHER_METHOD: Final = "other"
"""The method of whoever makes up their own."""

_METHODS: Final = frozenset(hdrs.METH_ALL)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Measures(Protocol):
    """Where requests are counted. Called within each of them, so it has to be quick, and never fails."""

    def answered(self, method: str, resource: web.AbstractResource | None, status: int, seconds: float) -> None:
        """A request got an answer of that status after so long."""
        ...

    def refused(self, resource: web.AbstractResource | None, code: str) -> None:
        """A request got that problem for an answer."""
        ...

    def logged_in(self, outcome: str) -> None:
        """Somebody tried to log in, and that became of it."""
        ...


class _Middleware(Protocol):
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse: ...


def measured(measures: Measures) -> _Middleware:
    """A middleware, to stand around all others, that counts each answer. A stream lasts as long as somebody listens:
    it is no answer that took so long."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException as redirect:
            _count(redirect, request, began)
            raise
        if isinstance(response, web.Response):
            _count(response, request, began)
        return response

    def _count(response: web.Response, request: web.Request, began: float) -> None:
        resource = request.match_info.route.resource
        measures.answered(request.method, resource, response.status, perf_counter() - began)
        code = response.get(PROBLEM_CODE)
        if code is not None:
            measures.refused(resource, code)

    return measure


def route_of(resource: web.AbstractResource | None) -> str:
    """How a route is called: by its template, that of its twin under /v1 included."""
    if resource is None:
        return UNMATCHED
    path = resource.canonical
    return path.removeprefix(TWIN_PREFIX) if path.startswith(f"{TWIN_PREFIX}/") else path


def method_of(method: str) -> str:
    """The method, if there is such a one."""
    return method if method in _METHODS else OTHER_METHOD
