"""Other sites' pages: none calls the API that the operator did not name, and none uses what a browser keeps for it."""

import ast

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.architecture.trees import modules
from tests.http.clients import PASSWORD, client_of, sign_up
from tests.http.operations import operations_of

FRIEND = "https://app.example"
FOREIGN = [
    "https://evil.example",
    "null",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "https://app.example/",
    "*",
    "",
]
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
async def friendly(environment, redis_url, aiohttp_client):
    """A service that one other site's pages may call."""
    settings = Settings.from_environment(
        environment | {"REDIS_URL": redis_url, "CORS_ORIGINS": FRIEND, "PUBLIC_URL": "https://wallet.example/"}
    )
    async with opened_api(settings) as app:
        yield await client_of(app, aiohttp_client)


def allowances(headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith("access-control-")}


async def preflight(api, origin: str, path: str = "/auth/login"):
    async with api.client.options(path, headers={"Origin": origin, **PREFLIGHT}) as answer:
        return answer.status, answer.headers


@pytest.mark.parametrize("origin", [FRIEND, *FOREIGN])
async def test_row_64_nobody_elses_pages_are_allowed_anything_unless_the_operator_named_them(api, ada, origin):
    status, headers = await preflight(api, origin)
    answer = await ada.get("/me", headers={"Origin": origin})

    assert status == 405
    assert allowances(headers) == allowances(answer.headers) == {}


@pytest.mark.parametrize("origin", FOREIGN)
async def test_row_64_beside_one_that_is_named_all_others_are_strangers(friendly, origin):
    ada = await sign_up(friendly, "Ada")

    status, headers = await preflight(friendly, origin)
    answer = await ada.get("/me", headers={"Origin": origin})

    assert status == 405
    assert allowances(headers) == allowances(answer.headers) == {}
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/auth/login", "/v1/wallets", "/nowhere"])
async def test_row_64_one_that_is_named_is_told_what_it_may_and_never_for_long(friendly, path):
    status, headers = await preflight(friendly, FRIEND, path)

    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == FRIEND
    assert int(headers["Access-Control-Max-Age"]) <= 600
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in headers["Vary"]


async def test_row_64_its_pages_read_answers_and_refusals_alike_but_never_with_cookies(friendly):
    ada = await sign_up(friendly, "Ada")

    answers = [
        await ada.get("/me", headers={"Origin": FRIEND}),
        await friendly.call("GET", "/me", headers={"Origin": FRIEND}),
        await friendly.call("GET", "/nowhere", headers={"Origin": FRIEND}),
        await friendly.call(
            "POST", "/auth/login", {"email": ada.email, "password": PASSWORD}, headers={"Origin": FRIEND}
        ),
    ]

    assert [answer.status for answer in answers] == [200, 401, 404, 200]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_row_64_what_is_no_preflight_is_an_unknown_method(friendly):
    async with friendly.client.options("/auth/login", headers={"Origin": FRIEND}) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    "headers",
    [
        *({"Origin": origin} for origin in (FRIEND, *FOREIGN)),
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/auth/login", "/v1/login"])
async def test_row_65_what_uses_the_cookie_is_refused_to_other_sites_pages(api, ada, path, headers):
    body = {"email": ada.email, "password": PASSWORD}

    answer = await api.call("POST", path, body, headers=headers)

    assert answer.refused == (403, "foreign_origin")
    assert "Set-Cookie" not in answer.headers


async def test_row_65_so_is_whatever_counts_attempts_of_people_it_does_not_know(api, app):
    refused = {}
    for operation in operations_of(app, api.contract):
        answer = await api.call(operation.method, operation.path, operation.good_body(), headers={"Origin": FRIEND})
        if answer.status == 403:
            refused[operation.path] = answer.refused[1]

    assert {"/auth/login", "/login"} <= set(refused)
    assert set(refused.values()) == {"foreign_origin"}
    assert all(path in ("/login", "/register") or path.startswith("/auth/") for path in refused)


async def test_row_65_its_own_pages_and_whatever_is_no_browser_may(api, ada):
    body = {"email": ada.email, "password": PASSWORD}
    own = f"http://{api.client.host}:{api.client.port}"

    answers = [
        await api.call("POST", "/auth/login", body, headers=headers)
        for headers in (
            {},
            {"Origin": own},
            {"Origin": own, "Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "same-origin"},
        )
    ]

    assert [answer.status for answer in answers] == [200] * 5


async def test_row_65_behind_tls_a_page_that_came_without_it_is_another_sites(friendly):
    ada = await sign_up(friendly, "Ada")
    body = {"email": ada.email, "password": PASSWORD}
    host = f"{friendly.client.host}:{friendly.client.port}"

    told = {
        origin: (await friendly.call("POST", "/auth/login", body, headers={"Origin": origin})).status
        for origin in (f"http://{host}", f"https://{host}", "https://wallet.example", "http://wallet.example")
    }

    assert told == {
        f"http://{host}": 403,
        f"https://{host}": 200,
        "https://wallet.example": 200,
        "http://wallet.example": 403,
    }


async def test_row_65_a_cookie_alone_is_nobody(api, ada):
    api.client.session.cookie_jar.clear()
    login = await api.call("POST", "/auth/login", {"email": ada.email, "password": PASSWORD})
    cookie = login.headers["Set-Cookie"].partition(";")[0]

    for named in (cookie, f"access_token={ada.token}; Authorization=Bearer {ada.token}; {cookie}"):
        assert (await api.call("GET", "/me", headers={"Cookie": named})).refused == (401, "unauthorized")


async def test_row_65_whoever_forges_a_request_has_no_token_to_send_with_it(ada):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    with_token = await ada.post("/wallets", {"name": "Mine"}, headers=foreign)
    without = await ada.api.call("POST", "/wallets", {"name": "Forged"}, headers=foreign)

    assert with_token.status == 201
    assert without.refused == (401, "unauthorized")


def test_row_65_no_other_module_reads_a_cookie():
    readers = {
        module.name
        for module in modules("entrypoints", "adapters")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "cookies"
    }

    assert readers == {"entrypoints.http.cross_origin"}
