"""Queries, paths and headers as no honest client sends them, to every operation: the contract's error, never a 500."""

from urllib.parse import quote, unquote

import pytest
from yarl import URL

from tests.http.clients import NOBODY, Person
from tests.http.operations import Operation, is_amount, operations_of

NOT_TEXT = {"a NUL": "%00", "no UTF-8": "%FF", "a surrogate": "%ED%A0%80", "cut-off UTF-8": "%C3%28"}
NOT_A_UUID = [
    "me",
    "1",
    "0",
    "-1",
    "null",
    NOBODY[:-1],
    NOBODY + "0",
    NOBODY.replace("-", ""),
    "{" + NOBODY + "}",
    f"urn:uuid:{NOBODY}",
    f"{NOBODY} ",
    f"{NOBODY}\n",
    NOBODY.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    "../../etc/passwd",
    "' OR 1=1 --",
    "9" * 5000,
    "\N{SNOWMAN}",
]
NOT_A_DATE = [
    "yesterday",
    "2026-02-30",
    "2026-13-01",
    "2026-1-1",
    "20260101",
    "2026-W01-1",
    "0000-01-01",
    "10000-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-01-01T24:00:01Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01T00:00Z",
    "1767225600",
    "9" * 5000,
    "",
    "\N{ARABIC-INDIC DIGIT TWO}026-01-01",
]
NOT_AN_AMOUNT = ["-1", "+1", "1e3", "1_000", "1,5", "01", ".5", "5.", " 5", "NaN", "", "9" * 19, "9" * 5000, "0x1"]
NOT_A_CURSOR = [
    "abc",
    "====",
    "W10",
    "bnVsbA",
    "WzEsMiwzLDRd",
    "9" * 300,
    "\N{SNOWMAN}",
    "eyJhIjoxfQ",
    "WyIiLDEsIiIsIiJd",
]


@pytest.fixture
async def ada(ada, owner) -> Person:
    """She may ask all that there is to ask."""
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", ada.id)
    return ada


@pytest.fixture
def operations(app, api) -> list[Operation]:
    return operations_of(app, api.contract)


def hostile_values(name, schema) -> dict[str, tuple[str, ...]]:
    """Escaped values that a parameter must not take, with the codes that may refuse them."""
    refused = dict.fromkeys(NOT_TEXT.values(), ("invalid_request",))
    match name:
        case "from" | "to":
            values, codes = NOT_A_DATE, ("invalid_request",)
        case "wallet_id" | "user_id" | "actor_id":
            values, codes = NOT_A_UUID, ("invalid_request",)
        case "cursor":
            values, codes = NOT_A_CURSOR, ("invalid_cursor",)
        case "limit":
            values, codes = ["0", "201", "-1", "1.0", "1e1", "+5", "1_0", "", "9" * 5000, "true"], ("invalid_request",)
        case "q" | "action" | "target_id":
            values, codes = ["", "x" * 5000, "\N{BELL}a\x07"], ("invalid_request",)
        case _ if is_amount(schema):
            values, codes = NOT_AN_AMOUNT, ("amount_invalid",)
        case _:
            values, codes = ["", "\N{SNOWMAN}", "x" * 5000, "usd", "[]", "*", "null"], ("invalid_request",)
    return refused | {quote(value, safe=""): codes for value in values}


async def test_a_parameter_of_the_wrong_form_is_refused_at_its_name(operations, ada):
    taken, tried = [], 0

    for operation in operations:
        if operation.method != "GET" or not operation.query:
            continue
        path = operation.at(wallet_id=ada.wallet_id, user_id=ada.id)
        for name, schema in operation.query.items():
            for value, codes in hostile_values(name, schema).items():
                answer = await ada.get(URL(f"{path}?{name}={value}", encoded=True))
                tried += 1
                if answer.status != 400 or answer.body["code"] not in codes:
                    taken.append((str(operation), name, value[:60], answer))
                elif any(not field.startswith(f"query.{name}") for field in answer.faulty_fields):
                    taken.append((str(operation), name, value[:60], answer.faulty_fields))

    assert tried >= 200
    assert taken == []


async def test_a_parameter_that_is_not_known_or_given_twice_is_refused(operations, ada):
    taken = []
    with_query = [each for each in operations if each.method == "GET" and each.query]

    for operation in with_query:
        path = operation.at(wallet_id=ada.wallet_id, user_id=ada.id)
        unknown = await ada.get(path, query={"colour": "red"})
        if unknown.refused != (400, "unknown_field") or unknown.faulty_fields != ["query.colour"]:
            taken.append((str(operation), unknown))
        for name, schema in operation.query.items():
            if schema.get("type") != "array":
                twice = await ada.get(path, query=[(name, "1"), (name, "1")])
                if twice.refused != (400, "invalid_request") or twice.faulty_fields != [f"query.{name}"]:
                    taken.append((str(operation), name, twice))

    assert len(with_query) >= 6
    assert taken == []


async def test_an_id_in_a_path_that_is_no_uuid_is_refused_by_every_operation(operations, ada):
    taken = []
    with_ids = [each for each in operations if "_id}" in each.path]

    for operation in with_ids:
        name = operation.path.partition("{")[2].partition("}")[0]
        for value in [*(quote(each, safe="") for each in NOT_A_UUID), *NOT_TEXT.values()]:
            url = URL(operation.path.replace(f"{{{name}}}", value), encoded=True)
            answer = await ada.ask(operation.method, url, operation.good_body(), headers={"Idempotency-Key": "k"})
            # The router takes no braces for a part of a path, so that nothing is there.
            expected = (
                ((404, "not_found"), []) if "{" in unquote(value) else ((400, "invalid_request"), [f"path.{name}"])
            )
            if (answer.refused, answer.faulty_fields) != expected:
                taken.append((str(operation), value[:60], answer))

    assert len(with_ids) >= 10
    assert taken == []


async def test_dates_at_the_ends_of_the_calendar_are_dates(ada):
    bounds = ["0001-01-01", "1899-12-31", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"]
    zones = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo", "Africa/Monrovia"]
    refused = []

    for zone in zones:
        await ada.ask("PATCH", "/me", {"time_zone": zone})
        for bound in bounds:
            for name in ("from", "to"):
                answer = await ada.get("/transactions", query={name: bound})
                if answer.status != 200:
                    refused.append((zone, name, bound, answer))

    assert refused == []


async def test_headers_of_no_known_form_are_left_alone_or_refused_and_never_a_500(ada):
    headers = {
        "If-None-Match": ["x", '"', 'W/"', "*,*", '"a" "b"', "\N{SNOWMAN}", '"' + "a" * 4000 + '"'],
        "If-Match": ["x"],
        "If-Modified-Since": ["yesterday"],
        "Accept": ["", "x", "application/problem+json;q=x", "\N{SNOWMAN}"],
        "Accept-Encoding": ["gzip", "x"],
        "Range": ["bytes=0-1", "x"],
        "X-Request-Id": ["\N{SNOWMAN}", "a b", "x" * 5000],
        "Cookie": ["a=b; ;;=", "\N{SNOWMAN}"],
        "Content-Type": ["x/y; charset=\N{SNOWMAN}", ""],
        "X-Http-Method-Override": ["DELETE"],
        "X-Forwarded-For": ["x"],
    }

    answers = {
        (name, value): await ada.get(ada.own(), headers={name: value})
        for name, values in headers.items()
        for value in values
    }

    assert {sent: answer.status for sent, answer in answers.items() if answer.status != 200} == {}
    assert all(" " not in answer.headers["X-Request-Id"] for answer in answers.values())


async def test_a_forged_cursor_reads_no_further_than_an_honest_one(ada, bob):
    await ada.pay(bob, "1.00")
    cursor = (await ada.get("/transactions", query={"limit": "1"})).body["next_cursor"]
    mutated = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in range(len(cursor))
    ]

    answers = [await ada.get("/transactions", query={"limit": "200", "cursor": each}) for each in mutated]

    own = {line["id"] for line in await ada.history()}
    assert {answer.status for answer in answers} <= {200, 400}
    assert all({line["id"] for line in answer.body["data"]} <= own for answer in answers if answer.status == 200)
    assert {answer.body["code"] for answer in answers if answer.status == 400} == {"invalid_cursor"}
