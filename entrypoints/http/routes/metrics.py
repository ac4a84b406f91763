"""For whoever watches the service: what it counts of itself."""

import hmac
from ipaddress import ip_address

from aiohttp import hdrs, web

from entrypoints.http.client_address import client_address
from entrypoints.http.openapi import operation
from entrypoints.http.problems import Problem
from entrypoints.http.services import Services

TEXT_FORMAT = "text/plain; version=1.0.0; charset=utf-8"
_SCHEME = "Bearer "
_FORWARDED = (hdrs.X_FORWARDED_FOR, hdrs.FORWARDED, "X-Real-IP")


class MetricsRoutes:
    """`/metrics`."""

    def __init__(self, services: Services) -> None:
        self._figures = services.figures
        self._token = services.metrics_token

    @operation(
        tags=("operations",),
        summary="What the service counts of itself",
        description="In Prometheus's format, of all processes. For whoever brings the operator's token as a bearer "
        "token; where there is none, for clients on the machine itself. For everybody else there is nothing here.",
        security=False,
        needs_database=False,
        responses={200: (None, "The figures")},
        content={200: TEXT_FORMAT},
        problems=["not_found"],
    )
    async def show_figures(self, request: web.Request) -> web.Response:
        if not self._may_read(request):
            raise Problem("not_found", "There is nothing at this path.")
        return web.Response(body=await self._figures(), headers={hdrs.CONTENT_TYPE: TEXT_FORMAT})

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [web.get("/metrics", self.show_figures)]

    def _may_read(self, request: web.Request) -> bool:
        if self._token is None:
            return _is_on_this_machine(request)
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        brought = given[len(_SCHEME) :] if given[: len(_SCHEME)].title() == _SCHEME else ""
        return hmac.compare_digest(brought.encode("utf-8", "surrogateescape"), self._token.encode())


def _is_on_this_machine(request: web.Request) -> bool:
    """Whether nobody stands in between: a proxy on this machine asks for others, trusted or not."""
    address = client_address(request)
    if address is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
