"""For those who run the service, and for whoever reads about it; and what the framework itself refuses."""

import json

from openapi_spec_validator import validate

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import PASSWORD, client_of


async def test_a_process_says_that_it_lives_and_which_version_it_is(api):
    health = await api.call("GET", "/healthz")
    version = await api.call("GET", "/version")

    assert health.body == {"status": "ok"}
    assert version.body["version"].count(".") == 2


async def test_a_service_on_its_servers_is_ready(api):
    answer = await api.call("GET", "/readyz")

    assert answer.status == 200
    assert answer.body == {"ready": True, "database": "ok", "migrations": "ok", "cache": "ok"}


async def test_a_service_on_an_older_schema_is_not_ready_and_says_when_to_ask_again(api, owner):
    await owner.execute("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")

    answer = await api.call("GET", "/readyz")

    assert answer.status == 503
    assert answer.body == {"ready": False, "database": "ok", "migrations": "pending", "cache": "ok"}


async def test_a_service_on_a_database_without_any_schema_is_not_ready(api, owner):
    await owner.execute("DROP TABLE schema_migrations")

    answer = await api.call("GET", "/readyz")

    assert (answer.status, answer.body["migrations"]) == (503, "pending")


async def test_both_documents_are_valid_and_name_every_operation(api, app):
    newer = json.loads((await raw(api, "/openapi.json"))[1])
    older = json.loads((await raw(api, "/swagger.json"))[1])

    validate(newer)
    validate(older)
    assert newer["openapi"] == "3.1.0"
    pages = ("/docs", "/dev/", "/reset-password")
    served = {
        (route.resource.canonical, route.method.lower())
        for route in app.router.routes()
        if route.method != "HEAD" and not route.resource.canonical.startswith(("/v1/", *pages))
    } - {("/openapi.json", "get"), ("/swagger.json", "get")}
    assert {(path, method) for path, item in newer["paths"].items() for method in item} == served
    assert newer["paths"].keys() == older["paths"].keys()


async def test_the_page_and_all_that_it_asks_for_are_there(api):
    status, page, headers = await raw(api, "/docs")

    assert status == 200
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert b"/docs/assets/start.js" in page
    assert (await raw(api, "/docs/assets/swagger-ui-bundle.js"))[0] == 200


async def raw(api, path):
    """An answer that is no operation's, so that no document tells of it."""
    async with api.client.get(path) as response:
        return response.status, await response.read(), response.headers


async def test_every_code_has_its_line(api):
    listed = (await api.call("GET", "/problems")).body["data"]

    lines = [await api.call("GET", each["type"]) for each in listed]

    assert [line.body for line in lines] == listed
    assert {"insufficient_funds", "limit_exceeded", "idempotency_key_reused"} <= {each["code"] for each in listed}
    assert (await api.call("GET", "/problems/none")).refused == (404, "not_found")


async def test_every_path_is_also_served_under_v1(api, app):
    paths = {(route.method, route.resource.canonical) for route in app.router.routes()}
    unversioned = {(method, path) for method, path in paths if not path.startswith("/v1/")}

    missing = {(method, path) for method, path in unversioned if (method, f"/v1{path}") not in paths}

    assert missing <= {(method, path) for method in ("GET", "HEAD") for path in ("/openapi.json", "/swagger.json")}


async def test_the_twins_under_v1_are_the_same_operations(ada, bob):
    user = await ada.api.call(
        "POST", "/v1/auth/signup", {"name": "Carol", "email": "carol@example.com", "password": PASSWORD}
    )
    paths = ["/me", "/wallets", "/wallet", "/limits", "/wallets/total", ada.own(), ada.own("/balance")]

    sent = await ada.move(f"/v1{ada.own('/transfer')}", {"to_wallet_id": bob.wallet_id, "amount": "1.00"})

    assert (user.status, sent.status) == (201, 201)
    for path in [*paths, "/transactions", ada.own("/transactions"), f"/transactions/{sent.body['id']}", "/version"]:
        assert (await ada.get(f"/v1{path}")).raw == (await ada.get(path)).raw, path


async def test_what_is_not_served_is_refused_in_the_one_shape(api):
    requests = [
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/v1", (404, "not_found")),
        ("GET", "/v2/me", (404, "not_found")),
        ("GET", "/v1/v1/me", (404, "not_found")),
        ("GET", "/me/", (404, "not_found")),
        ("GET", "/wallets//balance", (404, "not_found")),
        ("GET", "/ME", (404, "not_found")),
        ("DELETE", "/me", (405, "method_not_allowed")),
        ("GET", "/auth/login", (405, "method_not_allowed")),
        ("PUT", "/wallets", (405, "method_not_allowed")),
        ("POST", "/transactions", (405, "method_not_allowed")),
        ("TRACE", "/me", (405, "method_not_allowed")),
    ]

    for method, path, refused in requests:
        answer = await api.call(method, path)
        as_problem = await api.call(method, path, headers={"Accept": "application/problem+json"})

        assert (method, path, answer.refused) == (method, path, as_problem.refused) == (method, path, refused)
        assert answer.headers["Content-Type"] == "application/json"
        assert as_problem.headers["Content-Type"] == "application/problem+json"


async def test_the_405_of_a_path_lists_what_it_takes(api):
    answer = await api.call("DELETE", "/me")

    assert answer.headers["Allow"].replace(" ", "") == "GET,HEAD,PATCH"


async def test_a_body_that_is_too_large_is_a_413_that_hangs_up(ada):
    answer = await ada.post(ada.own("/add-funds"), raw=b'{"amount":"1.00"' + b" " * 65_536 + b"}")

    assert answer.refused == (413, "payload_too_large")
    assert answer.headers["Connection"] == "close"
    assert await ada.balance() == "500.00"


async def test_an_operator_may_take_smaller_bodies(environment, aiohttp_client):
    async with opened_api(Settings.from_environment(environment | {"BODY_MAX_BYTES": "1024"})) as app:
        api = await client_of(app, aiohttp_client)

        answer = await api.call("POST", "/auth/login", raw=b"{" + b" " * 1024 + b"}")

    assert answer.refused == (413, "payload_too_large")


async def test_a_request_id_is_said_back_and_kept_with_what_it_moved(ada, owner):
    answer = await ada.post(ada.own("/add-funds"), {"amount": "1.00"}, headers={"X-Request-Id": "find-me-1"})
    refused = await ada.get("/nowhere", headers={"X-Request-Id": "find-me-2"})

    assert answer.headers["X-Request-Id"] == "find-me-1"
    assert refused.body["request_id"] == refused.headers["X-Request-Id"] == "find-me-2"
    kept = await owner.fetchval("SELECT request_id FROM transactions WHERE id = $1", answer.body["id"])
    assert kept == "find-me-1"
