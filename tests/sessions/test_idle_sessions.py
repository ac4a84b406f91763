"""A session that nobody uses for half a minute is over, at whichever process."""

import asyncio
import time

from tests.races.client import Api
from tests.sessions.conftest import IDLE_SECONDS
from tests.sessions.devices import Device, Devices, refreshed

BACKGROUND = {"X-Background": "1"}


async def poll(device: Device, clients: list[Api], until: float) -> set[int]:
    """The statuses that a page in the background gets meanwhile, now from one process and now from the other."""
    statuses, number = set(), 0
    while time.monotonic() < until:
        answer = await device.ask(clients[number % 2], headers=BACKGROUND)
        statuses.add(answer.status)
        number += 1
        await asyncio.sleep(2)
    return statuses


async def test_rows_8_and_9_only_being_used_keeps_a_session_alive(devices: Devices, clients: list[Api]) -> None:
    """Rows 8 and 9: used after 29 s, left alone for 31 s, polled in the background, refreshed in vain."""
    here, there = clients
    began = time.monotonic()
    used, left_alone, polled, refreshing = [await devices.new() for _ in range(4)]
    logged_in = time.monotonic()
    for device in (used, left_alone, polled, refreshing):
        assert await device.is_let_in(there)
    last_used = time.monotonic()

    statuses = await poll(polled, clients, until=began + IDLE_SECONDS - 2)
    renewed = await refreshed(there, refreshing)
    await asyncio.sleep(began + IDLE_SECONDS - 1 - time.monotonic())
    after_29_seconds = await used.ask(here)
    await asyncio.sleep(last_used + IDLE_SECONDS + 1 - time.monotonic())
    still_used = [await used.ask(api) for api in (here, there)]
    over = [await device.ask(api) for device in (left_alone, polled, refreshing) for api in (here, there)]
    polled_on = await polled.ask(here, headers=BACKGROUND)
    not_revived = [
        await refreshed(api, device)
        for api in (here, there)
        for device in (left_alone, Device(refreshing.user_id, "", "", renewed.json["refresh_token"]))
    ]

    assert logged_in - began < IDLE_SECONDS / 2, "the machine is too busy to tell"
    assert statuses == {200}
    assert renewed.status == 200
    assert after_29_seconds.status == 200
    assert [answer.status for answer in still_used] == [200, 200]
    refused = {(answer.status, answer.code) for answer in (*over, polled_on, *not_revived)}
    assert refused == {(401, "session_expired")}
