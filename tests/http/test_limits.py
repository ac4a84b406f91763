"""Limits: read with their use, lowered at once, never raised above what the operator set."""

from tests.http.clients import sign_up


def caps(limits):
    """The maximums alone."""
    return {
        kind: {window: limits[kind][window]["limit"] for window in ("daily", "monthly")}
        for kind in ("transfer", "withdrawal")
    }


async def lower(person, **body):
    return await person.ask("PUT", "/limits", body)


OPERATORS = {"daily": "100.00", "monthly": "1000.00"}


async def test_limits_start_as_the_operator_set_them_and_unused(ada):
    limits = (await ada.get("/limits")).body

    assert limits["currency"] == "USD"
    assert caps(limits) == {"transfer": OPERATORS, "withdrawal": OPERATORS}
    for kind in ("transfer", "withdrawal"):
        for window in ("daily", "monthly"):
            assert limits[kind][window]["used"] == "0.00"
            assert limits[kind][window]["remaining"] == limits[kind][window]["limit"]
            assert limits[kind][window]["resets_at"].endswith("T00:00:00.000000Z")


async def test_each_movement_uses_up_both_windows_of_its_own_kind(ada, bob):
    await ada.pay(bob, "30.00")
    await ada.pay(bob, "500.00")
    await ada.withdraw("5.00")

    limits = (await ada.get("/limits")).body

    used = {(kind, window): limits[kind][window]["used"] for kind in caps(limits) for window in ("daily", "monthly")}
    assert used == {
        ("transfer", "daily"): "30.00",
        ("transfer", "monthly"): "30.00",
        ("withdrawal", "daily"): "5.00",
        ("withdrawal", "monthly"): "5.00",
    }
    assert (await bob.get("/limits")).body["transfer"]["daily"]["used"] == "0.00"


async def test_limits_are_over_all_wallets_of_a_person(ada, bob):
    savings = await ada.open_wallet(name="Savings")
    await ada.pay(savings, "60.00")

    answer = await ada.move(f"/wallets/{savings}/transfer", {"to_wallet_id": bob.wallet_id, "amount": "40.01"})

    assert answer.refused == (403, "limit_exceeded")
    assert answer.body["remaining"] == "40.00"


async def test_a_lowered_limit_holds_at_once(ada, bob):
    await ada.pay(bob, "6.00")

    answer = await lower(ada, transfer={"daily": "10.00"})
    too_much = await ada.pay(bob, "4.01")
    enough = await ada.pay(bob, "4.00")

    daily = answer.body["transfer"]["daily"]
    assert (daily["limit"], daily["used"], daily["remaining"]) == ("10.00", "6.00", "4.00")
    assert too_much.refused == (403, "limit_exceeded")
    assert enough.status == 201
    assert (await ada.get("/limits")).body["transfer"]["daily"]["remaining"] == "0.00"


async def test_only_what_is_named_changes(ada):
    await lower(ada, transfer={"monthly": "50.00"})
    await lower(ada, withdrawal={"daily": "5", "monthly": 7.50})
    nothing = await lower(ada)
    nor_this = await lower(ada, transfer={})

    expected = {
        "transfer": {"daily": "100.00", "monthly": "50.00"},
        "withdrawal": {"daily": "5.00", "monthly": "7.50"},
    }
    assert caps(nothing.body) == caps(nor_this.body) == caps((await ada.get("/limits")).body) == expected


async def test_a_limit_below_what_is_used_leaves_nothing_and_owes_nothing(ada, bob):
    await ada.pay(bob, "30.00")

    daily = (await lower(ada, transfer={"daily": "10.00"})).body["transfer"]["daily"]

    assert (daily["limit"], daily["used"], daily["remaining"]) == ("10.00", "30.00", "0.00")
    assert (await ada.pay(bob, "0.01")).refused == (403, "limit_exceeded")


async def test_a_limit_of_zero_allows_nothing(ada, bob):
    await lower(ada, transfer={"daily": "0"}, withdrawal={"monthly": "0.00"})

    assert (await ada.pay(bob, "0.01")).refused == (403, "limit_exceeded")
    assert (await ada.withdraw("0.01")).body["window"] == "monthly"


async def test_a_limit_may_go_back_up_to_the_operators_and_no_further(ada):
    await lower(ada, transfer={"daily": "10.00"})

    back = await lower(ada, transfer={"daily": "100.00"})
    further = await lower(ada, transfer={"daily": "100.01"})

    assert back.body["transfer"]["daily"]["limit"] == "100.00"
    assert further.refused == (400, "limit_too_high")


async def test_a_change_that_is_too_high_in_one_part_changes_no_part(ada):
    answer = await lower(ada, transfer={"daily": "1.00", "monthly": "1000.01"}, withdrawal={"daily": "1.00"})

    assert answer.refused == (400, "limit_too_high")
    assert caps((await ada.get("/limits")).body) == {"transfer": OPERATORS, "withdrawal": OPERATORS}


async def test_each_currency_has_its_own_limits_also_before_it_is_held(ada):
    lowered = await lower(ada, currency="JPY", transfer={"daily": "100"})
    by_query = await ada.ask("PUT", "/limits", {"transfer": {"monthly": "200"}}, query={"currency": "JPY"})
    await ada.post(ada.own("/currencies"), {"currency": "JPY"})
    await ada.add_funds("500", currency="JPY")

    limits = (await ada.get("/limits", query={"currency": "JPY"})).body
    too_much = await ada.withdraw("15001", currency="JPY")

    assert lowered.body["currency"] == "JPY"
    assert limits == by_query.body
    assert caps(limits)["transfer"] == {"daily": "100", "monthly": "200"}
    assert caps(limits)["withdrawal"] == {"daily": "15000", "monthly": "150000"}
    assert caps((await ada.get("/limits")).body)["transfer"] == OPERATORS
    assert too_much.refused == (400, "insufficient_funds")


async def test_without_a_currency_it_is_that_of_the_default_wallet(api):
    carol = await sign_up(api, "Carol", currency="EUR")

    assert (await carol.get("/limits")).body["currency"] == "EUR"
    assert (await lower(carol, transfer={"daily": "1.00"})).body["currency"] == "EUR"


async def test_what_is_no_limit_is_refused_where_it_stands(ada):
    changes = [
        ({"currency": "CHF"}, {}, "currency_not_enabled", []),
        ({}, {"currency": "CHF"}, "currency_not_enabled", []),
        ({"currency": "USD"}, {"currency": "EUR"}, "invalid_request", ["body.currency"]),
        ({"transfer": {"daily": "-1"}}, {}, "amount_invalid", ["body.transfer.daily"]),
        ({"transfer": {"daily": -1}}, {}, "amount_not_positive", ["body.transfer.daily"]),
        ({"transfer": {"daily": "1.001"}}, {}, "amount_precision", ["body.transfer.daily"]),
        ({"withdrawal": {"monthly": "1e2"}}, {}, "amount_invalid", ["body.withdrawal.monthly"]),
        ({"withdrawal": {"weekly": "1"}}, {}, "unknown_field", ["body.withdrawal.weekly"]),
        ({"withdrawal": "1"}, {}, "invalid_request", ["body.withdrawal"]),
        ({"withdrawal": None}, {}, "invalid_request", ["body.withdrawal"]),
        ({"transfer": {"daily": None}}, {}, "invalid_request", ["body.transfer.daily"]),
    ]

    answers = [(body, query, await ada.ask("PUT", "/limits", body, query=query)) for body, query, _, _ in changes]

    assert [(body, query, answer.body["code"], answer.faulty_fields) for body, query, answer in answers] == changes
    assert {answer.status for _, _, answer in answers} == {400}


async def test_a_day_begins_where_the_person_lives(ada):
    await ada.ask("PATCH", "/me", {"time_zone": "Asia/Kolkata"})

    limits = (await ada.get("/limits")).body

    assert limits["transfer"]["daily"]["resets_at"].endswith("T18:30:00.000000Z")


async def test_use_of_a_day_that_is_over_does_not_count(ada, bob, owner):
    await ada.pay(bob, "100.00")
    await owner.execute(
        "UPDATE transfer_limits SET day = day - 1 WHERE user_id = $1 AND kind = 'transfer' AND currency = 'USD'", ada.id
    )

    limits = (await ada.get("/limits")).body

    assert limits["transfer"]["daily"]["remaining"] == "100.00"
    assert (await ada.pay(bob, "100.00")).status == 201
