"""Balances and totals, what a client may keep of them, and when that is out of date."""

import pytest


async def test_a_balance_says_whose_it_is_and_how_many_digits_it_has(ada):
    await ada.post(ada.own("/currencies"), {"currency": "JPY"})
    await ada.add_funds("1500", currency="JPY")

    dollars = await ada.get(ada.own("/balance"))
    yen = await ada.get(ada.own("/balance"), query={"currency": "JPY"})

    assert dollars.body == {
        "wallet_id": ada.wallet_id,
        "currency": "USD",
        "balance": "500.00",
        "available": "500.00",
        "held": "0.00",
        "exponent": 2,
        "version": 1,
    }
    assert (yen.body["balance"], yen.body["exponent"]) == ("1500", 0)


async def test_a_currency_that_the_wallet_does_not_hold_has_no_balance(ada):
    not_held = await ada.get(ada.own("/balance"), query={"currency": "EUR"})
    not_enabled = await ada.get(ada.own("/balance"), query={"currency": "CHF"})

    assert not_held.refused == (404, "not_found")
    assert not_enabled.refused == (400, "currency_not_enabled")


@pytest.mark.parametrize("path", ["/wallet", "/wallets/{wallet_id}", "/wallets/{wallet_id}/balance"])
async def test_who_has_the_present_state_is_not_sent_it_again(ada, bob, path):
    path = path.format(wallet_id=ada.wallet_id)
    first = await ada.get(path)
    tag = first.headers["ETag"]

    known = [await ada.get(path, headers={"If-None-Match": each}) for each in (tag, f'"x", {tag}', f"W/{tag}", "*")]
    unknown = [await ada.get(path, headers={"If-None-Match": each}) for each in ('"x"', "", "x", tag[:-1], ",,")]
    await ada.pay(bob, "1.00")
    changed = await ada.get(path, headers={"If-None-Match": tag})

    assert tag.startswith('"')
    assert [answer.status for answer in known] == [304] * 4
    assert [answer.headers["ETag"] for answer in known] == [tag] * 4
    assert [answer.status for answer in unknown] == [200] * 5
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


async def test_every_change_to_a_wallet_changes_its_tag(ada):
    tags = [(await ada.get(ada.own())).headers["ETag"]]
    changes = [
        ada.ask("PATCH", ada.own(), {"name": "Renamed"}),
        ada.post(ada.own("/currencies"), {"currency": "EUR"}),
        ada.add_funds("1.00", currency="EUR"),
        ada.open_wallet(name="Other"),
    ]

    for change in changes:
        await change
        tags.append((await ada.get(ada.own())).headers["ETag"])
    other = (await ada.get("/wallets")).body["data"][0]["id"]
    await ada.ask("PATCH", f"/wallets/{other}", {"default": True})
    tags.append((await ada.get(ada.own())).headers["ETag"])

    # Opening another wallet changes nothing about this one.
    assert tags[3] == tags[4]
    assert len(set(tags)) == 5


async def test_a_frozen_wallet_is_shown_as_frozen_also_to_who_knew_it_before(ada, owner):
    tag = (await ada.get(ada.own())).headers["ETag"]
    await owner.execute("UPDATE wallets SET status = 'frozen', version = version + 1 WHERE id = $1", ada.wallet_id)

    answer = await ada.get(ada.own(), headers={"If-None-Match": tag})

    assert (answer.status, answer.body["status"]) == (200, "frozen")


async def test_the_tags_of_two_balances_of_one_version_differ(ada):
    await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    await ada.add_funds("1.00", currency="EUR")

    dollars = await ada.get(ada.own("/balance"))
    euros = await ada.get(
        ada.own("/balance"), query={"currency": "EUR"}, headers={"If-None-Match": dollars.headers["ETag"]}
    )

    assert dollars.body["version"] == 1
    assert (euros.status, euros.body["version"]) == (200, 1)


async def test_totals_are_over_all_wallets_by_currency(ada):
    savings = await ada.open_wallet(name="Savings")
    await ada.open_wallet(name="Trips", currency="JPY")
    await ada.pay(savings, "40.00")

    answer = await ada.get("/wallets/total")
    with_currency = await ada.get("/wallets/total", query={"currency": "EUR"})
    not_enabled = await ada.get("/wallets/total", query={"currency": "CHF"})

    assert answer.body == {
        "totals": [
            {"currency": "JPY", "balance": "0", "available": "0"},
            {"currency": "USD", "balance": "500.00", "available": "500.00"},
        ]
    }
    assert with_currency.body == answer.body
    assert not_enabled.refused == (400, "currency_not_enabled")


async def test_a_balance_is_never_older_than_the_answer_that_told_of_it(ada, bob):
    stale = []

    for _ in range(20):
        told = (await ada.pay(bob, "1.00")).body["balance_after"]
        read = await ada.balance()
        stale += [(told, read)] if read != told else []

    assert stale == []
    assert await bob.balance() == "40.00"
