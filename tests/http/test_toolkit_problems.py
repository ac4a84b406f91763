"""Whatever goes wrong comes out in one shape, under safe headers and a request id."""

import asyncio

import pytest
from aiohttp import ClientError
from structlog.testing import capture_logs

from entrypoints.http.problems import ERRORS_MAX, PROBLEMS, FieldError, Problem
from tests.http.toolkit_app import problem_in, tiny_app


@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(tiny_app())


@pytest.mark.parametrize("code", PROBLEMS)
async def test_every_code_of_the_table_comes_out_in_the_one_shape(client, code):
    response = await client.get(f"/refuse/{code}")

    problem = await problem_in(response)
    assert problem["code"] == code
    assert response.status == PROBLEMS[code].status
    assert response.content_type == "application/json"


async def test_members_and_faults_stand_beside_the_shape_and_cannot_replace_it(client):
    problem = await problem_in(await client.get("/over-limit"))

    assert problem["limit"] == "5.00"
    assert problem["code"] == "limit_exceeded"
    assert problem["detail"] == "No more today."
    assert problem["errors"] == [{"field": "body.amount", "message": "Too much."}]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/problem+json", "application/problem+json"),
        ("text/html, application/problem+json;q=0.5", "application/problem+json"),
        ("application/problem+json;q=0", "application/json"),
        ("application/problem+jsonx", "application/json"),
        ("*/*", "application/json"),
    ],
)
async def test_a_problem_is_problem_json_only_for_who_asks_for_it(client, accept, content_type):
    response = await client.get("/nowhere", headers={"Accept": accept})

    assert response.content_type == content_type


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("overloaded", 503, "overloaded"),
        ("unavailable", 503, "unavailable"),
        ("outcome_unknown", 503, "outcome_unknown"),
        ("fault", 500, "internal"),
        ("value", 500, "internal"),
        ("timeout", 500, "internal"),
        ("surprise", 500, "internal"),
        ("teapot", 400, "malformed_request"),
    ],
)
async def test_a_fault_becomes_its_problem_and_tells_nothing_of_itself(client, how, status, code):
    with capture_logs() as logs:
        response = await client.get(f"/fail/{how}")

    problem = await problem_in(response)
    assert (response.status, problem["code"]) == (status, code)
    assert ("Retry-After" in response.headers) == (status == 503)
    assert "10.0.0.7" not in str(problem)
    assert bool(logs) == (how not in ("surprise", "teapot"))


async def test_an_unhandled_exception_is_logged_with_its_traceback_and_the_request_id(client):
    with capture_logs() as logs:
        response = await client.get("/fail/value", headers={"X-Request-Id": "find-me"})

    assert (await problem_in(response))["request_id"] == "find-me"
    assert isinstance(logs[0]["exc_info"], ValueError)
    assert logs[0]["route"] == "/fail/{how}"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("GET", "/a//b"), ("GET", "/%FF/%00"), ("PURGE", "/")]
)
async def test_what_is_not_there_is_a_404_in_the_one_shape(client, method, path):
    response = await client.request(method, path)

    assert (await problem_in(response))["code"] == "not_found"


async def test_a_method_that_a_path_does_not_take_is_a_405_that_lists_those_it_does(client):
    response = await client.delete("/wallets")

    assert (await problem_in(response))["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "PATCH"


async def test_a_401_asks_for_a_bearer_token(client):
    response = await client.get("/refuse/unauthorized")

    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_redirect_is_an_answer_and_no_problem(client):
    response = await client.get("/move", allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (302, "/elsewhere")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_cancelled_handler_is_cancelled_and_not_answered(client):
    with pytest.raises(ClientError):
        await asyncio.wait_for(client.get("/cancel"), 5)


async def test_what_fails_halfway_through_an_answer_hangs_up_rather_than_pretend(client):
    with capture_logs() as logs, pytest.raises(ClientError):
        await (await client.get("/half")).read()

    assert logs[0]["event"] == "failed halfway through an answer"


@pytest.mark.parametrize("path", ["/problems", "/nowhere", "/fail/value", "/docs", "/openapi.json", "/swagger.json"])
async def test_every_answer_carries_safe_headers_and_a_request_id_and_no_server(client, path):
    response = await client.get(path)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Request-Id"]
    assert "Server" not in response.headers


@pytest.mark.parametrize("given", ["a", "0192f0a4-5b1c", "x" * 128, "a.b_c:d/e=f@g~h+i"])
async def test_a_harmless_request_id_is_said_back(client, given):
    response = await client.get("/problems", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "<script>", "a,b", "ü", "a\tb"])
async def test_any_other_request_id_is_replaced(client, given):
    response = await client.get("/problems", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] != given
    assert len(response.headers["X-Request-Id"]) == 32


async def test_the_access_log_names_the_route_and_never_the_path(aiohttp_client):
    client = await aiohttp_client(tiny_app(access_log=True))

    with capture_logs() as logs:
        await client.get("/problems/not_found")
        await client.get("/my-secret-path")

    lines = [(line["method"], line["route"], line["status"]) for line in logs if line["event"] == "request"]
    assert lines == [("GET", "/problems/{code}", 200), ("GET", "unmatched", 404)]
    assert all(line["duration_ms"] >= 0 for line in logs)


async def test_the_table_of_codes_is_published(client):
    listed = (await (await client.get("/problems")).json())["data"]
    one = await (await client.get("/problems/limit_exceeded")).json()

    assert [entry["code"] for entry in listed] == list(PROBLEMS)
    assert one in listed
    assert one["status"] == 403
    assert (await problem_in(await client.get("/problems/no_such_code")))["code"] == "not_found"


def test_a_code_that_does_not_exist_cannot_be_raised():
    with pytest.raises(KeyError):
        Problem("no_such_code")


def test_no_answer_lists_more_faults_than_its_limit():
    problem = Problem("invalid_request", errors=[FieldError("body", "Wrong.")] * 1000)

    assert len(problem.errors) == ERRORS_MAX
