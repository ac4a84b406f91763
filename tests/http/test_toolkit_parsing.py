"""Bodies, queries and paths are read strictly: each kind of hostile input has its refusal, and none is a 500."""

import asyncio
import gzip
import json
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from entrypoints.http.parsing import BodyLimits, decode
from entrypoints.http.problems import Problem
from tests.http.toolkit_app import WALLET, problem_in, raw_answer, tiny_app

TRANSFER = f"/wallets/{WALLET}/transfer"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(tiny_app(limits=BodyLimits(read_seconds=0.3)))


async def post(client, raw, **headers):
    return await client.post(TRANSFER, data=raw, headers=JSON_TYPE | headers)


def nested(levels, opening, closing):
    return b'{"amount":"1","x":' + opening * levels + closing * levels + b"}"


NOT_JSON = {
    "nothing but space": b" ",
    "broken": b'{"amount":',
    "two documents": b"{} {}",
    "trailing comma": b'{"amount":"1",}',
    "single quotes": b"{'amount':'1'}",
    "a comment": b'{"amount":"1"} // hi',
    "not UTF-8": b'{"amount":"\xff"}',
    "UTF-16": '{"amount":"1"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"amount":"1"}',
    "a raw surrogate": b'{"note":"\xed\xa0\x80"}',
    "a raw NUL": b'{"note":"\x00"}',
    "a raw control character": b'{"note":"\n"}',
    "NaN": b'{"amount":NaN}',
    "Infinity": b'{"amount":-Infinity}',
    "a duplicate name": b'{"amount":"1","amount":"2"}',
    "a duplicate name inside": b'{"amount":"1","x":{"a":1,"a":2}}',
    "an escaped duplicate": b'{"amount":"1","\\u0061mount":"2"}',
    "an array": b'[{"amount":"1"}]',
    "a string": b'"amount"',
    "null": b"null",
    "a number": b"1",
    "an exponent beyond all range": b'{"amount":1e99999999999999999999}',
    "33 levels": nested(33, b"[", b"]"),
    "a thousand levels": nested(1000, b"[", b"]"),
    "30000 levels": nested(30_000, b"[", b"]"),
    "30000 levels unclosed": b"[" * 30_000,
    "10000 objects in each other": nested(6_000, b'{"a":', b"}").replace(b":}", b":1}"),
    "a leading zero": b'{"amount":01}',
    "a plus sign": b'{"amount":+1}',
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_one_strict_json_object_is_malformed(client, raw):
    response = await post(client, raw)

    assert response.status == 400
    assert (await problem_in(response))["code"] == "malformed_json"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (rb'{"amount":"1","note":"a\u0000b"}', "body.note"),
        (rb'{"amount":"1","note":"\ud800"}', "body.note"),
        (rb'{"amount":"1","note":"\udc00\ud800"}', "body.note"),
        (rb'{"amount":"1","\u0000":"x"}', "body"),
        (rb'{"amount":"1","\udfff":"x"}', "body"),
        (rb'{"amount":"1","tags":["ok",["\u0000"]]}', "body.tags"),
        (rb'{"amount":"1","x":{"y":{"\ud83d":1}}}', "body.x.y"),
    ],
)
async def test_a_nul_or_half_a_surrogate_pair_is_refused_where_it_stands(client, raw, field):
    problem = await problem_in(await post(client, raw))

    assert problem["code"] == "invalid_request"
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_whole_surrogate_pair_is_one_character(client):
    response = await post(client, rb'{"amount":"1","note":"\ud83d\ude00"}')

    assert response.status == 201
    assert (await response.json())["body"]["note"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ('"-1"', "amount_invalid"),
        ('"+1"', "amount_invalid"),
        ('"1e3"', "amount_invalid"),
        ('"1_000"', "amount_invalid"),
        ('"1,5"', "amount_invalid"),
        ('"01"', "amount_invalid"),
        ('".5"', "amount_invalid"),
        ('"5."', "amount_invalid"),
        ('" 5"', "amount_invalid"),
        ('"5\\n"', "amount_invalid"),
        ('"\\u0661"', "amount_invalid"),
        ('""', "amount_invalid"),
        ('"NaN"', "amount_invalid"),
        ('"1234567890123456789"', "amount_invalid"),
        ('"0.1234567890123456789"', "amount_invalid"),
        ("9" * 40, "amount_invalid"),
        ("9" * 60_000, "amount_invalid"),
        ("0." + "9" * 60_000, "amount_invalid"),
        ("1e1000000", "amount_invalid"),
        ("1E+2", "amount_invalid"),
        ("0.30000000000000004", None),
        ("true", "amount_invalid"),
        ("[]", "amount_invalid"),
        ('{"amount":"1"}', "amount_invalid"),
        ("-5", "amount_not_positive"),
        ("-0.01", "amount_not_positive"),
        ("0", "amount_not_positive"),
        ('"0.00"', "amount_not_positive"),
        ("null", "invalid_request"),
        ("12.50", None),
        ("7", None),
        ('"12.50"', None),
    ],
)
async def test_an_amount_is_a_plain_number_or_refused_by_its_own_code(client, amount, code):
    response = await post(client, f'{{"amount":{amount}}}'.encode())

    if code is None:
        assert response.status == 201
        assert (await response.json())["body"]["amount"] == amount.strip('"')
    else:
        problem = await problem_in(response)
        assert problem["code"] == code
        assert [error["field"] for error in problem["errors"]] == ["body.amount"]


async def test_an_unknown_field_has_its_own_code_and_is_named(client):
    problem = await problem_in(await post(client, b'{"amount":"1","amonut":"2"}'))

    assert problem["code"] == "unknown_field"
    assert problem["errors"] == [{"field": "body.amonut", "message": "Unknown field."}]


async def test_all_faults_of_a_body_are_listed_at_once_in_order(client):
    problem = await problem_in(await post(client, b'{"x":1,"currency":"usd","copies":4,"tags":["ok","too long"]}'))

    assert problem["code"] == "invalid_request"
    assert [error["field"] for error in problem["errors"]] == [
        "body.amount",
        "body.copies",
        "body.currency",
        "body.tags.1",
        "body.x",
    ]


async def test_thousands_of_unknown_fields_earn_no_large_answer(client):
    raw = json.dumps({"amount": "1"} | {f"{index}" + "x" * 200: 1 for index in range(250)}).encode()

    response = await post(client, raw)

    assert (await problem_in(response))["code"] == "unknown_field"
    assert len(await response.read()) < 5_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("urgent", '"true"'),
        ("urgent", "1"),
        ("urgent", "null"),
        ("copies", "true"),
        ("copies", '"1"'),
        ("copies", "1.0"),
        ("copies", "0"),
        ("copies", "" + "9" * 5000),
        ("currency", '"usd"'),
        ("currency", '"USD "'),
        ("currency", '["USD"]'),
        ("currency", "{}"),
        ("to_wallet_id", f'"{{{WALLET}}}"'),
        ("to_wallet_id", f'"urn:uuid:{WALLET}"'),
        ("to_wallet_id", f'"{WALLET.replace("-", "")}"'),
        ("to_wallet_id", f'"{WALLET} "'),
        ("to_wallet_id", "7"),
        ("note", '""'),
        ("note", '"' + "x" * 21 + '"'),
        ("note", r'"a\u0007b"'),
        ("note", r'"a\u0085b"'),
        ("note", "5"),
        ("tags", '"x"'),
        ("tags", '{"0":"x"}'),
    ],
)
async def test_a_value_of_the_wrong_form_is_refused_at_its_field(client, name, value):
    problem = await problem_in(await post(client, f'{{"amount":"1","{name}":{value}}}'.encode()))

    assert problem["code"] == "invalid_request"
    assert [error["field"] for error in problem["errors"]] == [f"body.{name}"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/vnd.x+json",
        "x",
    ],
)
async def test_any_other_content_type_is_a_415(client, content_type):
    response = await post(client, b'{"amount":"1"}', **{"Content-Type": content_type})

    assert (await problem_in(response))["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
async def test_json_in_utf_8_is_taken(client, content_type):
    response = await post(client, b'{"amount":"1"}', **{"Content-Type": content_type})

    assert response.status == 201


async def test_a_compressed_body_is_not_unpacked(client):
    bomb = gzip.compress(b'{"amount":"1","note":"' + b"x" * 5_000_000 + b'"}')

    response = await post(client, bomb, **{"Content-Encoding": "gzip"})

    assert (await problem_in(response))["code"] == "unsupported_media_type"


async def test_a_missing_body_is_a_400_where_something_is_required(client):
    response = await client.post(TRANSFER)

    problem = await problem_in(response)
    assert problem["code"] == "invalid_request"
    assert problem["errors"] == [{"field": "body", "message": "A JSON object is required."}]


async def test_a_missing_body_is_an_empty_object_where_nothing_is_required(client):
    response = await client.patch("/wallets")

    assert response.status == 200
    assert await response.json() == {}


async def test_a_rule_over_the_whole_body_is_kept(client):
    refused = await client.patch("/wallets", json={"name": "a", "nickName": "b"})
    taken = await client.patch("/wallets", json={"nickName": "b"})

    problem = await problem_in(refused)
    assert problem["errors"] == [{"field": "body", "message": "One of the two."}]
    assert await taken.json() == {"nickname": "b"}


async def test_a_body_over_64_kib_is_a_413_whether_or_not_it_tells_its_length(client):
    async def chunks():
        for _ in range(70):
            yield b" " * 1024

    told = await post(client, b" " * (64 * 1024 + 1))
    untold = await post(client, chunks())

    assert (await problem_in(told))["code"] == "payload_too_large"
    assert (await problem_in(untold))["code"] == "payload_too_large"


async def test_a_body_of_64_kib_is_read_in_pieces_and_whole(client):
    raw = b'{"amount":"1"' + b" " * (64 * 1024 - 14) + b"}"

    async def chunks():
        for start in range(0, len(raw), 1000):
            yield raw[start : start + 1000]

    told = await post(client, raw)
    untold = await post(client, chunks())

    assert len(raw) == 64 * 1024
    assert (told.status, untold.status) == (201, 201)


async def test_a_body_that_does_not_arrive_in_time_is_a_408_that_hangs_up(client):
    head = f"POST {TRANSFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"

    answer = await raw_answer(client, head.encode() + b"{")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in answer


@pytest.mark.parametrize(("pause", "status"), [(0, 400), (0.05, 408)])
async def test_a_body_in_broken_chunks_is_refused_or_waited_for_in_vain(client, pause, status):
    head = (
        f"POST {TRANSFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    answer = await raw_answer(client, head.encode(), b"zz\r\n{}\r\n", pause=pause)

    assert int(answer.split(b" ")[1]) == status


async def test_a_body_that_breaks_off_leaves_no_error_behind(client):
    head = f"POST {TRANSFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    _, writer = await asyncio.open_connection(client.host, client.port)

    with capture_logs() as logs:
        writer.write(head.encode() + b"{")
        await asyncio.sleep(0.05)
        writer.close()
        await asyncio.sleep(0.05)

    assert [line for line in logs if line["log_level"] == "error"] == []


def test_numbers_are_exact():
    document = decode(b'{"a":0.1,"b":12.50,"c":7,"d":1e2}', depth_max=32)

    assert document == {"a": Decimal("0.1"), "b": Decimal("12.50"), "c": 7, "d": Decimal("1e2")}
    assert str(document["b"]) == "12.50"


def test_brackets_inside_strings_are_no_depth():
    document = decode(json.dumps({"note": "[{" * 500}).encode(), depth_max=32)

    assert document["note"] == "[{" * 500


def test_32_levels_are_no_33():
    deepest = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"

    assert decode(deepest + b" ", depth_max=32)
    with pytest.raises(Problem):
        decode(deepest.replace(b"[]", b"[[]]"), depth_max=32)
