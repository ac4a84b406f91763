"""The chores of the service: sealing the audit, verifying the books, clearing away what nobody asks for any more."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from entrypoints.administration import verify_books
from entrypoints.container import Container
from entrypoints.worker.schedule import Chore

SEALED_EVERY: Final = timedelta(seconds=10)
VERIFIED_EVERY: Final = timedelta(minutes=1)
CLEARED_EVERY: Final = timedelta(minutes=10)
DELIVERED_KEPT: Final = timedelta(days=30)
NOTIFICATIONS_KEPT: Final = timedelta(days=365)
FINDINGS_TOLD_MAX: Final = 20
"""The first of them say what is broken; the verification by hand names all."""
CLEARED_MAX: Final = 10_000
"""Rows of a table that are cleared away at a time: few enough to take no time that anybody notices."""
ROUNDS_MAX: Final = 100
"""So often in a row: a million in ten minutes is more than ever comes."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def chores_of(container: Container) -> Sequence[Chore]:
    """All of them."""

    async def seal() -> None:
        await container.audit_sealing().seal()

    async def verify() -> None:
        await _verify(container.settings().database_url.reveal())

    async def clear() -> None:
        await _clear(container)

    return (
        Chore(name="seal the audit", every=SEALED_EVERY, work=seal),
        Chore(name="verify what is new", every=VERIFIED_EVERY, work=verify),
        Chore(name="clear away what is old", every=CLEARED_EVERY, work=clear),
    )


async def _verify(database: str) -> None:
    findings = await verify_books(database, incremental=True, watch=lambda *_: None)
    for finding in findings[:FINDINGS_TOLD_MAX]:
        _log.error("the books are broken", finding=finding)
    if len(findings) > FINDINGS_TOLD_MAX:
        _log.error("the books are broken in more places than are told here", findings=len(findings))


async def _clear(container: Container) -> None:
    now = container.clock()()
    await _all_of(partial(container.delivery_queue().drop_delivered, now - DELIVERED_KEPT))
    await _all_of(partial(container.inbox().drop_old, now - NOTIFICATIONS_KEPT))
    await container.failure_counters().drop_stale()
    await container.message_counters().drop_stale()


async def _all_of(drop: Callable[..., Awaitable[int]]) -> None:
    """Drop some again and again until there is no more, as far as one turn goes."""
    for _ in range(ROUNDS_MAX):
        if await drop(rows_max=CLEARED_MAX) < CLEARED_MAX:
            return
