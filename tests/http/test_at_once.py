"""Requests that arrive together: each gets an answer of the contract, and what may be once is once."""

import asyncio
from collections import Counter

from tests.http.clients import PASSWORD, sign_up


async def test_one_of_many_gets_an_address(api):
    body = {"name": "Carol", "email": "carol@example.com", "password": PASSWORD}

    answers = await asyncio.gather(*(api.call("POST", "/auth/signup", body) for _ in range(6)))

    assert Counter(answer.status for answer in answers) == {201: 1, 409: 5}


async def test_no_more_wallets_are_opened_together_than_one_after_the_other(ada):
    answers = await asyncio.gather(*(ada.post("/wallets", {}) for _ in range(14)))

    assert Counter(answer.status for answer in answers) == {201: 9, 409: 5}
    wallets = (await ada.get("/wallets")).body["data"]
    assert len({wallet["name"] for wallet in wallets}) == len(wallets) == 10


async def test_one_of_many_gets_a_name_and_a_currency_is_added_once(ada):
    named = await asyncio.gather(*(ada.post("/wallets", {"name": "Savings"}) for _ in range(5)))
    added = await asyncio.gather(*(ada.post(ada.own("/currencies"), {"currency": "EUR"}) for _ in range(5)))

    assert Counter(answer.status for answer in named) == {201: 1, 409: 4}
    assert Counter(answer.status for answer in added) == {201: 1, 409: 4}


async def test_first_wallets_opened_together_make_one_default(api):
    await api.call("POST", "/auth/signup", {"name": "Dan", "email": "dan@example.com", "password": PASSWORD})
    login = await api.call("POST", "/auth/login", {"email": "dan@example.com", "password": PASSWORD})
    token = login.body["access_token"]

    await asyncio.gather(*(api.call("POST", "/wallets", {"name": f"W{n}"}, token=token) for n in range(5)))

    wallets = (await api.call("GET", "/wallets", token=token)).body["data"]
    assert Counter(wallet["default"] for wallet in wallets) == {True: 1, False: 4}


async def test_defaults_chosen_together_leave_one(ada):
    wallets = [await ada.open_wallet(name=f"W{number}") for number in range(5)]

    answers = await asyncio.gather(*(ada.ask("PATCH", f"/wallets/{each}", {"default": True}) for each in wallets))

    assert {answer.status for answer in answers} == {200}
    assert sum(wallet["default"] for wallet in (await ada.get("/wallets")).body["data"]) == 1


async def test_transfers_sent_together_pay_what_there_is_and_no_more(bob, ada):
    answers = await asyncio.gather(*(bob.pay(ada, "1.00") for _ in range(30)))

    assert Counter(answer.status for answer in answers) == {201: 20, 400: 10}
    assert (await bob.balance(), await ada.balance()) == ("0.00", "520.00")
    assert Counter(line["status"] for line in await bob.history(type="transfer_out")) == {"COMPLETED": 20, "FAILED": 10}


async def test_transfers_sent_together_stay_within_the_limit(ada, bob):
    answers = await asyncio.gather(*(ada.pay(bob, "10.00") for _ in range(15)))

    assert Counter(answer.status for answer in answers) == {201: 10, 403: 5}
    assert (await ada.get("/limits")).body["transfer"]["daily"]["remaining"] == "0.00"


async def test_transfers_both_ways_and_readers_in_between_are_all_answered(ada, bob):
    carol = await sign_up(ada.api, "Carol")
    work = [ada.pay(bob, "0.01") for _ in range(20)] + [bob.pay(ada, "0.02") for _ in range(20)]
    work += [ada.pay(carol, "0.03") for _ in range(20)] + [ada.get("/wallets") for _ in range(20)]
    work += [bob.get("/transactions") for _ in range(20)]

    answers = await asyncio.gather(*work)

    assert {answer.status for answer in answers} == {200, 201}
    assert (await ada.balance(), await bob.balance(), await carol.balance()) == ("499.60", "19.80", "0.60")
