"""Bodies as no honest client sends them, to every operation that takes one: the contract's error, and nothing moves."""

import json
from typing import Any, Final

import pytest

from tests.http.clients import Person, sign_up
from tests.http.operations import Operation, is_amount, operations_of, placed


@pytest.fixture
def operations(app, api) -> list[Operation]:
    return [each for each in operations_of(app, api.contract) if each.body_schema is not None]


class Attacker:
    """Sends what should be refused, to all operations, and knows what should not have changed."""

    def __init__(self, ada: Person, bob: Person, carl: Person) -> None:
        self._ada, self._bob, self._carl = ada, bob, carl
        self._number = 0

    async def state(self) -> list[Any]:
        """All that either person can read of what is theirs."""
        paths = ("/me", "/wallets", "/transactions", "/limits")
        return [(await person.get(path)).body for person in (self._ada, self._bob) for path in paths]

    def good_body(self, operation: Operation) -> dict[str, Any]:
        return operation.good_body(to_wallet_id=self._bob.wallet_id, refresh_token=self._ada.refresh_token) or {}

    async def send(self, operation: Operation, raw: bytes, **headers: str) -> Any:
        """The answer to those bytes where a good body of that operation should be."""
        self._number += 1
        is_admins = operation.path.startswith("/admin")
        return await self._ada.ask(
            operation.method,
            operation.at(wallet_id=(self._bob if is_admins else self._ada).wallet_id, user_id=self._carl.id),
            raw=raw,
            headers={"Idempotency-Key": f"bad-{self._number}"} | {n.replace("_", "-"): v for n, v in headers.items()},
        )


@pytest.fixture
async def attacker(ada: Person, bob: Person, owner) -> Attacker:
    """Ada, who may do all that anybody may, or administer somebody else."""
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", ada.id)
    return Attacker(ada, bob, await sign_up(ada.api, "Carl"))


def nested(levels: int) -> bytes:
    return b'{"x":' + b"[" * levels + b"]" * levels + b"}"


NOT_AN_OBJECT: Final = {
    "broken": b'{"amount":',
    "two documents": b"{} {}",
    "a trailing comma": b'{"amount":"1",}',
    "single quotes": b"{'amount':'1'}",
    "a form": b"amount=1",
    "not UTF-8": b'{"note":"\xff"}',
    "UTF-16": '{"amount":"1"}'.encode("utf-16"),
    "a raw NUL": b'{"note":"\x00"}',
    "a raw surrogate": b'{"note":"\xed\xa0\x80"}',
    "NaN": b'{"amount":NaN}',
    "an array": b"[]",
    "a string": b'"amount"',
    "null": b"null",
    "a number": b"1",
    "a duplicate name": b'{"amount":"1","amount":"1"}',
    "an escaped duplicate": b'{"amount":"1","\\u0061mount":"2"}',
    "a duplicate name inside": b'{"transfer":{"daily":"1","daily":"2"}}',
    "33 levels": nested(32),
    "30000 levels": nested(30_000),
    "a number beyond all range": b'{"amount":1e99999999999999999999}',
}


async def test_what_is_not_one_strict_json_object_is_malformed_everywhere(operations, attacker):
    before = await attacker.state()
    taken = []

    for operation in operations:
        for what, raw in NOT_AN_OBJECT.items():
            answer = await attacker.send(operation, raw)
            if answer.refused != (400, "malformed_json"):
                taken.append((str(operation), what, answer))

    assert len(operations) >= 12
    assert taken == []
    assert await attacker.state() == before


async def test_what_is_not_plain_json_of_a_fair_size_is_refused_before_it_is_read(operations, attacker):
    before = await attacker.state()
    refusals = {
        (415, "unsupported_media_type"): [
            {"Content_Type": "text/plain"},
            {"Content_Type": "application/x-www-form-urlencoded"},
            {"Content_Type": "multipart/form-data; boundary=x"},
            {"Content_Type": "application/json; charset=utf-16"},
            {"Content_Type": "application/problem+json"},
            {"Content_Type": "x"},
            {"Content_Encoding": "gzip"},
            {"Content_Encoding": "br"},
        ],
        (413, "payload_too_large"): [{}],
    }
    taken = []

    for operation in operations:
        good = json.dumps(attacker.good_body(operation)).encode()
        for refused, all_headers in refusals.items():
            raw = good if refused[0] == 415 else good[:-1] + b" " * 65_536 + b"}"
            for headers in all_headers:
                answer = await attacker.send(operation, raw, **headers)
                if answer.refused != refused:
                    taken.append((str(operation), headers, answer))

    assert taken == []
    assert await attacker.state() == before


async def test_a_field_that_is_not_known_is_refused_by_name_also_inside_another(operations, attacker):
    before = await attacker.state()
    taken = []

    for operation in operations:
        good = attacker.good_body(operation)
        bodies = {"body.colour": good | {"colour": "red"}, "body.__proto__": good | {"__proto__": {}}}
        bodies |= {
            f"body.{name}.colour": good | {name: value | {"colour": "red"}}
            for name, value in good.items()
            if isinstance(value, dict)
        }
        for field, body in bodies.items():
            answer = await attacker.send(operation, json.dumps(body).encode())
            if answer.refused != (400, "unknown_field") or answer.faulty_fields != [field]:
                taken.append((str(operation), field, answer))

    assert taken == []
    assert await attacker.state() == before


WRONG: Final = {
    "null": b"null",
    "an array": b"[]",
    "an array of itself": b'["x"]',
    "an object": b"{}",
    "false": b"false",
    "a huge whole number": b"9" * 5000,
    "a huge fraction": b"0." + b"9" * 5000,
    "a number in exponent form": b"1e3",
    "a NUL": rb'"a\u0000b"',
    "half a surrogate pair": rb'"a\ud800"',
    "the other half": rb'"\udc00b"',
    "a control character": rb'"a\u0007b"',
    "10000 characters": b'"' + b"x" * 10_000 + b'"',
}


async def test_a_value_of_the_wrong_kind_is_refused_where_it_stands(operations, attacker):
    before = await attacker.state()
    taken, tried = [], 0

    for operation in operations:
        for place, _ in operation.members():
            # A password is whatever was typed: only a new one is held to rules, and these are told by their own code.
            is_password = place[-1].endswith("password")
            codes = ("weak_password",) if is_password else ("invalid_request", "amount_invalid")
            for what, value in WRONG.items():
                if is_password and what == "a control character" and operation.name not in ("sign_up", "register"):
                    continue
                body = attacker.good_body(operation) | placed(place, "PLACE")
                answer = await attacker.send(operation, json.dumps(body).encode().replace(b'"PLACE"', value))
                field = ".".join(("body", *place))
                tried += 1
                if answer.status != 400 or answer.body["code"] not in ("invalid_request", *codes):
                    taken.append((str(operation), place, what, answer))
                elif not all(each == field or each.startswith(f"{field}.") for each in answer.faulty_fields):
                    taken.append((str(operation), place, what, answer.faulty_fields))

    assert tried >= 300
    assert taken == []
    assert await attacker.state() == before


AMOUNTS: Final = {
    b'"-1"': "amount_invalid",
    b'"+1"': "amount_invalid",
    b'"1e3"': "amount_invalid",
    b'"1_000"': "amount_invalid",
    b'"1,000"': "amount_invalid",
    b'"1,5"': "amount_invalid",
    b'"01"': "amount_invalid",
    b'".5"': "amount_invalid",
    b'"5."': "amount_invalid",
    b'" 5"': "amount_invalid",
    b'"5 "': "amount_invalid",
    b'"5\\n"': "amount_invalid",
    b'"$5"': "amount_invalid",
    b'"5 USD"': "amount_invalid",
    b'"0x10"': "amount_invalid",
    b'"1/2"': "amount_invalid",
    rb'"\u0661"': "amount_invalid",
    rb'"\uff11"': "amount_invalid",
    b'""': "amount_invalid",
    b'"NaN"': "amount_invalid",
    b'"Infinity"': "amount_invalid",
    b'"1234567890123456789"': "amount_invalid",
    b'"99999999999999999.99"': "amount_invalid",
    b'"999999999999999999"': "amount_invalid",
    b"999999999999999999": "amount_invalid",
    b"1234567890123456789": "amount_invalid",
    b"9" * 40: "amount_invalid",
    b"9" * 5000: "amount_invalid",
    b"1e0": "amount_invalid",
    b"1E0": "amount_invalid",
    b"10e-1": "amount_invalid",
    b"1.25e1": "amount_invalid",
    b"1250e-2": "amount_invalid",
    b"1e2": "amount_invalid",
    b"1e+2": "amount_invalid",
    b"1e400": "amount_invalid",
    b"1e-400": "amount_invalid",
    b"-5e0": "amount_invalid",
    b"true": "amount_invalid",
    b"[]": "amount_invalid",
    b"{}": "amount_invalid",
    b'{"amount":"1","currency":"USD"}': "amount_invalid",
    b'"1.001"': "amount_precision",
    b'"1.000"': "amount_precision",
    b"1.001": "amount_precision",
    b"0.30000000000000004": "amount_precision",
    b"-5": "amount_not_positive",
    b"-0.01": "amount_not_positive",
    b"null": "invalid_request",
}
ZEROS: Final = {b"0": "amount_not_positive", b'"0"': "amount_not_positive", b'"0.00"': "amount_not_positive"}


async def test_an_amount_in_any_forbidden_form_is_refused_by_its_own_code(operations, attacker):
    before = await attacker.state()
    taken, places = [], set()

    for operation in operations:
        for place, schema in operation.members():
            if not is_amount(schema):
                continue
            places.add(place)
            # A limit may be zero.
            for amount, code in (AMOUNTS | (ZEROS if place == ("amount",) else {})).items():
                body = attacker.good_body(operation) | placed(place, "PLACE")
                answer = await attacker.send(operation, json.dumps(body).encode().replace(b'"PLACE"', amount))
                if answer.refused != (400, code) or answer.faulty_fields != [".".join(("body", *place))]:
                    taken.append((str(operation), place, amount[:40], answer))

    assert places >= {("amount",), ("transfer", "daily"), ("withdrawal", "monthly")}
    assert taken == []
    assert await attacker.state() == before


async def test_a_body_that_lacks_what_is_required_names_all_of_it(operations, attacker):
    lacking = [each for each in operations if (each.body_schema or {}).get("required")]

    for operation in lacking:
        required = {f"body.{name}" for name in operation.body_schema["required"]}
        empty = await attacker.send(operation, b"{}")
        none = await attacker.send(operation, b"")

        assert empty.refused == none.refused == (400, "invalid_request"), operation
        assert required <= set(empty.faulty_fields)
        assert none.faulty_fields == ["body"]


async def test_a_good_body_is_taken_by_every_operation(operations, attacker):
    answers = {
        str(each): await attacker.send(each, json.dumps(attacker.good_body(each)).encode()) for each in operations
    }

    # The second to sign up and to change has the first one's address, nobody has sent the codes and the token, the
    # wallet holds its own currency already, nobody was deactivated before, nothing is parked, and there is one admin.
    assert {name: answer.refused for name, answer in answers.items() if answer.status >= 300} == {
        "POST /register": (409, "email_taken"),
        "PATCH /me": (409, "email_taken"),
        "POST /auth/password/reset": (400, "invalid_reset_token"),
        "POST /auth/2fa/enable": (409, "second_factor_off"),
        "POST /auth/2fa/disable": (409, "second_factor_off"),
        "POST /me/email/verify": (400, "invalid_code"),
        "POST /me/phone/verify": (400, "invalid_code"),
        "POST /wallets/{wallet_id}/currencies": (409, "conflict"),
        "POST /admin/users/{user_id}/activate": (409, "conflict"),
        "POST /admin/deliveries/{delivery_id}/retry": (404, "not_found"),
        "POST /me/deactivate": (409, "last_admin"),
    }


async def test_a_body_that_only_claims_to_be_compressed_costs_the_next_request_nothing(ada, caplog):
    for encoding in ("gzip", "deflate", "br", "zstd", "x"):
        answer = await ada.post(ada.own("/add-funds"), raw=b"not so", headers={"Content-Encoding": encoding})
        after = await ada.balance()

        assert answer.refused == (415, "unsupported_media_type")
        assert after == "500.00"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
