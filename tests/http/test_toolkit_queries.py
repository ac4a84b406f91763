"""Queries, paths and headers are read as strictly as bodies."""

import pytest
from yarl import URL

from tests.http.toolkit_app import WALLET, problem_in, raw_answer, tiny_app


@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(tiny_app())


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("limit=1e2", "query.limit"),
        ("limit=%D9%A1", "query.limit"),
        ("limit=+5", "query.limit"),
        ("limit=1_0", "query.limit"),
        ("limit=" + "9" * 5000, "query.limit"),
        ("limit=", "query.limit"),
        ("limit=5&limit=5", "query.limit"),
        ("all=yes", "query.all"),
        ("all=True", "query.all"),
        ("from=yesterday", "query.from"),
        ("from=2026-02-30", "query.from"),
        ("from=2026-01-01T00:00:00", "query.from"),
        ("from=2026-01-01T00:00:00+02:00", "query.from"),
        ("from=2026-13-01T00:00:00Z", "query.from"),
        ("from=2026-01-01T25:00:00Z", "query.from"),
        ("from=2026-01-01T00:00:00%2B99:99", "query.from"),
        ("from=20260101", "query.from"),
        ("from=2026-W01-1", "query.from"),
        ("from=0000-01-01", "query.from"),
        ("from=%D9%A2026-01-01", "query.from"),
        ("type=%00", "query.type"),
        ("type=%FF", "query.type"),
        ("type=%ED%A0%80", "query.type"),
        ("type=a&type=%C3%28", "query.type"),
        ("%00=1", "query"),
        ("%FF=1", "query.?"),
    ],
)
async def test_a_query_parameter_of_the_wrong_form_is_refused_at_its_name(client, query, field):
    problem = await problem_in(await client.get(URL(f"/transactions?{query}", encoded=True)))

    assert problem["code"] == "invalid_request"
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_an_unknown_filter_has_its_own_code(client):
    problem = await problem_in(await client.get("/transactions?colour=red"))

    assert problem["code"] == "unknown_field"
    assert [error["field"] for error in problem["errors"]] == ["query.colour"]


async def test_an_amount_in_a_query_keeps_its_own_code(client):
    problem = await problem_in(await client.get("/transactions?min_amount=-1"))

    assert problem["code"] == "amount_invalid"
    assert [error["field"] for error in problem["errors"]] == ["query.min_amount"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", {"limit": "50"}),
        ("limit=200&type=a&type=b", {"limit": "200", "type": "['a', 'b']"}),
        ("all=false&min_amount=0", {"all": "False", "min_amount": "0", "limit": "50"}),
        ("from=2026-01-31", {"since": "2026-01-31", "limit": "50"}),
        ("from=2026-01-31T01:00:00%2B02:00", {"since": "2026-01-30 23:00:00+00:00", "limit": "50"}),
        ("from=0001-01-01T00:00:00%2B14:00", {"since": "1900-01-01 00:00:00+00:00", "limit": "50"}),
        ("from=9999-12-31T23:59:59.999999-12:00", {"since": "9000-01-01 00:00:00+00:00", "limit": "50"}),
        ("from=9999-12-31", {"since": "9000-01-01", "limit": "50"}),
    ],
)
async def test_a_query_is_read_as_it_is_meant(client, query, said):
    response = await client.get(URL(f"/transactions?{query}", encoded=True))

    assert await response.json() == said


@pytest.mark.parametrize("wallet", ["me", WALLET[:-1], f"urn:uuid:{WALLET}", "%00", "%FF", "..%2f..", f"{WALLET}%0a"])
async def test_a_path_with_an_id_that_is_no_uuid_is_refused(client, wallet):
    response = await client.post(URL(f"/wallets/{wallet}/transfer", encoded=True), json={"amount": "1"})

    problem = await problem_in(response)
    assert problem["errors"][0]["field"] == "path.wallet_id"


async def test_headers_are_checked_and_unknown_ones_left_alone(client):
    taken = await client.get("/traced", headers={"X-Trace": "abc", "X-Other": "x"})
    refused = await client.get("/traced", headers={"X-Trace": "too long"})

    assert await taken.json() == {"trace": "abc"}
    assert (await problem_in(refused))["errors"][0]["field"] == "header.X-Trace"


@pytest.mark.parametrize(
    "target", [b"/transactions?type=\xff\xfe", b"/transactions?\xed\xa0\x80=1", b"/wallets/\xff/transfer", b"/\xff"]
)
async def test_raw_bytes_in_a_target_are_refused_and_never_a_500(client, target):
    answer = await raw_answer(client, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert int(answer.split(b" ")[1]) in (400, 404, 405)
