"""The API service: an application over open connections, in however many processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from entrypoints.container import VERSION, Container, opened
from entrypoints.http.application import create_app
from entrypoints.http.edge import Edge
from entrypoints.http.services import Readiness, Services
from entrypoints.settings import Settings
from entrypoints.tracing import traced
from wallet_core.faults import Unavailable


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[web.Application]:
    """An application that is ready to serve. The system's accounts are open by then, for whatever is enabled.

    Raises NotDurable where the database could lose what it committed, unless the settings allow that.
    """
    if settings.messages.smtp_url is None and settings.messages.mailbox is None:
        structlog.get_logger(__name__).warning("nobody is sent anything: neither SMTP_URL nor MAILBOX is set")
    async with traced(settings.watching.tracing_endpoint, VERSION) as prepare, opened(settings) as container:
        container.figures().say_version(VERSION)
        if settings.require_durable_database:
            await container.database().require_durability()
        await container.postgres_ledger().open_system_accounts(
            gateways=container.gateways(), currencies=settings.currencies, ids=container.ids()
        )
        app = create_app(services_of(container))
        prepare(app)
        yield app


def services_of(container: Container) -> Services:
    """What the HTTP application is built on."""
    settings = container.settings()
    token = settings.watching.metrics_token

    async def readiness() -> Readiness:
        return await _readiness(container)

    return Services(
        people=container.people(),
        passwords=container.passwords(),
        recovery=container.recovery(),
        addresses=container.addresses(),
        log_in=container.log_in(),
        factor_setup=container.factor_setup(),
        proofs=container.proofs(),
        large_amounts=container.large_amounts(),
        sessions=container.sessions(),
        administration=container.administration(),
        directory=container.directory(),
        audit=container.audit_trail(),
        tokens=container.tokens(),
        wallets=container.wallets(),
        movements=container.movements(),
        allowances=container.allowances(),
        statements=container.statements(),
        pages=container.page_cache(),
        currencies=settings.currencies,
        readiness=readiness,
        version=VERSION,
        key_required=settings.require_idempotency_key,
        body_max_bytes=settings.body_max_bytes,
        requests_max=settings.requests_max,
        access_log=settings.access_log,
        edge=Edge(
            trusted_proxies=settings.protection.trusted_proxies,
            https=settings.protection.is_https,
            own_origins=settings.protection.own_origins,
            cors_origins=settings.protection.cors_origins,
        ),
        live=container.live_feed(),
        measures=container.figures().requests,
        figures=container.exposition().text,
        metrics_token=None if token is None else token.reveal(),
        inbox=container.inbox(),
        preferences=container.preferences(),
        parked_deliveries=container.parked_deliveries(),
        mailbox=container.mailbox(),
    )


async def _readiness(container: Container) -> Readiness:
    cache = await _cache_state(container)
    try:
        async with container.database().connection() as connection:
            migrated = not await container.migrations().check(connection)
    except Unavailable:
        return Readiness(database=False, migrations=False, cache=cache)
    return Readiness(database=True, migrations=migrated, cache=cache)


async def _cache_state(container: Container) -> str:
    redis = container.redis()
    if redis is None:
        return "off"
    try:
        await redis.ping()
    except Unavailable:
        return "unreachable"
    return "ok"
