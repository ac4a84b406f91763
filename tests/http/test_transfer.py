"""Transfers: what both sides see, whom an address reaches, and every reason to decline."""

import pytest

from tests.http.clients import NOBODY, PASSWORD, sign_up, verify


async def freeze(owner, person, status="frozen"):
    await owner.execute("UPDATE accounts SET status = $1 WHERE wallet_id = $2", status, person.wallet_id)


async def transfer(person, **body):
    return await person.move(person.own("/transfer"), body)


async def test_a_transfer_is_seen_by_both_sides(ada, bob):
    answer = await ada.pay(bob, "12.50", note="Lunch \N{HOT BEVERAGE}")

    [received, *_] = await bob.history()
    assert answer.status == 201
    assert answer.body == {
        "id": answer.body["id"],
        "wallet_id": ada.wallet_id,
        "type": "transfer_out",
        "status": "COMPLETED",
        "direction": "out",
        "amount": "12.50",
        "currency": "USD",
        "counterparty": {"wallet_id": bob.wallet_id, "name": "Bob"},
        "balance_after": "487.50",
        "failure_reason": None,
        "note": "Lunch \N{HOT BEVERAGE}",
        "created_at": answer.body["created_at"],
        "completed_at": answer.body["created_at"],
    }
    assert received == answer.body | {
        "wallet_id": bob.wallet_id,
        "type": "transfer_in",
        "direction": "in",
        "counterparty": {"wallet_id": ada.wallet_id, "name": "Ada"},
        "balance_after": "32.50",
    }
    assert (await ada.balance(), await bob.balance()) == ("487.50", "32.50")
    assert (await bob.get(f"/transactions/{received['id']}")).body == received


async def test_an_address_reaches_the_default_wallet_of_whoever_has_it(api, ada, bob):
    await bob.ask("PATCH", "/me", {"phone": "+1 415 555 0123"})
    await verify(api, bob.token, "+14155550123")
    savings = await bob.open_wallet(name="Savings")

    by_email = await transfer(ada, to=bob.email.upper(), amount="1.00")
    by_phone = await transfer(ada, to="+1 (415) 555-0123", amount="1.00")
    await bob.ask("PATCH", f"/wallets/{savings}", {"default": True})
    after_a_change = await transfer(ada, to=bob.email, amount="1.00")

    assert by_email.body["counterparty"]["wallet_id"] == bob.wallet_id
    assert by_phone.body["counterparty"]["wallet_id"] == bob.wallet_id
    assert after_a_change.body["counterparty"]["wallet_id"] == savings


async def test_an_address_reaches_nobody_until_somebody_has_shown_that_it_is_theirs(api, ada, bob):
    await bob.ask("PATCH", "/me", {"phone": "+1 415 555 0123", "email": "bob@example.com"})

    before = [await transfer(ada, to=to, amount="1.00") for to in ("+14155550123", "bob@example.com", bob.email)]
    await verify(api, bob.token, "bob@example.com")
    after = await transfer(ada, to="bob@example.com", amount="1.00")

    assert [answer.refused for answer in before] == [(400, "recipient_unavailable")] * 3
    assert after.status == 201


async def test_an_address_that_reaches_nobody_and_a_person_without_a_wallet_are_declined_alike(api, ada):
    await api.call("POST", "/auth/signup", {"name": "Carol", "email": "carol@example.com", "password": PASSWORD})

    nobody = await transfer(ada, to="nobody@example.com", amount="1.00")
    no_phone = await transfer(ada, to="+14155550199", amount="1.00")
    no_wallet = await transfer(ada, to="carol@example.com", amount="1.00")

    assert nobody.refused == no_phone.refused == no_wallet.refused == (400, "recipient_unavailable")
    lines = await ada.history(status="FAILED")
    assert [(line["failure_reason"], line["counterparty"]) for line in lines] == [("recipient_unavailable", None)] * 3


async def test_what_is_neither_an_email_nor_a_phone_is_refused_as_such(ada):
    written = ["Bob", "bob@", "@example.com", "a b@example.com", "12", "+", "4155550123", "+1 415 x", "+14", "x" * 254]

    answers = {to: await transfer(ada, to=to, amount="1.00") for to in written}

    assert {to: answer.refused for to, answer in answers.items()} == dict.fromkeys(written, (400, "invalid_request"))
    assert {to: answer.faulty_fields for to, answer in answers.items()} == {to: ["body.to"] for to in written}


async def test_exactly_one_recipient_is_named(ada, bob):
    none = await transfer(ada, amount="1.00")
    both = await transfer(ada, amount="1.00", to=bob.email, to_wallet_id=bob.wallet_id)

    assert none.refused == both.refused == (400, "invalid_request")
    assert none.faulty_fields == both.faulty_fields == ["body.to_wallet_id"]


async def test_money_moves_between_wallets_of_one_person(ada):
    savings = await ada.open_wallet(name="Savings")

    answer = await ada.pay(savings, "30.00")

    assert answer.body["counterparty"] == {"wallet_id": savings, "name": "Ada"}
    assert (await ada.balance(), await ada.balance(savings)) == ("470.00", "30.00")


async def test_a_wallet_pays_nothing_to_itself(ada):
    by_id = await ada.pay(ada, "1.00")
    by_address = await transfer(ada, to=ada.email, amount="1.00")

    assert by_id.refused == by_address.refused == (400, "same_wallet")
    assert await ada.balance() == "500.00"


async def test_more_than_the_balance_is_declined(bob, ada):
    answer = await bob.pay(ada, "20.01")

    assert answer.refused == (400, "insufficient_funds")
    assert answer.body["error"] == "Insufficient balance"
    assert (await ada.balance(), await bob.balance()) == ("500.00", "20.00")


async def test_more_than_the_days_limit_is_declined_with_its_figures(ada, bob):
    await ada.pay(bob, "60.00")

    answer = await ada.pay(bob, "40.01")

    assert answer.refused == (403, "limit_exceeded")
    problem = answer.body
    limits = (await ada.get("/limits")).body["transfer"]["daily"]
    assert {name: problem[name] for name in limits} == limits
    assert (limits["limit"], limits["used"], limits["remaining"]) == ("100.00", "60.00", "40.00")
    assert (problem["kind"], problem["window"], problem["currency"]) == ("transfer", "daily", "USD")
    assert (await ada.pay(bob, "40.00")).status == 201


async def test_more_than_the_months_limit_is_declined_with_its_figures(ada, bob, owner):
    await ada.pay(bob, "1.00")
    await owner.execute("UPDATE transfer_limits SET month_used = 99950 WHERE user_id = $1", ada.id)

    answer = await ada.pay(bob, "1.00")

    limits = (await ada.get("/limits")).body["transfer"]["monthly"]
    assert answer.refused == (403, "limit_exceeded")
    assert answer.body["window"] == "monthly"
    assert {name: answer.body[name] for name in limits} == limits
    assert limits["remaining"] == "0.50"


@pytest.mark.parametrize(("status", "code"), [("frozen", "wallet_frozen"), ("deactivated", "account_deactivated")])
async def test_a_sender_out_of_use_sends_nothing(ada, bob, owner, status, code):
    await freeze(owner, ada, status)

    answer = await ada.pay(bob, "1.00")

    assert answer.refused == (403, code)
    assert (await ada.history())[0]["failure_reason"] == code


@pytest.mark.parametrize("status", ["frozen", "deactivated"])
async def test_why_a_recipient_cannot_receive_is_not_the_senders_to_know(ada, bob, owner, status):
    await freeze(owner, bob, status)

    answer = await ada.pay(bob, "1.00")
    unknown = await ada.pay(NOBODY, "1.00")

    assert answer.refused == unknown.refused == (400, "recipient_unavailable")
    assert answer.body | {"request_id": ""} == unknown.body | {"request_id": ""}


async def test_nothing_is_sent_to_the_wallets_of_the_system(ada, owner):
    payout = await owner.fetchval("SELECT id FROM wallets WHERE user_id IS NULL AND name = 'payout'")

    answer = await ada.pay(str(payout), "1.00")

    assert answer.refused == (400, "recipient_unavailable")


async def test_a_currency_that_either_side_does_not_hold_is_a_mismatch(ada, bob):
    own_lacks_it = await ada.pay(bob, "1.00", currency="EUR")
    await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    await ada.add_funds("5.00", currency="EUR")
    other_lacks_it = await ada.pay(bob, "1.00", currency="EUR")
    unknown = await ada.pay(bob, "1.00", currency="CHF")

    assert own_lacks_it.refused == other_lacks_it.refused == (400, "currency_mismatch")
    assert unknown.refused == (400, "currency_not_enabled")
    await bob.post(bob.own("/currencies"), {"currency": "EUR"})
    assert (await ada.pay(bob, "1.00", currency="EUR")).status == 201
    assert await bob.balance(currency="EUR") == "1.00"


async def test_what_failed_is_in_the_senders_history_and_not_in_the_recipients(bob, ada):
    await bob.pay(ada, "20.01", note="rent")

    [newest, *_] = await bob.history()
    assert (newest["type"], newest["status"], newest["direction"]) == ("transfer_out", "FAILED", "out")
    assert (newest["amount"], newest["failure_reason"], newest["note"]) == ("20.01", "insufficient_funds", "rent")
    assert (newest["balance_after"], newest["completed_at"]) == (None, None)
    assert all(line["status"] == "COMPLETED" for line in await ada.history())
    assert (await ada.get(f"/transactions/{newest['id']}")).refused == (404, "not_found")
    assert (await bob.get(f"/transactions/{newest['id']}")).body == newest


async def test_the_names_on_a_transfer_are_those_of_its_moment(ada, bob):
    await ada.pay(bob, "1.00")
    await bob.ask("PATCH", "/me", {"name": "Robert"})
    await ada.pay(bob, "1.00")

    names = [line["counterparty"]["name"] for line in await ada.history(type="transfer_out")]

    assert names == ["Robert", "Bob"]


async def test_an_empty_note_is_none_and_a_long_one_is_refused(ada, bob):
    empty = await ada.pay(bob, "1.00", note="")
    longest = await ada.pay(bob, "1.00", note="\N{GRINNING FACE}" * 200)
    too_long = await ada.pay(bob, "1.00", note="x" * 201)

    assert empty.body["note"] is None
    assert longest.body["note"] == "\N{GRINNING FACE}" * 200
    assert too_long.faulty_fields == ["body.note"]


async def test_the_first_reason_is_the_one_given(bob, owner):
    carol = await sign_up(bob.api, "Carol")
    await freeze(owner, carol)

    unavailable_before_funds = await bob.pay(carol, "500.00")
    funds_before_limit = await bob.pay((await sign_up(bob.api, "Dan")).wallet_id, "500.00")

    assert unavailable_before_funds.refused == (400, "recipient_unavailable")
    assert funds_before_limit.refused == (400, "insufficient_funds")
