"""Other sites' pages: which may call the API, and that none of them uses what a browser keeps for this one.

Who asks is told by a bearer token, which no browser sends by itself, so that there is nothing to forge a request with.
The one cookie there is only tells a known device from another; still nobody else's page may have it sent.
"""

from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from entrypoints.http.authentication import Handler, Middleware
from entrypoints.http.edge import Edge, edge_of
from entrypoints.http.problems import Problem

PREFLIGHT_SECONDS: Final = 600
"""How long a browser may remember what it was allowed."""

_SEC_FETCH_SITE: Final = istr("Sec-Fetch-Site")
_FROM_ELSEWHERE: Final = ("cross-site", "same-site")
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_ASKED: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Background, X-Request-Id"
_SHOWN: Final = "ETag, Idempotent-Replayed, Retry-After, WWW-Authenticate, X-Request-Id"


def own_cookie(request: web.Request, name: str) -> str | None:
    """The cookie of that name. Raises the problem `foreign_origin` where another site's page asks.

    The only way to a cookie, so that no operation reads one without that question.
    """
    # Whoever sends this header has set it by code that may call the API: no browser adds it to a forged request.
    if hdrs.AUTHORIZATION not in request.headers and not _is_own(request):
        raise Problem("foreign_origin")
    return request.cookies.get(name) or None


def _is_own(request: web.Request) -> bool:
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        # Browsers that name no origin say from where a page asks; who says neither is no browser, and keeps no
        # cookies that are not its own.
        return request.headers.get(_SEC_FETCH_SITE) not in _FROM_ELSEWHERE
    edge = edge_of(request)
    scheme = "https" if edge.https else "http"
    return origin in edge.own_origins or origin == f"{scheme}://{request.host.lower()}"


def setup(app: web.Application, edge: Edge) -> None:
    """Let the pages of the configured origins call the API; without any, nothing is added and nobody may.

    Credentials are never allowed: who asks is told by a header that their own code sets.
    """
    if not edge.cors_origins:
        return
    app.middlewares.append(_preflight_answered(edge.cors_origins))

    async def allow(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin in edge.cors_origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _SHOWN

    app.on_response_prepare.append(allow)


def _preflight_answered(origins: frozenset[str]) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            request.method != hdrs.METH_OPTIONS
            or request.headers.get(hdrs.ORIGIN) not in origins
            or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers
        ):
            return await handler(request)
        return web.Response(
            status=204,
            headers={
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _ASKED,
                hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_SECONDS),
            },
        )

    return answer
