"""Limits, as a person reads and lowers them."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from entrypoints.http.amounts import enabled_currency, minor_units
from entrypoints.http.authentication import caller
from entrypoints.http.openapi import AMOUNT_PROBLEMS, body, body_of, operation, query, query_of
from entrypoints.http.problems import FieldError, Problem, json_response
from entrypoints.http.schemas.answers import LimitsSchema
from entrypoints.http.schemas.requests import CurrencyQuerySchema, LimitsChangeSchema
from entrypoints.http.services import Services
from entrypoints.http.views import limits_view
from wallet_core.identity.entities import User
from wallet_core.ids import UserId
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.money import Currency

_TAGS = ("limits",)
_FALLBACK_CURRENCY = "USD"


class LimitRoutes:
    """`/limits`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        tags=_TAGS,
        summary="How much I may move, and did",
        responses={200: (LimitsSchema, "The limits in one currency")},
        problems=["currency_not_enabled"],
    )
    @query(CurrencyQuerySchema)
    async def show_limits(self, request: web.Request) -> web.Response:
        user = await self._user(request)
        return await self._shown(user, await self._currency(user.id, query_of(request).get("currency")))

    @operation(
        tags=_TAGS,
        summary="Lower my limits",
        responses={200: (LimitsSchema, "The limits, as lowered")},
        problems=["currency_not_enabled", "limit_too_high", *AMOUNT_PROBLEMS],
    )
    @query(CurrencyQuerySchema)
    @body(LimitsChangeSchema)
    async def lower_limits(self, request: web.Request) -> web.Response:
        user, given = await self._user(request), body_of(request)
        named, queried = given.get("currency"), query_of(request).get("currency")
        if named and queried and named != queried:
            raise Problem("invalid_request", errors=[FieldError("body.currency", "Differs from the query's.")])
        currency = await self._currency(user.id, named or queried)
        chosen = {kind: chosen_caps(given[kind.value], kind, currency) for kind in LimitKind if kind.value in given}
        if not await self._services.allowances.choose(user.id, currency.code, chosen):
            raise Problem("limit_too_high")
        return await self._shown(user, currency)

    async def _user(self, request: web.Request) -> User:
        """Who asks, as they are kept: their time zone decides when a day begins."""
        user = await self._services.people.find(caller(request).user_id)
        if user is None:
            raise Problem("unauthorized")
        return user

    async def _currency(self, user_id: UserId, code: str | None) -> Currency:
        """The currency asked about, else that of the default wallet, else the dollar."""
        if code is None:
            default = await self._services.wallets.default(user_id)
            code = _FALLBACK_CURRENCY if default is None else default.currency
        return enabled_currency(self._services.currencies, code)

    async def _shown(self, user: User, currency: Currency) -> web.Response:
        limits = await self._services.allowances.of(user.id, currency.code, time_zone=user.time_zone)
        return json_response(limits_view(limits, currency))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/limits", self.show_limits),
            web.put("/limits", self.lower_limits),
        ]


def chosen_caps(given: Mapping[str, Any], kind: LimitKind, currency: Currency) -> ChosenCaps:
    """The maximums of a body, in minor units. Raises the problem that one has."""
    caps = {
        window: minor_units(currency, written, f"body.{kind.value}.{window}", zero_allowed=True)
        for window, written in given.items()
    }
    return ChosenCaps(daily=caps.get("daily"), monthly=caps.get("monthly"))
