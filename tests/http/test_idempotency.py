"""Idempotency keys: a retry gets the first answer again, to the byte, and never moves money twice."""

import asyncio
import json
from dataclasses import replace

import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import NOBODY, client_of, log_in, sign_up

REPLAYED = "Idempotent-Replayed"


async def test_a_transfer_sent_again_gets_the_first_answer_and_moves_nothing(ada, bob):
    first = await ada.pay(bob, "10.00", key="rent", note="May")
    await ada.pay(bob, "1.00")

    again = await ada.pay(bob, "10.00", key="rent", note="May")

    assert (again.status, again.raw) == (first.status, first.raw) == (201, first.raw)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert (await ada.balance(), await bob.balance()) == ("489.00", "31.00")


async def test_a_withdrawal_and_added_funds_sent_again_get_their_first_answers(ada):
    withdrawal = [await ada.withdraw("10.00", key="out") for _ in range(2)]
    funds = [await ada.move(ada.own("/add-funds"), {"amount": "5.00"}, key="in") for _ in range(2)]

    assert withdrawal[0].raw == withdrawal[1].raw
    assert funds[0].raw == funds[1].raw
    assert [answer.headers.get(REPLAYED) for answer in (*withdrawal, *funds)] == [None, "true", None, "true"]
    assert await ada.balance() == "495.00"


async def test_a_body_that_says_the_same_in_other_words_is_the_same_body(ada, bob):
    first = await ada.pay(bob, "10.00", key="k")
    path, headers = ada.own("/transfer"), {"Idempotency-Key": "k"}
    bodies = [
        {"amount": "10", "to_wallet_id": bob.wallet_id},
        {"to_wallet_id": bob.wallet_id.upper(), "amount": "10.00", "currency": "USD", "note": ""},
        {"amount": 10, "to_wallet_id": bob.wallet_id},
    ]

    answers = [await ada.post(path, body, headers=headers) for body in bodies]
    twin = await ada.post(f"/v1{path}", bodies[0], headers=headers)

    assert [answer.raw for answer in (*answers, twin)] == [first.raw] * 4


async def test_a_key_used_for_something_else_is_a_422(ada, bob):
    savings = await ada.open_wallet(name="Savings")
    await ada.pay(bob, "10.00", key="k")

    answers = {
        "another amount": await ada.pay(bob, "10.01", key="k"),
        "another recipient": await ada.pay(savings, "10.00", key="k"),
        "an address": await ada.move(ada.own("/transfer"), {"to": bob.email, "amount": "10.00"}, key="k"),
        "another note": await ada.pay(bob, "10.00", key="k", note="x"),
        "another currency": await ada.pay(bob, "10.00", key="k", currency="EUR"),
        "another wallet": await ada.move(
            f"/wallets/{savings}/transfer", {"to_wallet_id": bob.wallet_id, "amount": "10.00"}, key="k"
        ),
        "a withdrawal": await ada.withdraw("10.00", key="k"),
        "added funds": await ada.move(ada.own("/add-funds"), {"amount": "10.00"}, key="k"),
    }

    assert {what: answer.refused for what, answer in answers.items()} == dict.fromkeys(
        answers, (422, "idempotency_key_reused")
    )
    assert (await ada.balance(), await bob.balance()) == ("490.00", "30.00")
    assert (await ada.pay(bob, "10.00", key="k")).headers[REPLAYED] == "true"


async def test_a_key_belongs_to_its_person(ada, bob):
    from_ada = await ada.pay(bob, "10.00", key="k")

    from_bob = await bob.pay(ada, "10.00", key="k")

    assert REPLAYED not in from_bob.headers
    assert from_bob.body["id"] != from_ada.body["id"]
    assert (await ada.balance(), await bob.balance()) == ("500.00", "20.00")


@pytest.mark.parametrize(
    ("amount", "recipient", "refused"),
    [
        ("20.01", "ada", (400, "insufficient_funds")),
        ("100.01", "ada", (400, "insufficient_funds")),
        ("1.00", "nobody", (400, "recipient_unavailable")),
    ],
)
async def test_a_decline_is_given_again_to_the_byte_though_its_cause_is_gone(ada, bob, amount, recipient, refused):
    to = {"ada": ada.wallet_id, "nobody": NOBODY}[recipient]
    first = await bob.pay(to, amount, key="k")
    await bob.add_funds("300.00")

    again = await bob.pay(to, amount, key="k")

    assert first.refused == again.refused == refused
    assert (again.status, again.raw) == (first.status, first.raw)
    assert again.headers[REPLAYED] == "true"
    assert again.body["request_id"] == first.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    assert await bob.balance() == "320.00"


async def test_an_exceeded_limit_and_a_freeze_are_given_again_to_the_byte(ada, bob, owner):
    await ada.pay(bob, "60.00")
    limited = await ada.pay(bob, "60.00", key="limited")
    await owner.execute("UPDATE accounts SET status = 'frozen' WHERE wallet_id = $1", ada.wallet_id)
    frozen = await ada.pay(bob, "1.00", key="frozen")
    await owner.execute("UPDATE accounts SET status = 'active' WHERE wallet_id = $1", ada.wallet_id)
    await owner.execute("UPDATE transfer_limits SET daily_max = 1000000 WHERE user_id = $1", ada.id)

    again = [await ada.pay(bob, "60.00", key="limited"), await ada.pay(bob, "1.00", key="frozen")]

    assert (limited.refused, frozen.refused) == ((403, "limit_exceeded"), (403, "wallet_frozen"))
    assert [answer.raw for answer in again] == [limited.raw, frozen.raw]
    assert await ada.balance() == "440.00"


async def test_a_decline_is_in_the_history_once_however_often_it_is_asked_for(ada, bob):
    for _ in range(3):
        await bob.pay(ada, "500.00", key="k")

    assert len(await bob.history(status="FAILED")) == 1


async def test_what_never_reached_a_decision_leaves_the_key_free(ada, bob):
    refused = [
        await ada.pay(bob, "1.001", key="k"),
        await ada.pay(bob, "0", key="k"),
        await ada.pay(bob, "x", key="k"),
        await ada.pay(bob, "1.00", key="k", colour="red"),
        await ada.pay(ada, "1.00", key="k"),
        await ada.move(f"/wallets/{NOBODY}/transfer", {"to_wallet_id": bob.wallet_id, "amount": "1.00"}, key="k"),
        await replace(ada, token="none").pay(bob, "1.00", key="k"),
    ]

    corrected = await ada.pay(bob, "1.00", key="k")

    assert {answer.status for answer in refused} == {400, 401, 404}
    assert corrected.status == 201
    assert REPLAYED not in corrected.headers


async def test_money_that_leaves_needs_a_key_and_money_that_comes_does_not(ada, bob):
    transfer = await ada.post(ada.own("/transfer"), {"to_wallet_id": bob.wallet_id, "amount": "1.00"})
    withdrawal = await ada.post(ada.own("/withdraw"), {"amount": "1.00"})
    funds = await ada.post(ada.own("/add-funds"), {"amount": "1.00"})

    assert transfer.refused == withdrawal.refused == (400, "idempotency_key_required")
    assert funds.status == 201


async def test_the_document_says_where_a_key_is_required(api):
    paths = api.contract.document["paths"]

    required = {
        path: parameter["required"]
        for path, item in paths.items()
        for operation in item.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    }

    assert required == {
        "/admin/wallets/{wallet_id}/deposit": False,
        "/wallets/{wallet_id}/add-funds": False,
        "/wallets/{wallet_id}/withdraw": True,
        "/wallets/{wallet_id}/transfer": True,
    }


KEYS = {
    "one character": "k",
    "255 characters": "k" * 255,
    "every visible one": "".join(map(chr, range(0x21, 0x7F))),
}
BAD_KEYS = {
    "empty": "",
    "256 characters": "k" * 256,
    "a space": "a b",
    "a tab": "a\tb",
    "not ASCII": "sch\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel",
    "an emoji": "\N{GRINNING FACE}",
}


async def test_a_key_has_1_to_255_visible_ascii_characters(ada, bob):
    taken = {what: await ada.pay(bob, "1.00", key=key) for what, key in KEYS.items()}
    again = {what: await ada.pay(bob, "1.00", key=key) for what, key in KEYS.items()}
    body = {"to_wallet_id": bob.wallet_id, "amount": "1.00"}
    refused = {
        f"{what}, {path}": await ada.post(ada.own(path), sent, headers={"Idempotency-Key": key})
        for what, key in BAD_KEYS.items()
        for path, sent in (("/transfer", body), ("/withdraw", {"amount": "1.00"}), ("/add-funds", {"amount": "1.00"}))
    }

    assert {what: answer.status for what, answer in taken.items()} == dict.fromkeys(KEYS, 201)
    assert {what: again[what].raw == taken[what].raw for what in KEYS} == dict.fromkeys(KEYS, True)
    assert {what: answer.refused for what, answer in refused.items()} == dict.fromkeys(
        refused, (400, "idempotency_key_invalid")
    )
    assert await ada.balance() == "497.00"


async def test_a_key_sent_twice_is_refused_even_when_both_are_the_same(ada, bob):
    body = {"to_wallet_id": bob.wallet_id, "amount": "1.00"}

    answers = [
        await ada.post(ada.own("/transfer"), body, headers=[("Idempotency-Key", "k"), ("Idempotency-Key", second)])
        for second in ("k", "other")
    ]

    assert [answer.refused for answer in answers] == [(400, "idempotency_key_invalid")] * 2


async def test_keys_are_told_apart_by_every_character(ada, bob):
    answers = [await ada.pay(bob, "1.00", key=key) for key in ("k", "K", "k-", "k_", "k%")]

    assert len({answer.body["id"] for answer in answers}) == 5


async def test_posts_of_one_key_at_the_same_moment_move_the_money_once(ada, bob):
    answers = await asyncio.gather(*(ada.pay(bob, "10.00", key="k") for _ in range(25)))

    assert {answer.raw for answer in answers} == {answers[0].raw}
    assert {answer.status for answer in answers} == {201}
    assert sum(REPLAYED in answer.headers for answer in answers) == 24
    assert (await ada.balance(), await bob.balance()) == ("490.00", "30.00")


async def test_a_refusal_replayed_as_problem_json_is_the_same_refusal(bob, ada):
    body = {"to_wallet_id": ada.wallet_id, "amount": "500.00"}
    first = await bob.post(bob.own("/transfer"), body, headers={"Idempotency-Key": "k"})

    again = await bob.post(
        bob.own("/transfer"), body, headers={"Idempotency-Key": "k", "Accept": "application/problem+json"}
    )

    assert again.headers["Content-Type"] == "application/problem+json"
    assert again.raw == first.raw


async def test_an_answer_is_the_same_after_the_service_has_started_anew(settings, ada, bob, aiohttp_client):
    first = [await ada.pay(bob, "70.00", key="done"), await ada.pay(bob, "70.00", key="declined")]

    async with opened_api(settings) as restarted:
        api = await client_of(restarted, aiohttp_client)
        later = replace(ada, api=api, token=await log_in(api, ada.email))
        again = [await later.pay(bob, "70.00", key="done"), await later.pay(bob, "70.00", key="declined")]

    assert [answer.status for answer in again] == [201, 403]
    assert [answer.raw for answer in again] == [answer.raw for answer in first]
    assert all(answer.headers[REPLAYED] == "true" for answer in again)


async def test_an_operator_may_do_without_required_keys(environment, aiohttp_client):
    settings = Settings.from_environment(environment | {"REQUIRE_IDEMPOTENCY_KEY": "false"})
    async with opened_api(settings) as app:
        api = await client_of(app, aiohttp_client)
        carol, dan = await sign_up(api, "Carol"), await sign_up(api, "Dan")
        await carol.add_funds("5.00")

        body = {"to_wallet_id": dan.wallet_id, "amount": "1.00"}
        without = [await carol.post(carol.own("/transfer"), body) for _ in range(2)]
        under_key = [await carol.pay(dan, "1.00", key="k") for _ in range(2)]

        assert [answer.status for answer in (*without, *under_key)] == [201] * 4
        assert under_key[0].raw == under_key[1].raw
        assert json.loads(without[0].raw)["id"] != json.loads(without[1].raw)["id"]
        assert await carol.balance() == "2.00"
