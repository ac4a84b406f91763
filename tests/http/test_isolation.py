"""What belongs to one person is to another as if it were not there, on every operation there is."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.http.clients import NOBODY, log_in
from tests.http.operations import Operation, operations_of

IDS = ("wallet_id", "transaction_id", "session_id")


@pytest.fixture
def operations(app, api) -> list[Operation]:
    return operations_of(app, api.contract)


@pytest.fixture
async def adas(ada, bob) -> dict[str, str]:
    """The ids of what is Ada's alone."""
    await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    failed = await ada.pay(bob, "400.00")
    assert failed.status == 403
    elsewhere = replace(ada, token=await log_in(ada.api, ada.email))
    return {
        "wallet_id": ada.wallet_id,
        "transaction_id": (await ada.history())[0]["id"],
        "session_id": elsewhere.session_id,
    }


async def everything(person) -> Any:
    """All that a person can read of what is theirs."""
    paths = ["/me", "/wallets", "/transactions", "/limits", "/limits?currency=EUR", "/wallets/total"]
    return [(await person.get(path)).body for path in paths]


def is_of_ones_own(operation) -> bool:
    """Whether it is for whoever has what it names. What is for admins is for nobody else, whoever has it."""
    return bool(re.search("|".join(IDS), operation.path)) and not operation.path.startswith("/admin")


def without_request_id(answer) -> dict[str, Any]:
    return answer.body | {"request_id": ""}


def bodies_for(operation, to) -> list[dict[str, Any] | None]:
    """Good bodies that take different ways to the wallet: its own currency left out, named, and another one."""
    good = operation.good_body(to_wallet_id=to.wallet_id)
    if good is None or "currency" not in good:
        return [good]
    bodies = [good | {"currency": "USD"}, good | {"currency": "EUR"}]
    if "currency" not in operation.body_schema.get("required", ()):
        bodies.append({name: value for name, value in good.items() if name != "currency"})
    return bodies


async def test_anothers_id_in_a_path_is_as_unknown_as_one_that_nothing_has(operations, adas, ada, bob):
    before = await everything(ada), await everything(bob)
    named = [each for each in operations if is_of_ones_own(each)]
    told_apart = []

    for operation, body in [(each, body) for each in named for body in bodies_for(each, bob)]:
        others, unknown = [
            await bob.ask(operation.method, operation.path.format(**ids), body, headers={"Idempotency-Key": "k"})
            for ids in (adas, dict.fromkeys(IDS, NOBODY))
        ]
        if not others.status == unknown.status == 404 or without_request_id(others) != without_request_id(unknown):
            told_apart.append((str(operation), body, others, unknown))

    assert len(named) >= 10
    assert told_apart == []
    assert (await everything(ada), await everything(bob)) == before


async def test_the_same_requests_are_answered_where_the_id_is_ones_own(operations, adas, ada, bob):
    named = [each for each in operations if is_of_ones_own(each)]

    answers = {}
    for operation in named:
        body = operation.good_body(to_wallet_id=bob.wallet_id, currency="JPY" if "/curr" in operation.path else "USD")
        key = {"Idempotency-Key": operation.name}
        answers[str(operation)] = await ada.ask(operation.method, operation.path.format(**adas), body, headers=key)

    assert {name: answer for name, answer in answers.items() if answer.status not in (200, 201, 204)} == {}


async def test_anothers_wallet_in_a_query_is_as_unknown_as_one_that_nothing_has(operations, adas, bob):
    named = [
        (each, name) for each in operations if not each.path.startswith("/admin") for name in each.query if name in IDS
    ]

    answers = {
        str(operation): [
            await bob.ask(operation.method, operation.path, query={name: wallet_id})
            for wallet_id in (adas[name], NOBODY)
        ]
        for operation, name in named
    }

    assert "GET /transactions" in answers
    for others, unknown in answers.values():
        assert others.refused == (404, "not_found")
        assert without_request_id(others) == without_request_id(unknown)


async def test_a_balance_that_the_cache_holds_is_its_owners_alone(ada, bob):
    for _ in range(3):
        await ada.balance()

    answers = [await bob.get(ada.own("/balance"), query=query) for query in ({}, {"currency": "USD"})]

    assert [answer.refused for answer in answers] == [(404, "not_found")] * 2


async def test_what_a_process_remembers_of_a_wallet_it_tells_its_owner_alone(ada, bob):
    yen = await ada.open_wallet(name="Trips", currency="JPY")
    await ada.move(f"/wallets/{yen}/add-funds", {"amount": "500"})
    # An amount that dollars have and yen have not, so that a remembered currency would show.
    body = {"to_wallet_id": bob.wallet_id, "amount": "1.50"}

    others, unknown = [await bob.move(f"/wallets/{each}/transfer", body) for each in (yen, NOBODY)]

    assert others.refused == (404, "not_found")
    assert without_request_id(others) == without_request_id(unknown)
    assert (await ada.move(f"/wallets/{yen}/transfer", body)).refused == (400, "amount_precision")


async def test_nobody_acts_on_the_wallets_of_the_system(ada, owner):
    wallets = await owner.fetch("SELECT id FROM wallets WHERE user_id IS NULL")

    answers = [
        await ada.move(f"/wallets/{wallet['id']}/transfer", {"to_wallet_id": ada.wallet_id, "amount": "1.00", **more})
        for wallet in wallets
        for more in ({}, {"currency": "USD"})
    ] + [await ada.get(f"/wallets/{wallet['id']}") for wallet in wallets]

    assert len(wallets) == 3
    assert {answer.refused for answer in answers} == {(404, "not_found")}


async def test_lists_hold_nothing_of_anybody_else(ada, bob):
    await ada.pay(bob, "1.00")

    assert {line["wallet_id"] for line in await ada.history()} == {ada.wallet_id}
    assert {line["wallet_id"] for line in await bob.history()} == {bob.wallet_id}
    assert [wallet["id"] for wallet in (await bob.get("/wallets")).body["data"]] == [bob.wallet_id]
    assert (await bob.get("/wallets/total")).body["totals"][0]["balance"] == "21.00"
