"""Traces, for who asked for them and installed what makes them. Nobody else pays for them, or even imports them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Final

from aiohttp import web

from wallet_core.faults import Fault

FLUSH_SECONDS_MAX: Final = 2.0
"""How long what was traced last may take to be sent when the service stops."""

PrepareApplication = Callable[[web.Application], None]


class NotInstalled(Fault):
    """Traces are asked for, and what makes them is not there."""


@asynccontextmanager
async def traced(endpoint: str | None, version: str) -> AsyncIterator[PrepareApplication]:
    """Trace while the block runs, and send it to that endpoint if there is one.

    Applications have to be made within the block, and handed to what it gives. Raises NotInstalled.
    """
    if endpoint is None:
        yield lambda _: None
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.instrumentation") is None:
        raise NotInstalled("OTEL_EXPORTER_OTLP_ENDPOINT is set, and the extra `otel` is not installed.")
    from entrypoints.tracing.spans import begin, put_outermost

    end = begin(endpoint, version, flush_seconds_max=FLUSH_SECONDS_MAX)
    try:
        yield put_outermost
    finally:
        await asyncio.to_thread(end)
