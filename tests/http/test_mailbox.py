"""The mailbox of whoever develops: a page and a list, of which nothing is there in production."""

import base64
import hashlib
import re

import pytest

from entrypoints.api import api as opened_api
from entrypoints.environment import SettingsError
from entrypoints.settings import Settings
from tests.http.clients import client_of, sent_to, sign_up


async def page_of(api):
    async with api.client.get("/dev/mailbox") as response:
        return response.status, await response.text(), response.headers


async def test_the_page_shows_what_was_sent_newest_first_with_links_that_can_be_followed(api, ada):
    await api.call("POST", "/auth/password/forgot", {"email": ada.email})
    await sent_to(api, ada.email, holding=re.compile("#token="))

    status, page, headers = await page_of(api)

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.index("Set a new password") < page.index("Your code is")
    assert re.search(r'<a href="http://127\.0\.0\.1:8000/reset-password#token=[\w-]{43}" rel="noreferrer">', page)


async def test_the_page_runs_nothing_and_asks_for_nothing(api, ada):
    _, page, headers = await page_of(api)

    policy = headers["Content-Security-Policy"]
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert "<script" not in page
    assert "src=" not in page


@pytest.mark.usefixtures("worker")
async def test_what_people_write_is_text_on_the_page(api):
    agent = '<script>alert("1")</script><img src=x onerror=alert(2)>'
    ada = await sign_up(api, "Ada")
    api.client.session.cookie_jar.clear()

    await api.call(
        "POST",
        "/auth/login",
        {"email": ada.email, "password": "correct horse battery"},
        headers={"User-Agent": agent},
    )
    await sent_to(api, ada.email, holding=re.compile("<script>"))
    _, page, _ = await page_of(api)

    assert "&lt;script&gt;alert(&quot;1&quot;)" in page
    assert "<script>" not in page
    assert "<img" not in page


async def test_the_list_is_of_one_address_where_one_is_named(api, ada, bob):
    async def listed(**query):
        async with api.client.get("/dev/mailbox/messages", params=query) as response:
            return (await response.json())["data"]

    everything, adas = await listed(), await listed(to=ada.email)

    assert {message["to"] for message in everything} == {ada.email, bob.email}
    assert {message["to"] for message in adas} == {ada.email}
    assert set(adas[0]) == {"id", "channel", "to", "subject", "body", "received_at"}
    assert await listed(to="nobody@example.com") == []


@pytest.mark.parametrize("path", ["/dev/mailbox", "/dev/mailbox/messages", "/v1/dev/mailbox"])
async def test_without_a_folder_there_is_no_mailbox(environment, aiohttp_client, path):
    environment = {name: value for name, value in environment.items() if name != "MAILBOX"}
    async with opened_api(Settings.from_environment(environment)) as app:
        api = await client_of(app, aiohttp_client)

        answer = await api.call("GET", path)

    assert answer.refused == (404, "not_found")


def test_production_takes_no_folder(environment):
    with pytest.raises(SettingsError, match="MAILBOX: Must not be set in production"):
        Settings.from_environment(environment | {"WALLET_ENV": "production", "BCRYPT_COST": "12"})
