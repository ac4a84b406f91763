"""Getting back in by a link: what is sent, what is kept of it, and what it opens."""

import asyncio
import hashlib
import re

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import PASSWORD, an_address, client_of, log_in, sent_to, sign_up, token_sent_to

NEXT = "plum lantern harbour"
INVALID = (400, "invalid_reset_token")
LINK = re.compile(r"https?://\S+#token=\S+")


@pytest.fixture
def environment(environment):
    """The service knows where it is reached."""
    return environment | {"PUBLIC_URL": "https://wallet.example/app"}


async def forgotten(api, **address):
    return await api.call("POST", "/auth/password/forgot", address)


async def reset(api, token, password=NEXT):
    return await api.call("POST", "/auth/password/reset", {"token": token, "new_password": password})


async def knows(api, email, password):
    return (await api.call("POST", "/auth/login", {"email": email, "password": password})).status == 200


async def test_row_15_an_address_of_nobody_is_answered_like_one_of_somebody(api, ada):
    known, unknown = await forgotten(api, email=ada.email), await forgotten(api, email=an_address())
    no_phone = await forgotten(api, phone="+14155550199")

    told = [
        {k: v for k, v in each.headers.items() if k.lower() not in ("x-request-id", "date")}
        for each in (known, unknown)
    ]
    assert known.status == unknown.status == no_phone.status == 202
    assert known.raw == unknown.raw == no_phone.raw == b'{"status":"accepted"}'
    assert told[0] == told[1]
    assert len(await sent_to(api, ada.email, holding=LINK)) == 1


async def test_row_15_whose_address_others_sign_up_with_is_told_by_mail(api, ada):
    answer = await api.call("POST", "/auth/signup", {"name": "Eve", "email": ada.email.upper(), "password": PASSWORD})

    assert answer.refused == (409, "email_taken")
    assert len(await sent_to(api, ada.email, holding=re.compile("tried to use this address"))) == 1


async def test_row_29_a_token_works_once_and_only_the_newest(api, ada):
    await forgotten(api, email=ada.email)
    older = await token_sent_to(api, ada.email)
    await forgotten(api, email=ada.email)
    newer = await token_sent_to(api, ada.email, number=2)

    outdated, first, again = await reset(api, older), await reset(api, newer), await reset(api, newer, PASSWORD)

    assert older != newer
    assert (outdated.refused, again.refused) == (INVALID, INVALID)
    assert (first.status, first.raw) == (204, b"")
    assert (await knows(api, ada.email, NEXT), await knows(api, ada.email, PASSWORD)) == (True, False)


async def test_row_29_of_two_uses_at_once_one_counts(api, ada):
    await forgotten(api, email=ada.email)
    token = await token_sent_to(api, ada.email)
    wanted = [f"plum lantern harbour {number}" for number in range(4)]

    answers = await asyncio.gather(*(reset(api, token, password) for password in wanted))

    assert sorted(answer.status for answer in answers) == [204, 400, 400, 400]
    assert {answer.refused for answer in answers if answer.status == 400} == {INVALID}
    assert await knows(api, ada.email, wanted[[answer.status for answer in answers].index(204)])


async def test_row_29_a_token_is_over_after_half_an_hour(api, ada, owner):
    await forgotten(api, email=ada.email)
    token = await token_sent_to(api, ada.email)
    lasts = await owner.fetchval(
        "SELECT extract(epoch FROM expires_at - created_at) FROM challenges WHERE used_at IS NULL"
    )
    await owner.execute("UPDATE challenges SET expires_at = expires_at - interval '31 minutes'")

    late = await reset(api, token)

    assert lasts == 30 * 60
    assert late.refused == INVALID
    assert await knows(api, ada.email, PASSWORD)


async def test_row_29_a_token_of_one_person_opens_nothing_of_another(api, ada, bob):
    await forgotten(api, email=ada.email)
    token = await token_sent_to(api, ada.email)

    named = await api.call("POST", "/auth/password/reset", {"token": token, "new_password": NEXT, "email": bob.email})
    made_up = await reset(api, token[:-1] + ("A" if token[-1] != "A" else "B"))
    other_kind = await reset(api, bob.refresh_token)

    assert named.refused == (400, "unknown_field")
    assert made_up.refused == other_kind.refused == INVALID
    assert await knows(api, bob.email, PASSWORD)


async def test_row_30_only_a_hash_is_kept_of_256_bits_that_no_server_and_no_referer_is_told(api, ada, owner):
    await forgotten(api, email=ada.email)
    token = await token_sent_to(api, ada.email)
    [text] = await sent_to(api, ada.email, holding=LINK)

    kept = await owner.fetchrow("SELECT * FROM challenges WHERE purpose = 'password_reset'")
    asked = await forgotten(api, email=ada.email)

    assert len(token) * 6 >= 256
    assert kept["secret_hash"] == hashlib.sha256(token.encode()).digest()
    assert all(token not in str(value) for value in kept.values())
    # What follows the # stays in the browser, and answers say that nothing of the rest is to be told either.
    assert LINK.findall(text)[0].partition("#") == ("https://wallet.example/app/reset-password", "#", f"token={token}")
    assert asked.headers["Referrer-Policy"] == "no-referrer"
    assert (await api.call("POST", "/auth/password/reset", query={"token": token})).status == 400


async def test_row_31_a_forged_host_leads_nobody_elsewhere(api, ada):
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}

    answer = await api.call("POST", "/auth/password/forgot", {"email": ada.email}, headers=forged)
    [text] = await sent_to(api, ada.email, holding=LINK)

    assert answer.status == 202
    assert "evil" not in text
    assert LINK.findall(text)[0].startswith("https://wallet.example/app/reset-password#")


@pytest.mark.usefixtures("worker")
async def test_row_32_a_reset_ends_every_session_logs_nobody_in_and_is_told_by_mail(api, ada):
    elsewhere = await log_in(api, ada.email)
    await forgotten(api, email=ada.email)

    answer = await reset(api, await token_sent_to(api, ada.email))

    assert (answer.status, answer.raw, answer.headers.get("Set-Cookie")) == (204, b"", None)
    for token in (ada.token, elsewhere):
        assert (await api.call("GET", "/me", token=token)).refused == (401, "session_ended")
    assert (await api.call("POST", "/auth/refresh", {"refresh_token": ada.refresh_token})).status == 401
    assert len(await sent_to(api, ada.email, holding=re.compile("password was changed"))) == 1


async def test_row_32_requests_alone_lock_nobody_out_and_send_three_mails_an_hour(api, ada):
    answers = [await forgotten(api, email=ada.email) for _ in range(9)]
    mails = await sent_to(api, ada.email, holding=LINK, number=3)
    await asyncio.sleep(0.3)

    assert {answer.status for answer in answers} == {202}
    assert len(mails) == len(await sent_to(api, ada.email, holding=LINK)) == 3
    assert (await ada.get("/me")).status == 200
    assert await knows(api, ada.email, PASSWORD)


async def test_a_weak_password_leaves_the_token_good(api, ada):
    await forgotten(api, email=ada.email)
    token = await token_sent_to(api, ada.email)

    weak = await reset(api, token, "password123")
    strong = await reset(api, token)

    assert weak.refused == (400, "weak_password")
    assert weak.faulty_fields == ["body.new_password"]
    assert strong.status == 204


async def test_a_link_may_come_by_text_message(api):
    person = {"name": "Carol", "phone": "+14155550123", "password": PASSWORD}
    await api.call("POST", "/auth/signup", person)
    await forgotten(api, phone="+1 (415) 555-0123")

    answer = await reset(api, await token_sent_to(api, "+14155550123"))
    again = await api.call("POST", "/auth/login", {"phone": "+14155550123", "password": NEXT})

    assert (answer.status, again.status) == (204, 200)
    me = await api.call("GET", "/me", token=again.body["access_token"])
    # Whoever has the token reads what is sent to that number.
    assert me.body["phone_verified"] is True


async def test_without_a_configured_address_links_lead_to_where_the_service_listens(environment, aiohttp_client):
    environment = {name: value for name, value in environment.items() if name != "PUBLIC_URL"}
    async with opened_api(Settings.from_environment(environment)) as app:
        api = await client_of(app, aiohttp_client)
        ada = await sign_up(api, "Ada")
        await forgotten(api, email=ada.email)

        [text] = await sent_to(api, ada.email, holding=LINK)

    assert LINK.findall(text)[0].startswith("http://127.0.0.1:8000/reset-password#token=")


async def test_the_link_leads_to_a_page_that_runs_its_own_script_and_tells_nobody_of_the_token(api):
    async def fetched(path):
        async with api.client.get(path) as response:
            return response.status, await response.text(), response.headers

    status, page, headers = await fetched("/reset-password")
    files = re.findall(r'(?:src|href)="(reset-password/[^"]+)"', page)

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'; " in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert sorted(files) == ["reset-password/page.css", "reset-password/reset-password.js"]
    assert [(await fetched(f"/{file}"))[0] for file in files] == [200, 200]
    assert (await fetched("/reset-password/docs.html"))[0] == 404
    assert re.search(r"<script(?! src=)|\son\w+=|style=", page) is None
