"""What people were told and want to be sent, and, for admins, what could not be delivered."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from entrypoints.http.authentication import actor_of, caller
from entrypoints.http.cursors import cursor_id, digest_of, id_cursor
from entrypoints.http.openapi import body, body_of, operation, path, path_of, query, query_of
from entrypoints.http.problems import FieldError, Problem, json_response
from entrypoints.http.schemas.administration import ReasonSchema
from entrypoints.http.schemas.fields import written_timestamp
from entrypoints.http.schemas.notifications import (
    DeliveryListSchema,
    DeliveryPathSchema,
    DeliveryQuerySchema,
    NotificationListSchema,
    NotificationQuerySchema,
    NotificationsMarkedSchema,
    NotificationsReadSchema,
    PreferenceListSchema,
    PreferencesChangeSchema,
)
from entrypoints.http.services import Services
from entrypoints.http.views import notification_view
from wallet_core.clock import system_clock
from wallet_core.ids import DeliveryId, NotificationId
from wallet_core.notifications.deliveries import ParkedDelivery, UnparkRefusal
from wallet_core.notifications.notices import Channel, NoticeKind
from wallet_core.notifications.preferences import Choice, Choices, is_wanted, may_choose

_TAGS = ("notifications",)


class NotificationRoutes:
    """`/notifications`, and `/admin/deliveries`."""

    def __init__(self, services: Services) -> None:
        self._inbox = services.inbox
        self._preferences = services.preferences
        self._parked = services.parked_deliveries
        self._currencies = services.currencies

    @operation(
        tags=_TAGS,
        summary="What I was told",
        responses={200: (NotificationListSchema, "A page, newest first")},
        problems=["invalid_cursor"],
    )
    @query(NotificationQuerySchema)
    async def list_notifications(self, request: web.Request) -> web.Response:
        asked = query_of(request)
        filters = digest_of({"of": "notifications", "unread": asked["unread"]})
        cursor = asked.get("cursor")
        found = await self._inbox.page(
            caller(request).user_id,
            unread_only=asked["unread"],
            after=None if cursor is None else NotificationId(cursor_id(cursor, filters)),
            limit=asked["limit"] + 1,
        )
        shown = found[: asked["limit"]]
        return json_response(
            {
                "data": [notification_view(each, self._currencies) for each in shown],
                "next_cursor": id_cursor(shown[-1].id, filters) if len(found) > len(shown) else None,
            }
        )

    @operation(
        tags=_TAGS,
        summary="I have read these, or all",
        description="Those that are not yours, or were read before, are passed over.",
        responses={200: (NotificationsMarkedSchema, "How many were not read before")},
        problems=["outcome_unknown"],
    )
    @body(NotificationsReadSchema)
    async def mark_read(self, request: web.Request) -> web.Response:
        given = body_of(request)
        ids = [NotificationId(each) for each in given["ids"]] if "ids" in given else None
        marked = await self._inbox.mark_read(caller(request).user_id, ids, now=system_clock())
        return json_response({"marked": marked})

    @operation(
        tags=_TAGS,
        summary="What is sent to me",
        description="Everything is in the list of notifications, whatever is sent besides. Where there is no verified "
        "email address, what concerns security goes to a verified phone in any case.",
        responses={200: (PreferenceListSchema, "Each kind of event")},
    )
    async def show_preferences(self, request: web.Request) -> web.Response:
        return json_response(_preferences_view(await self._preferences.of(caller(request).user_id)))

    @operation(
        tags=_TAGS,
        summary="Choose what is sent to me",
        description="Mail about the security of your account stays on, and text messages are about that alone.",
        responses={200: (PreferenceListSchema, "Each kind of event, as it is now")},
        problems=["outcome_unknown"],
    )
    @body(PreferencesChangeSchema)
    async def choose_preferences(self, request: web.Request) -> web.Response:
        user_id = caller(request).user_id
        await self._preferences.choose(user_id, _choices(body_of(request)["data"]))
        return json_response(_preferences_view(await self._preferences.of(user_id)))

    @operation(
        tags=("admin",),
        summary="What could not be delivered",
        responses={200: (DeliveryListSchema, "A page, newest first")},
        problems=["forbidden", "invalid_cursor"],
    )
    @query(DeliveryQuerySchema)
    async def list_deliveries(self, request: web.Request) -> web.Response:
        asked = query_of(request)
        filters = digest_of({"of": "deliveries", "status": asked["status"]})
        cursor = asked.get("cursor")
        found = await self._parked.page(
            after=None if cursor is None else DeliveryId(cursor_id(cursor, filters)), limit=asked["limit"] + 1
        )
        shown = found[: asked["limit"]]
        return json_response(
            {
                "data": [_delivery_view(each) for each in shown],
                "next_cursor": id_cursor(shown[-1].id, filters) if len(found) > len(shown) else None,
            }
        )

    @operation(
        tags=("admin",),
        summary="Have it delivered again",
        description="At once, and with all its tries.",
        responses={204: (None, "It is due")},
        problems=["forbidden", "not_found", "conflict", "outcome_unknown"],
    )
    @path(DeliveryPathSchema)
    @body(ReasonSchema)
    async def retry_delivery(self, request: web.Request) -> web.Response:
        delivery_id = DeliveryId(path_of(request)["delivery_id"])
        refused = await self._parked.retry(delivery_id, by=actor_of(request), reason=body_of(request)["reason"])
        match refused:
            case None:
                return web.Response(status=HTTPStatus.NO_CONTENT)
            case UnparkRefusal():
                raise Problem(refused.value)

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/notifications", self.list_notifications),
            web.post("/notifications/read", self.mark_read),
            web.get("/notifications/preferences", self.show_preferences),
            web.put("/notifications/preferences", self.choose_preferences),
            web.get("/admin/deliveries", self.list_deliveries),
            web.post("/admin/deliveries/{delivery_id}/retry", self.retry_delivery),
        ]


def _preferences_view(choices: Choices) -> dict[str, Any]:
    return {
        "data": [
            {"kind": kind.value, **{channel.value: is_wanted(kind, channel, choices) for channel in Channel}}
            for kind in NoticeKind
        ]
    }


def _choices(given: list[dict[str, Any]]) -> Choices:
    """What is chosen, the last word on each. Raises the problem that it has."""
    chosen: dict[Choice, bool] = {}
    faults: list[FieldError] = []
    for place, each in enumerate(given):
        kind = NoticeKind(each["kind"])
        for channel in Channel:
            if channel.value not in each:
                continue
            if not may_choose(kind, channel, wanted=each[channel.value]):
                faults.append(FieldError(f"body.data.{place}.{channel.value}", _WHY_NOT[channel]))
            chosen[kind, channel] = each[channel.value]
    if faults:
        raise Problem("invalid_request", errors=faults)
    return chosen


_WHY_NOT = {
    Channel.MAIL: "Mail about the security of your account stays on.",
    Channel.SMS: "Text messages are about the security of your account alone.",
}


def _delivery_view(delivery: ParkedDelivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "notification_id": str(delivery.notification_id),
        "user_id": str(delivery.user_id),
        "kind": delivery.kind,
        "channel": delivery.channel.value,
        "status": "parked",
        "tries": delivery.tries,
        "last_error": delivery.last_error,
        "created_at": written_timestamp(delivery.created_at),
        "parked_at": written_timestamp(delivery.parked_at),
    }
