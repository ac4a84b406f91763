"""SIGTERM under load: who was let in is served, and who was not has lost nothing but the way."""

import asyncio
import time
from collections import Counter

from tests.outages.load import Load
from tests.races.books import findings, settled
from tests.races.client import Api
from tests.races.serving import Service

CALLERS = 32
STOP_SECONDS_MAX = 8.0


async def test_every_request_that_was_accepted_is_answered_when_the_service_stops(service: Service, api: Api) -> None:
    people = [await api.person(name, funds="5000.00") for name in ("alice", "bob", "carol", "dave")]
    spread = await service.spread(api, CALLERS)
    load = Load(people, callers=CALLERS)

    load.start()
    await asyncio.sleep(1)
    began = time.perf_counter()
    exit_code = await asyncio.to_thread(service.stop)
    took_seconds = time.perf_counter() - began
    await load.stop()

    kept: dict[str, str] = {}
    for person in people:
        kept |= await settled(service.database, person.id)
    answered = {sent.key: sent.answer.status for sent in load.transfers if sent.answer is not None}
    print(f"stopped in {took_seconds:.2f} s; {len(answered)} answers, {len(load.transfers) - len(answered)} not let in")
    assert len(spread) == 2
    assert exit_code == 0
    assert took_seconds < STOP_SECONDS_MAX
    assert Counter(answered.values()) == {201: len(answered)}
    # A movement without its answer, or an answer without its movement, would show here.
    assert kept == dict.fromkeys(answered, "COMPLETED")
    assert await findings(service.database) == []
