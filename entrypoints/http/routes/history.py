"""Looking back: transactions, filtered and paged."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from aiohttp import hdrs, web

from entrypoints.http.amounts import bounds_by_currency, enabled_currency
from entrypoints.http.authentication import caller
from entrypoints.http.cursors import digest_of, statement_cursor, statement_position
from entrypoints.http.openapi import AMOUNT_PROBLEMS, operation, path, path_of, query, query_of
from entrypoints.http.problems import JSON, FieldError, Problem, json_response
from entrypoints.http.schemas.answers import TransactionListSchema, TransactionSchema
from entrypoints.http.schemas.requests import (
    AllHistoryQuerySchema,
    HistoryQuerySchema,
    TransactionPathSchema,
    WalletPathSchema,
)
from entrypoints.http.services import Services
from entrypoints.http.views import KIND_BY_TYPE, line_view
from wallet_core.clock import start_of
from wallet_core.ids import UserId
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.ledger.statements import Direction, Position, StatementQuery
from wallet_core.money import Currencies
from wallet_core.wallets.entities import Wallet

_TAGS = ("history",)
PAGE_PROBLEMS = ("invalid_cursor", "currency_not_enabled", *AMOUNT_PROBLEMS)
PAGE: Final = (
    "A page, newest first. Where few transactions pass the filter it may be short, or empty, and go on: "
    "the last page is the one whose next_cursor is null"
)
_PLACE: Final = ("cursor", "limit")
_INSTANT: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class HistoryRoutes:
    """`/wallets/{wallet_id}/transactions` and `/transactions`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        tags=_TAGS,
        summary="What happened in one wallet",
        responses={200: (TransactionListSchema, PAGE)},
        problems=PAGE_PROBLEMS,
    )
    @path(WalletPathSchema)
    @query(HistoryQuerySchema)
    async def list_of_wallet(self, request: web.Request) -> web.Response:
        user_id = caller(request).user_id
        wallet = await self._services.wallets.find(user_id, path_of(request)["wallet_id"])
        if wallet is None:
            raise Problem("not_found")
        return await page_of_history(self._services, user_id, [wallet], query_of(request), of=wallet.id)

    @operation(
        tags=_TAGS,
        summary="What happened in all my wallets",
        responses={200: (TransactionListSchema, PAGE)},
        problems=[*PAGE_PROBLEMS, "not_found"],
    )
    @query(AllHistoryQuerySchema)
    async def list_of_all(self, request: web.Request) -> web.Response:
        user_id, asked = caller(request).user_id, query_of(request)
        wallets = await self._services.wallets.of(user_id)
        if "wallet_id" in asked:
            wallets = [wallet for wallet in wallets if wallet.id == asked["wallet_id"]]
            if not wallets:
                raise Problem("not_found")
        return await page_of_history(self._services, user_id, wallets, asked, of=user_id)

    @operation(
        tags=_TAGS,
        summary="One of my transactions",
        responses={200: (TransactionSchema, "The transaction")},
    )
    @path(TransactionPathSchema)
    async def show_one(self, request: web.Request) -> web.Response:
        line = await self._services.statements.line(path_of(request)["transaction_id"], caller(request).user_id)
        if line is None:
            raise Problem("not_found")
        return json_response(line_view(line, self._services.currencies))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/wallets/{wallet_id}/transactions", self.list_of_wallet),
            web.get("/transactions", self.list_of_all),
            web.get("/transactions/{transaction_id}", self.show_one),
        ]


async def page_of_history(
    services: Services, user_id: UserId, wallets: Sequence[Wallet], asked: Mapping[str, Any], *, of: UUID
) -> web.Response:
    """A page of the history of a wallet, or of all of a person's (`of`).

    Kept under the state of the accounts it tells of, so that whatever moves makes it unreachable. A cursor outlives
    that state: it belongs to the list and its filters, and to neither the page's length nor the wallets there are.
    """
    filters = digest_of({"of": of} | {name: value for name, value in asked.items() if name not in _PLACE})
    time_zone = await _time_zone(services, user_id, asked)
    cursor = asked.get("cursor")
    states = ",".join(f"{wallet.id}.{sum(account.revision for account in wallet.accounts)}" for wallet in wallets)
    key = f"{user_id}:{filters}:{time_zone}:{asked['limit']}:{cursor or ''}:{states}"
    after = None if cursor is None else statement_position(cursor, filters)
    wanted = _query(services.currencies, wallets, asked, after, time_zone)
    rendered = await services.pages.get(key)
    if rendered is None:
        rendered = await _rendered(services, wanted, filters)
        await services.pages.put(key, rendered)
    return web.Response(body=rendered, headers={hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store"})


async def _rendered(services: Services, wanted: StatementQuery, filters: str) -> bytes:
    """The page as JSON."""
    page = await services.statements.page(wanted)
    return orjson.dumps(
        {
            "data": [line_view(line, services.currencies) for line in page.lines],
            "next_cursor": None if page.next is None else statement_cursor(page.next, filters),
        }
    )


async def _time_zone(services: Services, user_id: UserId, asked: Mapping[str, Any]) -> str:
    """Where the person's days begin; looked up only where a day is asked about."""
    if not any(_is_day(asked.get(bound)) for bound in ("from_", "to")):
        return "UTC"
    user = await services.people.find(user_id)
    return "UTC" if user is None else user.time_zone


def _query(
    currencies: Currencies,
    wallets: Sequence[Wallet],
    asked: Mapping[str, Any],
    after: Position | None,
    time_zone: str,
) -> StatementQuery:
    if "currency" in asked:
        enabled_currency(currencies, asked["currency"])
    created_from, created_before = _period(asked.get("from_"), asked.get("to"), time_zone)
    if created_from is not None and created_before is not None and created_from >= created_before:
        raise Problem("invalid_request", errors=[FieldError("query.to", "Must not be before `from`.")])
    lowest, highest = asked.get("min_amount"), asked.get("max_amount")
    if lowest is not None and highest is not None and Decimal(lowest) > Decimal(highest):
        raise Problem("invalid_request", errors=[FieldError("query.max_amount", "Must not be below `min_amount`.")])
    return StatementQuery(
        wallet_ids=tuple(wallet.id for wallet in wallets),
        created_from=created_from,
        created_before=created_before,
        kinds=frozenset(KIND_BY_TYPE[written] for written in asked.get("type", ())),
        statuses=frozenset(TransactionStatus(written) for written in asked.get("status", ())),
        direction=Direction(asked["direction"]) if "direction" in asked else None,
        currency=asked.get("currency"),
        amounts=bounds_by_currency(currencies, lowest, highest),
        after=after,
        limit=asked["limit"],
    )


def _period(
    first: date | datetime | None, last: date | datetime | None, time_zone: str
) -> tuple[datetime | None, datetime | None]:
    """From `first` to `last`, both included, as a start and an end that is not included."""
    created_from = _moment(first, time_zone)
    if last is None:
        return created_from, None
    if isinstance(last, datetime):
        return created_from, last + _INSTANT
    return created_from, start_of(last + _DAY, time_zone)


def _moment(bound: date | datetime | None, time_zone: str) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return start_of(bound, time_zone)


def _is_day(bound: date | datetime | None) -> bool:
    return isinstance(bound, date) and not isinstance(bound, datetime)
