"""The aiohttp application: every route, each also under `/v1`, behind the same shell."""

from typing import Final

from aiohttp import web

from entrypoints.http import cross_origin, middlewares, openapi
from entrypoints.http.authentication import bearer_required
from entrypoints.http.edge import EDGE
from entrypoints.http.measuring import measured
from entrypoints.http.openapi_document import Info
from entrypoints.http.parsing import BodyLimits
from entrypoints.http.routes.addresses import AddressRoutes
from entrypoints.http.routes.administration import AdministrationRoutes
from entrypoints.http.routes.audit import AuditRoutes
from entrypoints.http.routes.directory import DirectoryRoutes
from entrypoints.http.routes.documentation import docs_routes
from entrypoints.http.routes.history import HistoryRoutes
from entrypoints.http.routes.limits import LimitRoutes
from entrypoints.http.routes.live import LiveRoutes
from entrypoints.http.routes.mailbox import mailbox_routes
from entrypoints.http.routes.metrics import MetricsRoutes
from entrypoints.http.routes.movements import MovementRoutes
from entrypoints.http.routes.notifications import NotificationRoutes
from entrypoints.http.routes.operations import OperationsRoutes
from entrypoints.http.routes.passwords import PasswordRoutes
from entrypoints.http.routes.people import PeopleRoutes
from entrypoints.http.routes.reset_page import reset_page_routes
from entrypoints.http.routes.second_factor import SecondFactorRoutes
from entrypoints.http.routes.sessions import SessionRoutes
from entrypoints.http.routes.wallets import WalletRoutes
from entrypoints.http.services import Services

_ASKED_MOST: Final = (
    "/wallets/{wallet_id}/transfer",
    "/wallets/{wallet_id}/balance",
    "/wallets/{wallet_id}/transactions",
)
"""Paths that stand before all others: the router tries those that begin alike one after the other."""

_DESCRIPTION = (
    "Wallets in several currencies: add funds, send, withdraw, look back. "
    "Every operation is also served under `/v1`. Amounts are strings with exactly their currency's digits."
)


def create_app(services: Services) -> web.Application:
    """An application over those services. It owns none of them: whoever opened them closes them."""
    app = web.Application(client_max_size=services.body_max_bytes)
    routes = [
        *PeopleRoutes(services).routes(),
        *SessionRoutes(services).routes(),
        *DirectoryRoutes(services).routes(),
        *AdministrationRoutes(services).routes(),
        *AuditRoutes(services).routes(),
        *PasswordRoutes(services).routes(),
        *AddressRoutes(services).routes(),
        *SecondFactorRoutes(services).routes(),
        *WalletRoutes(services).routes(),
        *MovementRoutes(services).routes(),
        *HistoryRoutes(services).routes(),
        *LimitRoutes(services).routes(),
        *LiveRoutes(services).routes(),
        *NotificationRoutes(services).routes(),
        *OperationsRoutes(services).routes(),
        *MetricsRoutes(services).routes(),
        *docs_routes(),
        *reset_page_routes(),
        *([] if services.mailbox is None else mailbox_routes(services.mailbox)),
    ]
    routes.sort(key=_rank)
    app.router.add_routes(routes)
    app.router.add_routes([web.RouteDef(route.method, f"/v1{route.path}", route.handler, {}) for route in routes])
    edge = app[EDGE] = services.edge
    cross_origin.setup(app, edge)
    app.middlewares.append(bearer_required(app, services.tokens, services.sessions))
    info = Info(title="Wallet", version=services.version, description=_DESCRIPTION)
    openapi.setup(app, info, BodyLimits(bytes_max=services.body_max_bytes))
    middlewares.setup(app, access_log=services.access_log, requests_max=services.requests_max, https=edge.https)
    app.middlewares.insert(0, measured(services.measures))

    async def end_streams(_: web.Application) -> None:
        await services.live.close()

    app.on_shutdown.append(end_streams)
    return app


def _rank(route: web.RouteDef) -> int:
    return _ASKED_MOST.index(route.path) if route.path in _ASKED_MOST else len(_ASKED_MOST)
