"""Who asks: the bearer token of every operation that is not declared open, and the session it belongs to."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import hdrs, web
from multidict import istr
from structlog.contextvars import bind_contextvars

from entrypoints.http.middlewares import request_id_of
from entrypoints.http.problems import Problem
from entrypoints.http.roles import EVERYBODY, roles_by_handler
from wallet_core.administration.audit import Actor, ActorKind
from wallet_core.identity.entities import AccessClaims, Role
from wallet_core.identity.ports import AccessTokens
from wallet_core.identity.session import ActiveSession
from wallet_core.identity.sessions import SessionRefusal, Sessions

BACKGROUND_HEADER: Final = istr("X-Background")
"""With `1` a request is made by a program for itself: it does not keep anybody's session from growing idle."""

_ACTIVE: Final = web.RequestKey("active_session", ActiveSession)
_CLAIMS: Final = web.RequestKey("claims", AccessClaims)
_SCHEME: Final = "Bearer "

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Middleware(Protocol):
    """What aiohttp calls around a handler."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse: ...


def bearer_required(app: web.Application, tokens: AccessTokens, sessions: Sessions) -> Middleware:
    """A middleware that lets nobody without a good token, a live session and a fitting role through to an operation
    that is not declared open.

    Make it once the routes are there: whom each is for is looked up now.
    """
    roles = roles_by_handler(app)

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        declared = getattr(request.match_info.handler, "__apispec__", None)
        # What is not declared at all is open: documents, 404, 405.
        if declared is not None and declared.get("security"):
            header = request.headers.get(hdrs.AUTHORIZATION, "")
            claims = tokens.check(header[len(_SCHEME) :]) if header[: len(_SCHEME)].title() == _SCHEME else None
            if claims is None:
                raise Problem("unauthorized")
            bind_contextvars(user_id=claims.user_id)
            if declared["x-needs-session"]:
                background = declared["x-background"] or request.headers.get(BACKGROUND_HEADER) == "1"
                active = await sessions.check(claims, background=background)
                if isinstance(active, SessionRefusal):
                    raise Problem(active.value)
                allowed = roles.get(request.match_info.handler, EVERYBODY)
                request[_ACTIVE] = active if active.role in allowed else await _promoted(sessions, active, allowed)
            else:
                request[_CLAIMS] = claims
        return await handler(request)

    return authenticate


def caller(request: web.Request) -> ActiveSession:
    """Who asks, as their session has it. Only for operations that need one."""
    return request[_ACTIVE]


def actor_of(request: web.Request, kind: ActorKind = ActorKind.ADMIN) -> Actor:
    """Who asks, as the audit is to know them. Only for operations that need a session."""
    active = request[_ACTIVE]
    return Actor(kind=kind, id=active.user_id, session_id=active.session_id, request_id=request_id_of(request))


def bearer(request: web.Request) -> AccessClaims:
    """What the token says of its bearer. Only for operations that need a token and no session."""
    return request[_CLAIMS]


async def _promoted(sessions: Sessions, active: ActiveSession, allowed: frozenset[Role]) -> ActiveSession:
    """The session as it is now: nobody is refused for a role that they had a moment ago."""
    anew = await sessions.check_anew(active)
    if isinstance(anew, SessionRefusal):
        raise Problem(anew.value)
    if anew.role not in allowed:
        raise Problem("forbidden")
    return anew
