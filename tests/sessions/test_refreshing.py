"""Refresh tokens are spent once, whoever presents them and wherever; who presents one late ends the session."""

import asyncio
import base64

import asyncpg

from tests.races.client import Api
from tests.sessions.devices import Device, Devices, refreshed, seconds_let_in

AT_ONCE = 20


def successor(device: Device, answer) -> Device:
    """The same device with the tokens of that answer."""
    assert answer.status == 200, answer
    return Device(device.user_id, device.email, answer.json["access_token"], answer.json["refresh_token"])


async def test_row_3_no_token_is_taken_for_one_of_another_kind(devices: Devices, here: Api, there: Api) -> None:
    """Row 3."""
    device = await devices.new()

    as_access = await Device(device.user_id, device.email, device.refresh, "").ask(there)
    as_refresh = await refreshed(there, Device(device.user_id, device.email, "", device.access))
    forged = await refreshed(here, Device(device.user_id, device.email, "", "A" * 43))

    assert {(answer.status, answer.code) for answer in (as_access, as_refresh, forged)} == {(401, "unauthorized")}
    assert {answer.headers["WWW-Authenticate"] for answer in (as_access, as_refresh, forged)} == {"Bearer"}
    assert (await refreshed(there, device)).status == 200


async def test_row_6_a_refresh_token_in_two_hands_ends_its_session_everywhere(
    devices: Devices, here: Api, there: Api, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Row 6."""
    first = await devices.new()
    other = await devices.another(first)
    second = successor(first, await refreshed(here, first))
    third = successor(first, await refreshed(there, second))
    assert await third.is_let_in(there)
    await owner.execute("UPDATE refresh_tokens SET spent_at = spent_at - interval '11 seconds'")

    reused = await refreshed(here, first)
    seconds = await seconds_let_in(third, there)
    siblings = [await device.ask(api) for device in (first, second, third) for api in (here, there)]
    newest = await refreshed(there, third)

    because = await owner.fetchval(
        "SELECT ended_because FROM sessions WHERE user_id = $1::uuid AND ended_at IS NOT NULL", first.user_id
    )
    assert (reused.status, reused.code) == (401, "refresh_reused")
    assert seconds < 1
    assert {(answer.status, answer.code) for answer in siblings} == {(401, "session_ended")}
    assert (newest.status, newest.code) == (401, "session_expired")
    assert because == "refresh_reused"
    assert await other.is_let_in(there)


async def test_row_7_all_who_refresh_at_once_get_the_same_successor(devices: Devices, clients: list[Api]) -> None:
    """Row 7."""
    device = await devices.new()

    answers = await asyncio.gather(*[refreshed(clients[n % 2], device) for n in range(AT_ONCE)])
    again = await refreshed(clients[0], device)

    assert {answer.status for answer in (*answers, again)} == {200}
    assert len({answer.json["refresh_token"] for answer in (*answers, again)}) == 1
    assert len({answer.json["access_token"] for answer in answers}) == AT_ONCE
    renewed = successor(device, again)
    assert await renewed.is_let_in(clients[1])
    assert (await refreshed(clients[1], renewed)).status == 200


async def test_row_8_a_session_that_is_over_is_not_revived(
    devices: Devices, here: Api, there: Api, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Row 8, after twelve hours; after thirty seconds unused is a test of its own, which takes them."""
    device = await devices.new()
    assert await device.is_let_in(there)
    await owner.execute("UPDATE sessions SET expires_at = clock_timestamp() WHERE user_id = $1::uuid", device.user_id)

    answers = [await refreshed(api, device) for api in (here, there)]

    assert {(answer.status, answer.code) for answer in answers} == {(401, "session_expired")}


async def test_a_refresh_token_is_kept_by_its_hash_alone(
    devices: Devices, here: Api, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    device = await devices.new()
    renewed = successor(device, await refreshed(here, device))

    kept = await owner.fetchval("SELECT string_agg(t::text, ' ') FROM refresh_tokens t")
    sessions = await owner.fetchval("SELECT string_agg(s::text, ' ') FROM sessions s")

    for token in (device.refresh, renewed.refresh):
        assert token not in kept + sessions
        assert base64.urlsafe_b64decode(f"{token}=").hex() not in kept + sessions
