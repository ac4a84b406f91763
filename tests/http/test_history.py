"""Looking back: pages without gap or repeat, whatever happens between them, and never a page that is out of date."""

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.http.clients import NOBODY


async def pages(person, path, **query):
    """All lines, page by page."""
    lines, cursor = [], {}
    while True:
        answer = await person.get(path, query=query | cursor)
        assert answer.status == 200, answer
        lines += answer.body["data"]
        if answer.body["next_cursor"] is None:
            return lines
        assert len(answer.body["data"]) == int(query.get("limit", "50"))
        cursor = {"cursor": answer.body["next_cursor"]}


def places(lines):
    return [(line["id"], line["direction"]) for line in lines]


@pytest.mark.parametrize("limit", ["1", "2", "3", "7", "200"])
async def test_pages_of_any_length_add_up_to_the_whole_history_newest_first(ada, bob, limit):
    savings = await ada.open_wallet(name="Savings")
    for number in range(1, 4):
        await ada.pay(bob, f"{number}.00")
        await ada.pay(savings, f"{number}.00")
        await ada.withdraw(f"{number}.00")

    by_pages = await pages(ada, "/transactions", limit=limit)

    whole = await ada.history()
    assert by_pages == whole
    # One deposit, three of each kind, and the other line of each transfer to oneself.
    assert len(whole) == 1 + 9 + 3
    assert len(set(places(whole))) == len(whole)
    moments = [line["created_at"] for line in whole]
    assert moments == sorted(moments, reverse=True)


async def test_both_lines_of_a_transfer_to_oneself_are_told_by_their_own_wallets(ada):
    savings = await ada.open_wallet(name="Savings")
    moved = (await ada.pay(savings, "30.00")).body

    both = await ada.history(limit="2")
    of_savings = (await ada.get(f"/wallets/{savings}/transactions")).body["data"]
    of_main = (await ada.get(ada.own("/transactions"))).body["data"]

    assert both == [of_main[0], of_savings[0]]
    assert of_main[0] == moved
    assert (of_savings[0]["type"], of_savings[0]["balance_after"]) == ("transfer_in", "30.00")
    assert len(of_savings) == 1
    assert (await ada.get(f"/transactions/{moved['id']}")).body == moved


async def test_what_happens_between_two_pages_neither_shifts_nor_repeats_a_line(ada, bob):
    for number in range(1, 8):
        await ada.pay(bob, f"{number}.00")
    before = await ada.history()
    seen, cursor = [], {}

    while cursor.get("cursor", "") is not None:
        page = (await ada.get("/transactions", query={"limit": "2"} | cursor)).body
        seen += page["data"]
        cursor = {"cursor": page["next_cursor"]}
        await ada.pay(bob, "0.01")
        await ada.pay(bob, "499.99")
        await bob.pay(ada, "0.01")

    assert seen == before


async def test_a_wallet_that_is_opened_between_two_pages_changes_nothing_about_them(ada, bob):
    await ada.pay(bob, "1.00")
    before = await ada.history()
    first = (await ada.get("/transactions", query={"limit": "1"})).body
    await ada.open_wallet(name="Savings")

    second = await ada.get("/transactions", query={"limit": "1", "cursor": first["next_cursor"]})

    assert second.status == 200
    assert first["data"] + second.body["data"] == before


async def test_a_page_may_be_longer_than_the_one_before(ada, bob):
    for _ in range(4):
        await ada.pay(bob, "1.00")
    first = (await ada.get("/transactions", query={"limit": "1"})).body

    rest = await ada.get("/transactions", query={"cursor": first["next_cursor"], "limit": "200"})

    assert rest.status == 200
    assert first["data"] + rest.body["data"] == await ada.history()


async def test_a_cursor_belongs_to_its_person_its_list_and_its_filters(ada, bob):
    savings = await ada.open_wallet(name="Savings")
    for _ in range(3):
        await ada.pay(savings, "1.00")
        await bob.pay(ada, "1.00")
    cursor = (await ada.get("/transactions", query={"limit": "1"})).body["next_cursor"]
    filtered = (await ada.get("/transactions", query={"limit": "1", "direction": "in"})).body["next_cursor"]

    answers = {
        "another person": await bob.get("/transactions", query={"cursor": cursor, "limit": "1"}),
        "one wallet": await ada.get(ada.own("/transactions"), query={"cursor": cursor, "limit": "1"}),
        "one wallet by filter": await ada.get("/transactions", query={"cursor": cursor, "wallet_id": savings}),
        "a filter more": await ada.get("/transactions", query={"cursor": cursor, "direction": "in"}),
        "a filter less": await ada.get("/transactions", query={"cursor": filtered}),
        "another filter": await ada.get("/transactions", query={"cursor": filtered, "direction": "out"}),
        "the list of wallets": await ada.get("/wallets", query={"cursor": cursor}),
        "cut short": await ada.get("/transactions", query={"cursor": cursor[:-4]}),
        "invented": await ada.get("/transactions", query={"cursor": "abc"}),
        "not ASCII": await ada.get("/transactions", query={"cursor": "\N{SNOWMAN}"}),
        "an id": await ada.get("/transactions", query={"cursor": NOBODY}),
    }

    assert {what: answer.refused for what, answer in answers.items()} == dict.fromkeys(answers, (400, "invalid_cursor"))


async def test_a_cursor_may_be_followed_twice(ada, bob):
    await ada.pay(bob, "1.00")
    cursor = (await ada.get("/transactions", query={"limit": "1"})).body["next_cursor"]

    answers = [await ada.get("/transactions", query={"limit": "1", "cursor": cursor}) for _ in range(2)]

    assert answers[0].raw == answers[1].raw


async def test_a_page_has_50_lines_unless_1_to_200_are_asked_for(bob):
    await asyncio.gather(*(bob.add_funds("0.01") for _ in range(210)))

    lengths = {limit: len(await bob.history(limit=limit)) for limit in ("1", "50", "200")}
    default = len(await bob.history())
    refused = {limit: await bob.get("/transactions", query={"limit": limit}) for limit in ("0", "201", "-1", "1.0", "")}

    assert lengths == {"1": 1, "50": 50, "200": 200}
    assert default == 50
    assert len(await pages(bob, "/transactions", limit="200")) == 211
    assert {limit: answer.refused for limit, answer in refused.items()} == dict.fromkeys(
        refused, (400, "invalid_request")
    )


async def test_what_has_no_lines_is_an_empty_list(ada):
    savings = await ada.open_wallet(name="Savings")

    answers = [
        await ada.get(f"/wallets/{savings}/transactions"),
        await ada.get("/transactions", query={"wallet_id": savings}),
        await ada.get("/transactions", query={"status": "PENDING"}),
    ]

    assert [answer.body for answer in answers] == [{"data": [], "next_cursor": None}] * 3


async def test_a_page_shows_at_once_whatever_happened(ada, bob):
    savings = await ada.open_wallet(name="Savings")
    happenings = [
        ("COMPLETED", lambda: ada.pay(bob, "1.00")),
        ("FAILED", lambda: ada.pay(bob, "499.00")),
        ("FAILED", lambda: ada.pay(NOBODY, "1.00")),
        ("COMPLETED", lambda: ada.withdraw("1.00")),
        ("FAILED", lambda: ada.withdraw("400.00")),
        ("COMPLETED", lambda: ada.add_funds("1.00")),
        ("COMPLETED", lambda: ada.pay(savings, "1.00")),
        ("COMPLETED", lambda: bob.pay(ada, "1.00")),
    ]
    stale = []

    for status, happen in happenings:
        await ada.history()
        await ada.get(ada.own("/transactions"))
        # What was read once already comes from the cache now.
        before = [await ada.history(), (await ada.get(ada.own("/transactions"))).body["data"]]
        await happen()
        after = [await ada.history(), (await ada.get(ada.own("/transactions"))).body["data"]]
        for old, new in zip(before, after, strict=True):
            fresh = new[: len(new) - len(old)]
            if not fresh or {line["status"] for line in fresh} != {status} or new[len(fresh) :] != old:
                stale.append((status, old, new))

    assert stale == []


async def test_a_day_means_the_day_where_the_person_lives_also_after_they_moved(ada):
    newest = datetime.fromisoformat((await ada.history())[0]["created_at"])
    found = {}

    for zone, hours in (("UTC", 0), ("Pacific/Kiritimati", 14), ("Etc/GMT+12", -12)):
        await ada.ask("PATCH", "/me", {"time_zone": zone})
        local_day = (newest + timedelta(hours=hours)).date()
        found[zone] = {
            day - local_day: len(await ada.history(**{"from": str(day), "to": str(day)}))
            for day in (local_day - timedelta(1), local_day, local_day + timedelta(1))
        }

    assert list(found.values()) == [{timedelta(-1): 0, timedelta(0): 1, timedelta(1): 0}] * 3


async def test_a_transaction_of_others_or_of_nobody_is_not_found(ada, bob):
    deposit = (await bob.history())[0]["id"]

    assert (await ada.get(f"/transactions/{deposit}")).refused == (404, "not_found")
    assert (await ada.get(f"/transactions/{NOBODY}")).refused == (404, "not_found")
    assert (await ada.get(f"/transactions/{ada.wallet_id}")).refused == (404, "not_found")
