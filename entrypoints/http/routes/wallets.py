"""Wallets: opening, naming, and what they hold."""

from http import HTTPStatus
from typing import assert_never

from aiohttp import ETag, hdrs, web

from entrypoints.http.amounts import enabled_currency
from entrypoints.http.authentication import caller
from entrypoints.http.cursors import cursor_wallet, wallet_cursor
from entrypoints.http.openapi import body, body_of, operation, path, path_of, query, query_of
from entrypoints.http.problems import Problem, json_response
from entrypoints.http.schemas.answers import (
    BalanceSchema,
    TotalsSchema,
    WalletBalanceSchema,
    WalletListSchema,
    WalletSchema,
)
from entrypoints.http.schemas.requests import (
    CurrencyQuerySchema,
    CurrencySchema,
    PageQuerySchema,
    WalletChangeSchema,
    WalletOpeningSchema,
    WalletPathSchema,
)
from entrypoints.http.services import Services
from entrypoints.http.views import account_view, balance_view, totals_view, wallet_view
from wallet_core.ledger.accounts import Account
from wallet_core.wallets.entities import Wallet, WalletRefusal

_TAGS = ("wallets",)
_NOT_CHANGED = "Nothing has changed since the state that `If-None-Match` names"


class WalletRoutes:
    """`/wallets` and `/wallet`, as far as no money moves."""

    def __init__(self, services: Services) -> None:
        self._wallets = services.wallets
        self._currencies = services.currencies

    @operation(
        tags=_TAGS,
        summary="Open a wallet",
        responses={201: (WalletSchema, "The new wallet")},
        problems=["wallet_name_taken", "too_many_wallets", "currency_not_enabled"],
    )
    @body(WalletOpeningSchema)
    async def open_wallet(self, request: web.Request) -> web.Response:
        given = body_of(request)
        opened = await self._wallets.open(caller(request).user_id, name=given.get("name"), currency=given["currency"])
        match opened:
            case Wallet():
                return json_response(wallet_view(opened, self._currencies), HTTPStatus.CREATED)
            case WalletRefusal.NOT_FOUND:
                raise Problem("unauthorized")  # the wallet is new: it is the person who is not there
            case WalletRefusal():
                raise _refused(opened)
        assert_never(opened)

    @operation(
        tags=_TAGS,
        summary="My wallets",
        responses={200: (WalletListSchema, "The wallets")},
        problems=["invalid_cursor"],
    )
    @query(PageQuerySchema)
    async def list_wallets(self, request: web.Request) -> web.Response:
        asked = query_of(request)
        newest_first = (await self._wallets.of(caller(request).user_id))[::-1]
        if "cursor" in asked:
            last = cursor_wallet(asked["cursor"])
            places = [place for place, wallet in enumerate(newest_first) if wallet.id == last]
            if not places:
                raise Problem("invalid_cursor")
            newest_first = newest_first[places[0] + 1 :]
        page = newest_first[: asked["limit"]]
        more = len(newest_first) > len(page)
        return json_response(
            {
                "data": [wallet_view(wallet, self._currencies) for wallet in page],
                "next_cursor": wallet_cursor(page[-1].id) if more else None,
            }
        )

    @operation(
        tags=_TAGS,
        summary="My default wallet",
        responses={200: (WalletSchema, "The wallet"), 304: (None, _NOT_CHANGED)},
        problems=["not_found"],
    )
    async def show_default(self, request: web.Request) -> web.Response:
        return self._shown(request, await self._wallets.default(caller(request).user_id))

    @operation(
        tags=_TAGS,
        summary="One of my wallets",
        responses={200: (WalletSchema, "The wallet"), 304: (None, _NOT_CHANGED)},
    )
    @path(WalletPathSchema)
    async def show_wallet(self, request: web.Request) -> web.Response:
        return self._shown(request, await self._wallets.find(caller(request).user_id, path_of(request)["wallet_id"]))

    def _shown(self, request: web.Request, wallet: Wallet | None) -> web.Response:
        if wallet is None:
            raise Problem("not_found")
        return _tagged(request, wallet.etag, wallet_view(wallet, self._currencies))

    @operation(
        tags=_TAGS,
        summary="Rename a wallet, or make it the default one",
        responses={200: (WalletSchema, "The wallet, as changed")},
        problems=["wallet_name_taken"],
    )
    @path(WalletPathSchema)
    @body(WalletChangeSchema)
    async def change_wallet(self, request: web.Request) -> web.Response:
        given = body_of(request)
        changed = await self._wallets.change(
            caller(request).user_id,
            path_of(request)["wallet_id"],
            name=given.get("name"),
            default=given.get("default"),
        )
        match changed:
            case Wallet():
                return json_response(wallet_view(changed, self._currencies))
            case WalletRefusal():
                raise _refused(changed)
        assert_never(changed)

    @operation(
        tags=_TAGS,
        summary="Hold one more currency in a wallet",
        responses={201: (WalletBalanceSchema, "The new balance")},
        problems=["currency_not_enabled", "conflict"],
    )
    @path(WalletPathSchema)
    @body(CurrencySchema)
    async def hold_currency(self, request: web.Request) -> web.Response:
        opened = await self._wallets.open_account(
            caller(request).user_id, path_of(request)["wallet_id"], body_of(request)["currency"]
        )
        match opened:
            case Account():
                return json_response(account_view(opened, self._currencies), HTTPStatus.CREATED)
            case WalletRefusal():
                raise _refused(opened)
        assert_never(opened)

    @operation(
        tags=_TAGS,
        summary="What a wallet holds in one currency",
        responses={200: (BalanceSchema, "The balance"), 304: (None, _NOT_CHANGED)},
        problems=["currency_not_enabled"],
    )
    @path(WalletPathSchema)
    @query(CurrencyQuerySchema)
    async def show_balance(self, request: web.Request) -> web.Response:
        code = query_of(request).get("currency")
        if code is not None:
            enabled_currency(self._currencies, code)
        account = await self._wallets.balance(caller(request).user_id, path_of(request)["wallet_id"], code)
        if account is None or account.currency not in self._currencies:
            raise Problem("not_found")
        return _tagged(request, f"{account.currency}.{account.version}", balance_view(account, self._currencies))

    @operation(
        tags=_TAGS,
        summary="What I hold over all wallets",
        responses={200: (TotalsSchema, "A total for each currency")},
        problems=["currency_not_enabled"],
    )
    @query(CurrencyQuerySchema)
    async def show_total(self, request: web.Request) -> web.Response:
        code = query_of(request).get("currency")
        if code is not None:
            enabled_currency(self._currencies, code)
        totals = await self._wallets.totals(caller(request).user_id)
        return json_response(totals_view(totals, self._currencies))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/wallets", self.open_wallet),
            web.get("/wallets", self.list_wallets),
            web.get("/wallets/total", self.show_total),
            web.get("/wallet", self.show_default),
            web.get("/wallets/{wallet_id}", self.show_wallet),
            web.patch("/wallets/{wallet_id}", self.change_wallet),
            web.post("/wallets/{wallet_id}/currencies", self.hold_currency),
            web.get("/wallets/{wallet_id}/balance", self.show_balance),
        ]


def _tagged(request: web.Request, tag: str, payload: dict[str, object]) -> web.Response:
    """The payload under its entity tag; 304 without it for a client that has that state already."""
    known = request.if_none_match or ()
    headers: dict[str, str] = {hdrs.ETAG: f'"{tag}"'}
    if any(etag.value in (tag, "*") for etag in known if isinstance(etag, ETag)):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={**headers, hdrs.CACHE_CONTROL: "no-store"})
    return json_response(payload, headers=headers)


def _refused(refusal: WalletRefusal) -> Problem:
    match refusal:
        case WalletRefusal.NOT_FOUND:
            return Problem("not_found")
        case WalletRefusal.NAME_TAKEN:
            return Problem("wallet_name_taken")
        case WalletRefusal.TOO_MANY:
            return Problem("too_many_wallets")
        case WalletRefusal.CURRENCY_HELD:
            return Problem("conflict", "The wallet holds that currency already.")
        case WalletRefusal.CURRENCY_NOT_ENABLED:
            return Problem("currency_not_enabled")
    assert_never(refusal)
