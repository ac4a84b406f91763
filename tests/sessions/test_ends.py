"""What ends a session at one process ends it at the other within a second."""

import asyncio

import asyncpg
import pytest

from tests.races.client import Api
from tests.sessions.devices import PASSWORD, SECONDS_TO_SETTLE, Device, Devices, refreshed, seconds_let_in


async def known_at(device: Device, *clients: Api) -> None:
    """Have every process know the session, so that it could go by what it remembers."""
    for api in clients:
        assert await device.is_let_in(api)


async def test_row_4_what_a_person_loses_they_lose_at_the_other_process_within_a_second(
    devices: Devices, here: Api, there: Api, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Row 4: revoked, deactivated, role lowered."""
    revoked, deactivated, lowered = [await devices.new() for _ in range(3)]
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", lowered.user_id)
    await asyncio.sleep(SECONDS_TO_SETTLE)
    path = f"/admin/users/{revoked.user_id}/sessions"
    for device in (revoked, deactivated, lowered):
        await known_at(device, here, there)
    before = [(await lowered.ask(api, "GET", path)).status for api in (here, there)]

    await revoked.ask(here, "POST", "/auth/logout")
    await owner.execute("UPDATE users SET status = 'deactivated' WHERE id = $1::uuid", deactivated.user_id)
    await owner.execute("UPDATE users SET role = 'user' WHERE id = $1::uuid", lowered.user_id)
    seconds = await asyncio.gather(*[seconds_let_in(each, there) for each in (revoked, deactivated)])
    await asyncio.sleep(1)
    after = [await lowered.ask(api, "GET", path) for api in (here, there)]

    assert max(seconds) < 1
    assert before == [200, 200]
    assert [(answer.status, answer.code) for answer in after] == [(403, "forbidden")] * 2
    assert await lowered.is_let_in(there)
    ended = [await device.ask(api) for device in (revoked, deactivated) for api in (here, there)]
    assert {(answer.status, answer.code) for answer in ended} == {(401, "session_ended")}


async def test_row_4_another_password_ends_the_other_sessions_at_the_other_process_within_a_second(
    devices: Devices, here: Api, there: Api
) -> None:
    """Row 4: password changed."""
    mine = await devices.new()
    stolen = await devices.another(mine)
    for device in (mine, stolen):
        await known_at(device, here, there)

    body = {"current_password": PASSWORD, "new_password": "another passphrase altogether"}
    changed = await mine.ask(here, "PUT", "/auth/password", body=body)
    seconds = await seconds_let_in(stolen, there)

    assert changed.status == 204, changed
    assert seconds < 1
    assert not await stolen.is_let_in(here)
    assert (await refreshed(there, stolen)).code == "session_expired"
    assert await mine.is_let_in(there)


async def test_row_5_a_session_that_was_logged_out_is_over_for_both_its_tokens(
    devices: Devices, here: Api, there: Api
) -> None:
    """Row 5."""
    device = await devices.new()
    await known_at(device, here, there)

    first = await device.ask(here, "POST", "/auth/logout")
    at_once = await device.ask(here)
    refresh = await refreshed(there, device)
    seconds = await seconds_let_in(device, there)
    again = [await device.ask(api, "POST", "/auth/logout") for api in (here, there)]

    assert first.status == 204
    assert (at_once.status, at_once.code) == (401, "session_ended")
    assert (refresh.status, refresh.code) == (401, "session_expired")
    assert seconds < 1
    assert [answer.status for answer in again] == [204, 204]
    assert at_once.headers["WWW-Authenticate"] == refresh.headers["WWW-Authenticate"] == "Bearer"


async def test_logging_out_everywhere_leaves_no_device_of_this_person_logged_in(
    devices: Devices, here: Api, there: Api
) -> None:
    first = await devices.new()
    second = await devices.another(first)
    somebody_else = await devices.new()
    for device in (first, second, somebody_else):
        await known_at(device, here, there)

    out = await first.ask(here, "POST", "/auth/logout-all")
    seconds = await asyncio.gather(*[seconds_let_in(each, there) for each in (first, second)])
    again = await first.ask(there, "POST", "/auth/logout-all")

    assert out.status == 204
    assert max(seconds) < 1
    assert (again.status, again.code) == (401, "session_ended")
    assert await somebody_else.is_let_in(there)


async def test_row_11_people_see_their_devices_and_end_any_of_them(devices: Devices, here: Api, there: Api) -> None:
    """Row 11."""
    phone = await devices.new()
    laptop = await devices.another(phone, name="a laptop")
    stranger = await devices.new()
    for device in (phone, laptop, stranger):
        await known_at(device, here, there)
    laptop_id, stranger_id = await laptop.session_id(here), await stranger.session_id(there)

    listed = await phone.ask(there, "GET", "/auth/sessions")
    own = await phone.ask(here, "DELETE", f"/auth/sessions/{laptop_id}")
    seconds = await seconds_let_in(laptop, there)
    own_again = await phone.ask(there, "DELETE", f"/auth/sessions/{laptop_id}")
    others = await phone.ask(there, "DELETE", f"/auth/sessions/{stranger_id}")
    left = await phone.ask(there, "GET", "/auth/sessions")

    assert {(each["device"], each["current"]) for each in listed.json["data"]} == {
        ("a phone", True),
        ("a laptop", False),
    }
    assert (own.status, own_again.status) == (204, 204)
    assert seconds < 1
    assert (others.status, others.code) == (404, "not_found")
    assert await stranger.is_let_in(there)
    assert [each["current"] for each in left.json["data"]] == [True]


async def test_row_11_an_admin_sees_and_ends_the_sessions_of_others(
    devices: Devices, here: Api, there: Api, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Row 11."""
    admin, user = await devices.new("admin"), await devices.new()
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", admin.user_id)
    await known_at(user, here, there)

    listed = await admin.ask(here, "GET", f"/admin/users/{user.user_id}/sessions")
    (session,) = listed.json["data"]
    ended = await admin.ask(here, "DELETE", f"/auth/sessions/{session['id']}")
    seconds = await seconds_let_in(user, there)
    by_a_user = await (await devices.new()).ask(there, "GET", f"/admin/users/{user.user_id}/sessions")

    assert (listed.status, ended.status) == (200, 204)
    assert session["current"] is False
    assert seconds < 1
    assert (by_a_user.status, by_a_user.code) == (403, "forbidden")


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/logout-all", "/auth/sessions"])
async def test_nobody_without_a_token_ends_or_sees_anything(here: Api, path: str) -> None:
    answer = await here.ask("GET" if path == "/auth/sessions" else "POST", path)

    assert (answer.status, answer.code) == (401, "unauthorized")
