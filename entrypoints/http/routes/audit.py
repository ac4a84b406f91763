"""The audit, as admins read it: page by page, and all of it as a table."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from aiohttp import hdrs, web

from entrypoints.http.cursors import digest_of, place_cursor, place_of
from entrypoints.http.inert_csv import CSV, csv_lines
from entrypoints.http.openapi import operation, query, query_of
from entrypoints.http.problems import FieldError, Problem, json_response
from entrypoints.http.schemas.administration import (
    AuditEntrySchema,
    AuditFilterSchema,
    AuditListSchema,
    AuditQuerySchema,
)
from entrypoints.http.schemas.fields import written_timestamp
from entrypoints.http.services import Services
from wallet_core.administration.audit import ActorKind, AuditEntry, AuditQuery, State
from wallet_core.clock import start_of
from wallet_core.ids import UserId

ROWS_AT_A_TIME: Final = 500
WRITE_SECONDS_MAX: Final = 10.0
"""How long a reader of the table may leave unread what is written to them."""

_TAGS = ("admin",)
COLUMNS: Final = tuple(AuditEntrySchema().fields)
_PLACE: Final = ("cursor", "limit")
_INSTANT: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class AuditRoutes:
    """`/admin/audit`."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit

    @operation(
        tags=_TAGS,
        summary="Who did what to whom, when and why",
        responses={200: (AuditListSchema, "A page, the last change first")},
        problems=["forbidden", "invalid_cursor"],
    )
    @query(AuditQuerySchema)
    async def list_changes(self, request: web.Request) -> web.Response:
        asked = query_of(request)
        filters = digest_of({"of": "audit"} | {name: value for name, value in asked.items() if name not in _PLACE})
        cursor = asked.get("cursor")
        before = None if cursor is None else place_of(cursor, filters)
        page = await self._audit.page(replace(_query(asked), before_place=before, limit=asked["limit"]))
        return json_response(
            {
                "data": [entry_view(entry) for entry in page.entries],
                "next_cursor": None if page.next_before is None else place_cursor(page.next_before, filters),
            }
        )

    @operation(
        tags=_TAGS,
        summary="The same as a table",
        description="CSV with a line of names, all changes that pass the filter. No cell of it is a formula.",
        responses={200: (None, "The table, the last change first")},
        content={200: CSV},
        problems=["forbidden"],
    )
    @query(AuditFilterSchema)
    async def download_changes(self, request: web.Request) -> web.StreamResponse:
        wanted = replace(_query(query_of(request)), limit=ROWS_AT_A_TIME)
        # Before the answer has begun, so that a database that is away is told as such.
        page = await self._audit.page(wanted)
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: CSV,
                hdrs.CONTENT_DISPOSITION: 'attachment; filename="audit.csv"',
                hdrs.CACHE_CONTROL: "no-store",
            }
        )
        if request.method == hdrs.METH_HEAD:
            return response
        await response.prepare(request)
        lines = csv_lines([COLUMNS, *map(audit_row, page.entries)])
        while True:
            async with asyncio.timeout(WRITE_SECONDS_MAX):
                await response.write(lines)
            if page.next_before is None:
                return response
            page = await self._audit.page(replace(wanted, before_place=page.next_before))
            lines = csv_lines(map(audit_row, page.entries))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/admin/audit", self.list_changes),
            web.get("/admin/audit.csv", self.download_changes),
        ]


def entry_view(entry: AuditEntry) -> dict[str, Any]:
    """A change."""
    actor = entry.actor
    return {
        "id": str(entry.id),
        "at": written_timestamp(entry.at),
        "actor_kind": actor.kind.value,
        "actor_id": None if actor.id is None else str(actor.id),
        "session_id": None if actor.session_id is None else str(actor.session_id),
        "request_id": actor.request_id,
        "action": entry.action,
        "target_kind": entry.target_kind,
        "target_id": entry.target_id,
        "user_id": None if entry.user_id is None else str(entry.user_id),
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
    }


def audit_row(entry: AuditEntry) -> list[str | None]:
    """A change as a row of the table, in the order of COLUMNS."""
    view = entry_view(entry) | {"before": _as_json(entry.before), "after": _as_json(entry.after)}
    return [view[column] for column in COLUMNS]


def _as_json(state: State | None) -> str | None:
    return None if state is None else json.dumps(state, sort_keys=True)


def _query(asked: Mapping[str, Any]) -> AuditQuery:
    """The filters. Raises the problem that they have."""
    made_from, made_before = _start(asked.get("from_")), _end(asked.get("to"))
    if made_from is not None and made_before is not None and made_from >= made_before:
        raise Problem("invalid_request", errors=[FieldError("query.to", "Must not be before `from`.")])
    return AuditQuery(
        actor_id=None if "actor_id" not in asked else UserId(asked["actor_id"]),
        actor_kind=None if "actor_kind" not in asked else ActorKind(asked["actor_kind"]),
        action=asked.get("action"),
        target_id=asked.get("target_id"),
        user_id=None if "user_id" not in asked else UserId(asked["user_id"]),
        made_from=made_from,
        made_before=made_before,
    )


def _start(bound: date | datetime | None) -> datetime | None:
    return bound if bound is None or isinstance(bound, datetime) else start_of(bound, "UTC")


def _end(bound: date | datetime | None) -> datetime | None:
    """The first moment behind it."""
    if isinstance(bound, datetime):
        return bound + _INSTANT
    return None if bound is None else start_of(bound + _DAY, "UTC")
