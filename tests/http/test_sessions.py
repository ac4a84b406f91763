"""Sessions over HTTP, in one process: what the answers look like, and what is refused how."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.http.clients import NOBODY, log_in, sign_up, tokens_of


async def test_a_log_in_gives_two_tokens_and_a_refresh_two_more(ada):
    first = await ada.api.call("POST", "/auth/refresh", {"refresh_token": ada.refresh_token})
    second = await ada.api.call("POST", "/v1/auth/refresh", {"refresh_token": first.body["refresh_token"]})

    tokens = [ada.token, first.body["access_token"], second.body["access_token"]]
    refresh_tokens = [ada.refresh_token, first.body["refresh_token"], second.body["refresh_token"]]
    assert (first.status, second.status) == (200, 200)
    assert first.headers["Cache-Control"] == "no-store"
    assert len(set(tokens)) == len(set(refresh_tokens)) == 3
    assert {(await ada.api.call("GET", "/me", token=token)).status for token in tokens} == {200}
    assert len({replace(ada, token=token).session_id for token in tokens}) == 1


@pytest.mark.parametrize("text", ["x", "A" * 43, "\N{SNOWMAN}", "ey.ey.ey", "' OR 1=1 --"])
async def test_what_was_never_handed_out_is_no_refresh_token(api, text):
    answer = await api.call("POST", "/auth/refresh", {"refresh_token": text})

    assert answer.refused == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_devices_are_listed_with_the_one_that_asks_marked(ada):
    body = {"email": ada.email, "password": "correct horse battery"}
    phone = await ada.api.call("POST", "/auth/login", body, headers={"User-Agent": "A phone\N{SNOWMAN}" + "x" * 300})
    assert phone.status == 200
    await sign_up(ada.api, "Somebody else")

    listed = await ada.get("/auth/sessions")

    (own, other) = listed.body["data"]
    assert listed.body["next_cursor"] is None
    assert (own["id"], own["current"], other["current"]) == (ada.session_id, True, False)
    assert own["address"] == other["address"] == "127.0.0.1"
    assert other["device"].startswith("A phone")
    assert len(other["device"]) == 200
    assert datetime.fromisoformat(own["expires_at"]) > datetime.fromisoformat(own["last_seen_at"])


async def test_ones_own_session_is_ended_like_any_other(ada):
    ended = await ada.ask("DELETE", f"/auth/sessions/{ada.session_id}")
    after = await ada.get("/me")

    assert (ended.status, ended.raw) == (204, b"")
    assert after.refused == (401, "session_ended")
    assert after.headers["WWW-Authenticate"] == "Bearer"


async def test_a_session_of_nobody_is_not_found(ada):
    assert (await ada.ask("DELETE", f"/auth/sessions/{NOBODY}")).refused == (404, "not_found")
    assert (await ada.ask("DELETE", "/auth/sessions/me")).refused == (400, "invalid_request")


async def test_logging_out_is_answered_alike_however_often(ada):
    other = replace(ada, token=await log_in(ada.api, ada.email))

    answers = [(await ada.post("/auth/logout")).status for _ in range(3)]

    assert answers == [204] * 3
    assert (await ada.get("/me")).refused == (401, "session_ended")
    assert (await other.get("/me")).status == 200
    assert (await ada.api.call("POST", "/auth/logout", token="x")).refused == (401, "unauthorized")


async def test_logging_out_everywhere_takes_a_session_that_is_live(ada):
    other = replace(ada, token=await log_in(ada.api, ada.email))

    first = await other.post("/auth/logout-all")
    again = await other.post("/auth/logout-all")

    assert first.status == 204
    assert again.refused == (401, "session_ended")
    assert (await ada.get("/me")).refused == (401, "session_ended")


async def test_whoever_was_logged_out_logs_in_again(ada):
    await ada.post("/auth/logout-all")

    tokens = await tokens_of(ada.api, ada.email)

    assert (await ada.api.call("GET", "/me", token=tokens["access_token"])).status == 200


async def test_an_admin_reads_ids_as_strictly_as_everybody(api, owner):
    admin = await sign_up(api, "Root")
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", admin.id)

    malformed = await admin.get("/admin/users/me/sessions")
    of_nobody = await admin.get(f"/admin/users/{NOBODY}/sessions")

    assert malformed.refused == (400, "invalid_request")
    assert (of_nobody.status, of_nobody.body["data"]) == (200, [])
