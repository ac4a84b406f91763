"""For those who run the service: is it alive, is it ready, which version is it."""

from http import HTTPStatus

from aiohttp import web

from entrypoints.http.openapi import operation
from entrypoints.http.problems import json_response
from entrypoints.http.schemas.answers import HealthSchema, ReadinessSchema, VersionSchema
from entrypoints.http.services import Services

_TAGS = ("operations",)


class OperationsRoutes:
    """`/healthz`, `/readyz` and `/version`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        tags=_TAGS,
        summary="Whether the process answers",
        security=False,
        needs_database=False,
        responses={200: (HealthSchema, "It does")},
    )
    async def show_health(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    @operation(
        tags=_TAGS,
        summary="Whether requests may be sent here",
        security=False,
        needs_database=False,
        responses={
            200: (ReadinessSchema, "The database is reachable and migrated"),
            503: (ReadinessSchema, "It is not"),
        },
    )
    async def show_readiness(self, _: web.Request) -> web.Response:
        found = await self._services.readiness()
        migrations = "ok" if found.migrations else "pending" if found.database else "unknown"
        return json_response(
            {
                "ready": found.ready,
                "database": "ok" if found.database else "unreachable",
                "migrations": migrations,
                "cache": found.cache,
            },
            HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE,
            None if found.ready else {"Retry-After": "1"},
        )

    @operation(
        tags=_TAGS,
        summary="Which version this is",
        security=False,
        needs_database=False,
        responses={200: (VersionSchema, "The version")},
    )
    async def show_version(self, _: web.Request) -> web.Response:
        return json_response({"version": self._services.version})

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/healthz", self.show_health),
            web.get("/readyz", self.show_readiness),
            web.get("/version", self.show_version),
        ]
