"""The page of the API: served under a strict policy, from a short list of files."""

import re

import pytest
from yarl import URL

from tests.http.toolkit_app import problem_in, tiny_app


@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(tiny_app())


async def test_the_page_allows_no_script_but_its_own_and_nothing_inline(client):
    response = await client.get("/docs?url=https://evil.example/spec.json")

    page = await response.text()
    policy = response.headers["Content-Security-Policy"]
    assert response.content_type == "text/html"
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "evil" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|<style", page)


async def test_everything_the_page_asks_for_is_there(client):
    page = await (await client.get("/docs")).text()

    for url in re.findall(r'(?:src|href)="([^"]+)"', page):
        response = await client.get(url)
        assert response.status == 200, url
        assert await response.read()


async def test_the_page_shows_our_document_whatever_its_address_says(client):
    script = await (await client.get("/docs/assets/start.js")).text()

    assert "queryConfigEnabled: false" in script
    assert 'url: "/openapi.json"' in script


@pytest.mark.parametrize(
    "name",
    ["LICENSE", "..%2f..%2fproblems.py", "%2e%2e", "docs.html", "swagger-ui.css.map", "%00", "swagger-ui.css%00"],
)
async def test_no_other_file_is_served(client, name):
    response = await client.get(URL(f"/docs/assets/{name}", encoded=True))

    assert (await problem_in(response))["code"] == "not_found"


async def test_an_asset_is_asked_about_again_and_not_sent_twice(client):
    first = await client.get("/docs/assets/swagger-ui.css")
    second = await client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert second.status == 304
