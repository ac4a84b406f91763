"""The API service: an application over open connections, in however many processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from entrypoints.container import opened, services_of
from entrypoints.http.application import create_app
from entrypoints.settings import Settings


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[web.Application]:
    """An application that is ready to serve. The system's accounts are open by then, for whatever is enabled.

    Raises NotDurable where the database could lose what it committed, unless the settings allow that.
    """
    async with opened(settings) as container:
        if settings.require_durable_database:
            await container.database().require_durability()
        await container.postgres_ledger().open_system_accounts(
            gateways=container.gateways(), currencies=settings.currencies, ids=container.ids()
        )
        yield create_app(services_of(container))
