"""Every filter of a history, alone and with others."""

from datetime import datetime, timedelta

import pytest

from tests.http.clients import Person


@pytest.fixture
async def carol(ada: Person, bob: Person) -> Person:
    """Ada, after some of everything: the types, statuses, directions, currencies and amounts there are."""
    await ada.post(ada.own("/currencies"), {"currency": "JPY"})
    await ada.add_funds("900", currency="JPY")
    await ada.withdraw("300", currency="JPY")
    await ada.pay(bob, "10.00")
    await ada.pay(bob, "10.50")
    await ada.pay(bob, "450.00")
    await ada.pay(bob, "600.00")
    await bob.pay(ada, "5.00")
    await bob.pay(ada, "500.00")
    return ada


async def amounts(person, *query):
    """The amounts of what is found, oldest first, each with its currency's first letter."""
    answer = await person.get("/transactions", query=query)
    assert answer.status == 200, answer
    in_wallet = await person.get(person.own("/transactions"), query=query)
    assert in_wallet.body["data"] == answer.body["data"]
    return [f"{line['currency'][0]}{line['amount']}" for line in answer.body["data"][::-1]]


ALL = ["U500.00", "J900", "J300", "U10.00", "U10.50", "U450.00", "U600.00", "U5.00"]


async def test_a_filter_finds_exactly_what_it_names(carol):
    searches = [
        ([], ALL),
        ([("type", "deposit")], ["U500.00", "J900"]),
        ([("type", "withdraw")], ["J300"]),
        ([("type", "transfer_out")], ["U10.00", "U10.50", "U450.00", "U600.00"]),
        ([("type", "transfer_in")], ["U5.00"]),
        ([("type", "transfer_in"), ("type", "withdraw")], ["J300", "U5.00"]),
        ([("status", "FAILED")], ["U450.00", "U600.00"]),
        ([("status", "COMPLETED")], ["U500.00", "J900", "J300", "U10.00", "U10.50", "U5.00"]),
        ([("status", "COMPLETED"), ("status", "FAILED")], ALL),
        ([("status", "PENDING"), ("status", "EXPIRED")], []),
        ([("direction", "in")], ["U500.00", "J900", "U5.00"]),
        ([("direction", "out")], ["J300", "U10.00", "U10.50", "U450.00", "U600.00"]),
        ([("direction", "in"), ("type", "transfer_out")], []),
        ([("currency", "JPY")], ["J900", "J300"]),
        ([("currency", "EUR")], []),
        ([("min_amount", "10.50")], ["U500.00", "J900", "J300", "U10.50", "U450.00", "U600.00"]),
        ([("max_amount", "10.00")], ["U10.00", "U5.00"]),
        ([("min_amount", "10"), ("max_amount", "10.50")], ["U10.00", "U10.50"]),
        ([("min_amount", "10.001"), ("max_amount", "10.509")], ["U10.50"]),
        ([("min_amount", "10.001"), ("max_amount", "10.002")], []),
        ([("min_amount", "300.0"), ("max_amount", "300.5")], ["J300"]),
        ([("min_amount", "0"), ("max_amount", "999999999999999999")], ALL),
        ([("min_amount", "600"), ("currency", "JPY")], ["J900"]),
        ([("type", "transfer_out"), ("status", "COMPLETED"), ("max_amount", "10.25")], ["U10.00"]),
        ([("from", "2020-01-01"), ("to", "9999-12-31")], ALL),
        ([("to", "2020-01-01")], []),
        ([("from", "2120-01-01T00:00:00Z")], []),
    ]

    found = [(query, await amounts(carol, *query)) for query, _ in searches]

    assert found == searches


async def test_a_moment_is_included_at_both_ends_in_whatever_offset_it_is_written(carol):
    newest_first = await carol.history()
    moment = datetime.fromisoformat(newest_first[3]["created_at"])
    elsewhere = (moment + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"

    since = await carol.history(**{"from": elsewhere})
    until = await carol.history(to=elsewhere)
    only = await carol.history(**{"from": newest_first[3]["created_at"], "to": newest_first[3]["created_at"]})

    assert since == newest_first[:4]
    assert until == newest_first[3:]
    assert only == newest_first[3:4]


async def test_one_wallet_may_be_named_among_all(carol):
    savings = await carol.open_wallet(name="Savings")
    await carol.pay(savings, "1.00")

    found = await carol.history(wallet_id=savings)

    assert [line["wallet_id"] for line in found] == [savings]


async def test_filters_are_kept_from_page_to_page(carol):
    query = {"type": "transfer_out", "limit": "1"}
    found, cursor = [], {}
    for _ in range(4):
        page = (await carol.get("/transactions", query=query | cursor)).body
        found += [line["amount"] for line in page["data"]]
        cursor = {"cursor": page["next_cursor"]}

    assert found == ["600.00", "450.00", "10.50", "10.00"]
    assert cursor == {"cursor": None}


async def test_a_filter_that_makes_no_sense_is_refused_by_name(ada):
    searches = [
        ({"from": "2026-02-01", "to": "2026-01-31"}, "invalid_request", "query.to"),
        ({"from": "2026-02-01T00:00:01Z", "to": "2026-02-01T00:00:00Z"}, "invalid_request", "query.to"),
        ({"min_amount": "2", "max_amount": "1"}, "invalid_request", "query.max_amount"),
        ({"type": "transfer"}, "invalid_request", "query.type.0"),
        ({"type": "DEPOSIT"}, "invalid_request", "query.type.0"),
        ({"status": "completed"}, "invalid_request", "query.status.0"),
        ({"direction": "up"}, "invalid_request", "query.direction"),
        ({"currency": "usd"}, "invalid_request", "query.currency"),
        ({"currency": "CHF"}, "currency_not_enabled"),
        ({"wallet_id": "mine"}, "invalid_request", "query.wallet_id"),
        ({"colour": "red"}, "unknown_field", "query.colour"),
        ({"From": "2026-01-01"}, "unknown_field", "query.From"),
    ]

    answers = [(query, await ada.get("/transactions", query=query)) for query, *_ in searches]

    assert [(query, answer.body["code"], *answer.faulty_fields) for query, answer in answers] == searches
    assert {answer.status for _, answer in answers} == {400}
