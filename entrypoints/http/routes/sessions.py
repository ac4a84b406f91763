"""Sessions: going on with one, ending them, and on which devices they are."""

from http import HTTPStatus
from typing import Any, assert_never

from aiohttp import web

from entrypoints.http.authentication import actor_of, bearer, caller
from entrypoints.http.openapi import body, body_of, operation, path, path_of, query, query_of
from entrypoints.http.problems import Problem, json_response
from entrypoints.http.schemas.administration import OptionalReasonSchema
from entrypoints.http.schemas.answers import SessionListSchema, TokenSchema
from entrypoints.http.schemas.requests import RefreshSchema, SessionPathSchema, UserPathSchema
from entrypoints.http.security_headers import CLEAR_SITE_DATA
from entrypoints.http.services import Services
from entrypoints.http.views import granted_view, session_view
from wallet_core.administration.audit import NO_REASON
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.identity.entities import Role
from wallet_core.identity.refreshing import RefreshRefusal
from wallet_core.identity.session import Granted
from wallet_core.ids import UserId

_TAGS = ("sessions",)


class SessionRoutes:
    """`/auth/refresh`, `/auth/logout`, `/auth/logout-all`, `/auth/sessions`, and for admins those of others."""

    def __init__(self, services: Services) -> None:
        self._sessions = services.sessions
        self._administration = services.administration

    @operation(
        tags=_TAGS,
        summary="Get new tokens for a refresh token",
        description="It is spent by this. Sent again within ten seconds, it gets the same successor; later it ends the "
        "session, for then somebody else may have it. This does not count as using the session.",
        security=False,
        responses={200: (TokenSchema, "New tokens")},
        problems=["unauthorized", "session_expired", "refresh_reused"],
    )
    @body(RefreshSchema)
    async def refresh(self, request: web.Request) -> web.Response:
        outcome = await self._sessions.refresh(body_of(request)["refresh_token"])
        match outcome:
            case Granted():
                return json_response(granted_view(outcome))
            case RefreshRefusal():
                raise Problem(outcome.value)
        assert_never(outcome)

    @operation(
        tags=_TAGS,
        summary="Log out",
        description="Ends the session of the token that is sent. Once it has ended, this is answered alike.",
        needs_session=False,
        responses={204: (None, "Logged out")},
    )
    async def log_out(self, request: web.Request) -> web.Response:
        await self._sessions.log_out(bearer(request))
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=CLEAR_SITE_DATA)

    @operation(tags=_TAGS, summary="Log out on all devices", responses={204: (None, "Logged out everywhere")})
    async def log_out_everywhere(self, request: web.Request) -> web.Response:
        await self._sessions.log_out_everywhere(caller(request).user_id)
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=CLEAR_SITE_DATA)

    @operation(
        tags=_TAGS,
        summary="Where I am logged in",
        description="Sessions that can be used now, the one used last first; `current` is the one that asks.",
        responses={200: (SessionListSchema, "Sessions, all of them")},
    )
    async def list_sessions(self, request: web.Request) -> web.Response:
        return json_response(await self._listed(request, caller(request).user_id))

    @operation(
        tags=_TAGS,
        summary="End a session",
        description="One of one's own; an admin may end anybody's, which is kept in the audit with the `reason`.",
        responses={204: (None, "Ended")},
    )
    @path(SessionPathSchema)
    @query(OptionalReasonSchema)
    async def end_session(self, request: web.Request) -> web.Response:
        active, session_id = caller(request), path_of(request)["session_id"]
        if not await self._sessions.end(active, session_id):
            if active.role is not Role.ADMIN:
                raise Problem("not_found")
            reason = query_of(request).get("reason", NO_REASON)
            ended = await self._administration.end_session(session_id, by=actor_of(request), reason=reason)
            if ended is ChangeRefusal.NOT_FOUND:
                raise Problem("not_found")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    @operation(
        tags=("admin",),
        summary="Where somebody is logged in",
        responses={200: (SessionListSchema, "Sessions, all of them")},
        problems=["forbidden"],
    )
    @path(UserPathSchema)
    async def list_sessions_of(self, request: web.Request) -> web.Response:
        return json_response(await self._listed(request, path_of(request)["user_id"]))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/auth/refresh", self.refresh),
            web.post("/auth/logout", self.log_out),
            web.post("/auth/logout-all", self.log_out_everywhere),
            web.get("/auth/sessions", self.list_sessions),
            web.delete("/auth/sessions/{session_id}", self.end_session),
            web.get("/admin/users/{user_id}/sessions", self.list_sessions_of),
        ]

    async def _listed(self, request: web.Request, user_id: UserId) -> dict[str, Any]:
        current = caller(request).session_id
        sessions = await self._sessions.of(user_id)
        return {"data": [session_view(each, current=each.id == current) for each in sessions], "next_cursor": None}
