"""An application to be served by a process of its own: `python -m tests.entrypoints.serving_app FACTORY ENVIRON`."""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from entrypoints.serving import RespawnPolicy, serve
from entrypoints.settings import Settings

ENVIRON = {
    "WALLET_ENV": "development",
    "REQUIRE_DURABLE_DATABASE": "false",
    "DATABASE_URL": "postgresql://localhost/none",
    "JWT_SECRET": "an example of 32 bytes or rather more",
    "PASSWORD_PEPPER": "an example of 32 bytes or rather more",
    "SEALING_KEYS": f"k1:{'5e' * 32}",
}


async def who(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "pid": os.getpid(),
            "keepalive_seconds": request.protocol.keepalive_timeout,
            "objects_spared": gc.get_freeze_count(),
        }
    )


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(float(request.query["seconds"]))
    return web.json_response({"pid": os.getpid()})


@asynccontextmanager
async def application(_settings: Settings) -> AsyncIterator[web.Application]:
    app = web.Application()
    app.add_routes([web.get("/who", who), web.get("/slow", slow)])
    yield app
    print("closed in order", file=sys.stderr, flush=True)


@asynccontextmanager
async def hanging_at_the_end(settings: Settings) -> AsyncIterator[web.Application]:
    async with application(settings) as app:
        yield app
        await asyncio.sleep(600)


class _Lingering:
    """Takes a second to go."""

    def __init__(self) -> None:
        self._sleep = time.sleep

    def __del__(self) -> None:
        self._sleep(1)


@asynccontextmanager
async def lingering(settings: Settings) -> AsyncIterator[web.Application]:
    """Its process has still a second to live when all its work is done."""
    async with application(settings) as app:
        yield app
        sys.modules["the_last_thing_to_go"] = _Lingering()  # type: ignore[assignment] # cleared when the interpreter ends


@asynccontextmanager
async def failing(_settings: Settings) -> AsyncIterator[web.Application]:
    raise RuntimeError("no application today")
    yield


def main() -> int:
    factory = {each.__name__: each for each in (application, hanging_at_the_end, lingering, failing)}[sys.argv[1]]
    settings = Settings.from_environment(ENVIRON | json.loads(sys.argv[2]))
    return serve(factory, settings, respawn=RespawnPolicy(quick_deaths_max=3, delay_seconds_first=0.05))


if __name__ == "__main__":
    sys.exit(main())
