"""Events in PostgreSQL: written with what they tell of, and relayed later."""

import json
from collections.abc import Sequence
from functools import cache

from adapters.postgres.queries import Connection, Query, load_queries
from wallet_core.events.kinds import StateChange


async def append_events(connection: Connection, changes: Sequence[StateChange]) -> None:
    """Keep what changed, in the transaction that the connection is in."""
    if changes:
        await _append().execute(
            connection,
            kinds=[change.kind for change in changes],
            user_ids=[change.user_id for change in changes],
            subject_ids=[change.subject_id for change in changes],
            facts=[json.dumps(dict(change.facts)) for change in changes],
        )


@cache
def _append() -> Query:
    return load_queries("events")["append_events"]
