"""The inbox, what people choose to be sent, and what admins do about what could not be delivered."""

import asyncio
import re

import pytest

from tests.http.clients import NOBODY, PASSWORD, sent_to

pytestmark = pytest.mark.usefixtures("worker")

_SECONDS_MAX = 10.0
_LEFT = """
    SELECT EXISTS (SELECT FROM events WHERE relayed_at IS NULL)
        OR EXISTS (SELECT FROM deliveries WHERE status = 'pending')
"""
_TRANSFER = re.compile("sent you")
_CHANGED = re.compile("password was changed")


async def told(person, kind="transfer.received", number=1):
    """What a person was told of one kind, once that is so much."""
    async with asyncio.timeout(_SECONDS_MAX):
        while True:
            answer = await person.get("/notifications", query={"limit": "200"})
            found = [each for each in answer.body["data"] if each["kind"] == kind]
            if len(found) >= number:
                return found
            await asyncio.sleep(0.02)


async def settled(owner):
    """Return when everything that happened was looked at, and everything that was to be sent was."""
    async with asyncio.timeout(_SECONDS_MAX):
        while True:
            if not await owner.fetchval(_LEFT):
                return
            await asyncio.sleep(0.02)


async def test_whoever_receives_money_finds_it_in_their_inbox_and_in_their_mail(api, ada, bob, owner):
    moved = await ada.pay(bob, "12.50")

    [notice] = await told(bob)
    [mail] = await sent_to(api, bob.email, holding=_TRANSFER)

    assert (notice["title"], notice["text"]) == ("You received 12.50 USD", "Ada sent you 12.50 USD.")
    assert notice["read_at"] is None
    assert notice["data"] == {
        "transaction_id": moved.body["id"],
        "wallet_id": bob.wallet_id,
        "amount": "12.50",
        "currency": "USD",
        "from": "Ada",
    }
    assert "Ada sent you 12.50 USD" in mail
    assert [each["kind"] for each in (await ada.get("/notifications")).body["data"]] == ["device.new"]


async def test_a_freeze_its_end_and_a_deposit_of_an_admin_are_told_and_why_is_not(ada, admin, owner):
    for verb in ("freeze", "unfreeze"):
        await admin.post(f"/admin/wallets/{ada.wallet_id}/{verb}", {"reason": "a secret inquiry"})
    await admin.move(f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "3.00", "reason": "a secret inquiry"})
    await settled(owner)

    inbox = (await ada.get("/notifications")).body["data"]

    assert [each["kind"] for each in inbox] == ["deposit.received", "wallet.unfrozen", "wallet.frozen", "device.new"]
    assert [each["data"].get("wallet_id") for each in inbox[:3]] == [ada.wallet_id] * 3
    assert "secret" not in str(inbox)


async def test_an_inbox_is_read_page_by_page_and_marked_as_read(ada, bob, owner):
    for _ in range(3):
        await ada.pay(bob, "1.00")
    await settled(owner)

    first = (await bob.get("/notifications", query={"limit": "2"})).body
    rest = (await bob.get("/notifications", query={"limit": "2", "cursor": first["next_cursor"]})).body
    ids = [each["id"] for each in first["data"] + rest["data"]]
    marked = [(await bob.post("/notifications/read", {"ids": ids[:2]})).body for _ in range(2)]
    unread = (await bob.get("/notifications", query={"unread": "true"})).body["data"]
    all_of_them = (await bob.post("/notifications/read", {"all": True})).body

    assert len(set(ids)) == 4
    assert rest["next_cursor"] is None
    assert marked == [{"marked": 2}, {"marked": 0}]
    assert [each["id"] for each in unread] == ids[2:]
    assert all_of_them == {"marked": 2}


async def test_nobody_marks_or_reads_what_is_anothers(ada, bob, owner):
    await ada.pay(bob, "1.00")
    [bobs] = await told(bob)

    marked = await ada.post("/notifications/read", {"ids": [bobs["id"], NOBODY]})

    assert marked.body == {"marked": 0}
    assert [each["read_at"] for each in await told(bob)] == [None]


@pytest.mark.parametrize("body", [{}, {"all": False}, {"ids": []}, {"ids": ["x"]}, {"ids": [NOBODY], "all": True}])
async def test_what_is_read_has_to_be_said(ada, body):
    assert (await ada.post("/notifications/read", body)).refused == (400, "invalid_request")


async def test_a_cursor_of_another_list_goes_nowhere(ada, bob, owner):
    for _ in range(2):
        await ada.pay(bob, "1.00")
    await told(bob, number=2)
    cursor = (await bob.get("/notifications", query={"limit": "1"})).body["next_cursor"]

    answer = await bob.get("/notifications", query={"limit": "1", "cursor": cursor, "unread": "true"})

    assert answer.refused == (400, "invalid_cursor")


async def test_what_is_not_wanted_is_in_the_inbox_and_is_not_sent(api, ada, bob, owner):
    before = (await bob.get("/notifications/preferences")).body["data"]
    chosen = await bob.ask(
        "PUT", "/notifications/preferences", {"data": [{"kind": "transfer.received", "mail": False}]}
    )
    await ada.pay(bob, "1.00")
    await settled(owner)

    assert {"kind": "transfer.received", "mail": True, "sms": False} in before
    assert {"kind": "transfer.received", "mail": False, "sms": False} in chosen.body["data"]
    assert len(await told(bob)) == 1
    assert not [text for text in await sent_to(api, bob.email) if _TRANSFER.search(text)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "password.changed", "mail": False}, "body.data.0.mail"),
        ({"kind": "transfer.received", "sms": True}, "body.data.0.sms"),
    ],
)
async def test_mail_about_security_stays_on_and_text_messages_are_about_nothing_else(ada, change, field):
    answer = await ada.ask("PUT", "/notifications/preferences", {"data": [change]})

    assert answer.refused == (400, "invalid_request")
    assert [each["field"] for each in answer.body["errors"]] == [field]


async def test_what_was_given_up_is_listed_for_admins_and_delivered_again(api, ada, admin, owner):
    await settled(owner)
    await owner.execute(
        "UPDATE deliveries SET status = 'parked', ended_at = now(), last_error = 'too often', tries = 8"
    )
    await ada.ask("PUT", "/auth/password", {"current_password": PASSWORD, "new_password": "plum lantern harbour"})
    await settled(owner)
    await owner.execute("UPDATE deliveries SET status = 'parked', ended_at = now() WHERE status = 'delivered'")
    parked = (await admin.get("/admin/deliveries", query={"status": "parked"})).body["data"]
    [mine] = [each for each in parked if each["user_id"] == ada.id and each["kind"] == "password.changed"]
    where = f"/admin/deliveries/{mine['id']}/retry"

    again = await admin.post(where, {"reason": "The server is back"})
    await settled(owner)
    once_more = await admin.post(where, {"reason": "The server is back"})

    assert "recipient" not in mine
    assert again.status == 204
    assert len(await sent_to(api, ada.email, holding=_CHANGED, number=2)) == 2
    assert once_more.refused == (409, "conflict")
    [entry] = (await admin.get("/admin/audit", query={"target_id": mine["id"]})).body["data"]
    assert (entry["action"], entry["reason"], entry["actor_id"]) == ("delivery.retried", "The server is back", admin.id)
    unknown = await admin.post(f"/admin/deliveries/{NOBODY}/retry", {"reason": "The server is back"})
    assert unknown.refused == (404, "not_found")
