"""Who asks: the bearer token of every operation that is not declared open."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import hdrs, web

from entrypoints.http.problems import Problem
from wallet_core.identity.entities import AccessClaims
from wallet_core.identity.ports import AccessTokens

_CLAIMS: Final = web.RequestKey("claims", AccessClaims)
_SCHEME: Final = "Bearer "

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Middleware(Protocol):
    """What aiohttp calls around a handler."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse: ...


def bearer_required(tokens: AccessTokens) -> Middleware:
    """A middleware that lets nobody without a good token through to an operation that is not declared open."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_closed(request):
            header = request.headers.get(hdrs.AUTHORIZATION, "")
            claims = tokens.check(header[len(_SCHEME) :]) if header[: len(_SCHEME)].title() == _SCHEME else None
            if claims is None:
                raise Problem("unauthorized")
            request[_CLAIMS] = claims
        return await handler(request)

    return authenticate


def caller(request: web.Request) -> AccessClaims:
    """Who asks. Only for operations that need a token."""
    return request[_CLAIMS]


def _is_closed(request: web.Request) -> bool:
    """Whether the operation is declared to need a token. What is not declared at all is open: documents, 404, 405."""
    declared = getattr(request.match_info.handler, "__apispec__", None)
    return declared is not None and bool(declared.get("security"))
