"""Adding funds: they are there at once, and an amount is exact or refused."""

import asyncio

import pytest

from tests.http.clients import NOBODY


async def test_added_funds_are_there_at_once(ada):
    answer = await ada.add_funds("12.50")

    assert answer.status == 201
    assert answer.body == {
        "id": answer.body["id"],
        "wallet_id": ada.wallet_id,
        "type": "deposit",
        "status": "COMPLETED",
        "direction": "in",
        "amount": "12.50",
        "currency": "USD",
        "counterparty": None,
        "balance_after": "512.50",
        "failure_reason": None,
        "note": None,
        "created_at": answer.body["created_at"],
        "completed_at": answer.body["created_at"],
    }
    assert await ada.balance() == "512.50"
    assert (await ada.get(f"/transactions/{answer.body['id']}")).body == answer.body


async def test_an_amount_may_be_a_string_or_an_exact_number(ada):
    written = {b'"12.50"': "12.50", b"12.50": "12.50", b"12.5": "12.50", b"7": "7.00", b'"7"': "7.00", b"0.01": "0.01"}

    answers = {amount: await ada.post(ada.own("/add-funds"), raw=b'{"amount":' + amount + b"}") for amount in written}

    assert {amount: answer.body["amount"] for amount, answer in answers.items()} == written


async def test_each_currency_has_its_own_digits(ada):
    for currency in ("JPY", "EUR"):
        await ada.post(ada.own("/currencies"), {"currency": currency})

    yen = await ada.add_funds("500", currency="JPY")
    too_fine_for_yen = await ada.add_funds("500.0", currency="JPY")
    too_fine_for_euro = await ada.add_funds("5.001", currency="EUR")

    assert (yen.body["amount"], yen.body["balance_after"], yen.body["currency"]) == ("500", "500", "JPY")
    assert too_fine_for_yen.refused == (400, "amount_precision")
    assert too_fine_for_euro.refused == (400, "amount_precision")
    assert await ada.balance() == "500.00"


async def test_a_wallet_takes_no_currency_that_it_does_not_hold(ada):
    not_held = await ada.add_funds("1.00", currency="EUR")
    not_enabled = await ada.add_funds("1.00", currency="CHF")

    assert not_held.refused == (400, "currency_mismatch")
    assert not_enabled.refused == (400, "currency_not_enabled")


async def test_an_unknown_gateway_is_refused_by_name(ada):
    answer = await ada.add_funds("1.00", gateway="piggy-bank")

    assert answer.refused == (400, "invalid_request")
    assert answer.faulty_fields == ["body.gateway"]
    assert (await ada.add_funds("1.00", gateway="sandbox")).status == 201


async def test_a_wallet_that_does_not_exist_takes_nothing(ada):
    answer = await ada.move(f"/wallets/{NOBODY}/add-funds", {"amount": "1.00"})

    assert answer.refused == (404, "not_found")


@pytest.mark.parametrize(("status", "code"), [("frozen", "wallet_frozen"), ("deactivated", "account_deactivated")])
async def test_a_wallet_out_of_use_takes_nothing_and_the_attempt_is_kept(ada, owner, status, code):
    await owner.execute("UPDATE accounts SET status = $1 WHERE wallet_id = $2", status, ada.wallet_id)

    answer = await ada.add_funds("1.00")

    assert answer.refused == (403, code)
    [newest, *_] = await ada.history()
    assert (newest["type"], newest["status"], newest["failure_reason"]) == ("deposit", "FAILED", code)
    assert await ada.balance() == "500.00"


async def test_a_balance_too_large_to_keep_is_declined(ada):
    await ada.add_funds("9999999999499.99")

    answer = await ada.add_funds("0.02")
    for _ in range(12):
        await ada.add_funds("9999999999999999.99")

    assert answer.refused == (400, "balance_too_large")
    assert await ada.balance() == "9999999999999.99"


async def test_nobody_alone_can_use_up_what_funds_come_from(ada, bob):
    for _ in range(12):
        await ada.add_funds("9999999999999999.99")

    answer = await bob.add_funds("1.00")

    assert answer.status == 201


async def test_funds_may_be_added_without_a_key_each_time_anew(ada):
    answers = [await ada.post(ada.own("/add-funds"), {"amount": "1.00"}) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert await ada.balance() == "502.00"


async def test_funds_added_at_the_same_moment_are_all_there(ada):
    answers = await asyncio.gather(*(ada.add_funds("1.00") for _ in range(30)))

    assert {answer.status for answer in answers} == {201}
    assert await ada.balance() == "530.00"
    balances = sorted(answer.body["balance_after"] for answer in answers)
    assert balances == [f"{501 + number}.00" for number in range(30)]
