"""The whole application in process, on a database and a Redis of the test's own, and two people in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from entrypoints.worker.run import working
from tests.http.clients import JWT_SECRET, Api, Person, client_of, sign_up


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str]:
    """What the service is told. Without a Redis, until the test asks for one."""
    return {
        "WALLET_ENV": "development",
        "REQUIRE_DURABLE_DATABASE": "false",
        "DATABASE_URL": database,
        "DATABASE_POOL_SIZE": "5",
        "JWT_SECRET": JWT_SECRET,
        "PASSWORD_PEPPER": "a pepper for tests that is long enough",
        "SEALING_KEYS": f"k1:{'5e' * 32}",
        "BCRYPT_COST": "4",
        "MAILBOX": str(tmp_path / "mailbox"),
    }


@pytest.fixture
def settings(environment: dict[str, str], redis_url: str) -> Settings:
    """The settings of the service on both servers."""
    return Settings.from_environment(environment | {"REDIS_URL": redis_url})


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[web.Application]:
    """The application that is served."""
    async with opened_api(settings) as app:
        yield app


@pytest.fixture
async def worker(settings: Settings, app: web.Application) -> AsyncIterator[None]:
    """A worker beside it, which tells people what happened."""
    async with working(settings, poll_seconds=0.02):
        yield


@pytest.fixture
async def api(app: web.Application, aiohttp_client: Any) -> Api:
    """A client of it."""
    return await client_of(app, aiohttp_client)


@pytest.fixture
async def ada(api: Api) -> Person:
    """Somebody with 500.00 USD."""
    ada = await sign_up(api, "Ada")
    await ada.add_funds("500.00")
    return ada


@pytest.fixture
async def bob(api: Api) -> Person:
    """Somebody with 20.00 USD."""
    bob = await sign_up(api, "Bob")
    await bob.add_funds("20.00")
    return bob


@pytest.fixture
async def admin(api: Api, owner: "asyncpg.Connection[asyncpg.Record]") -> Person:
    """Somebody who administers."""
    admin = await sign_up(api, "Root")
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", admin.id)
    return admin


@pytest.fixture
async def owner(owner_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The owner's connection to the database, for what no client may do."""
    connection = await asyncpg.connect(owner_database, timeout=10)
    yield connection
    await connection.close()
