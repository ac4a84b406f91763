"""What admins do over HTTP, and what comes of it for the people it is about."""

from dataclasses import replace

import pytest

from adapters.postgres.verification import verify
from tests.http.clients import NOBODY, PASSWORD, log_in, sign_up, tokens_of

WHY = {"reason": "Asked for by the police"}


def frozen(person, verb="freeze"):
    """Where that person's wallet is frozen."""
    return f"/admin/wallets/{person.wallet_id}/{verb}"


async def test_a_frozen_wallet_refuses_all_that_moves_money(ada, bob, admin):
    answer = await admin.post(frozen(ada), WHY)
    out, away, into = await ada.pay(bob, "1.00"), await ada.withdraw("1.00"), await ada.add_funds("1.00")
    adjusted = await admin.post(f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "1.00"} | WHY)
    received = await bob.pay(ada, "1.00")

    assert (answer.status, answer.body["status"], answer.body["id"]) == (200, "frozen", ada.wallet_id)
    assert {each.refused for each in (out, away, into, adjusted)} == {(403, "wallet_frozen")}
    assert received.refused == (400, "recipient_unavailable")
    assert (await ada.balance(), await bob.balance()) == ("500.00", "20.00")


async def test_what_a_frozen_wallet_refuses_is_kept_as_failed(ada, bob, admin):
    await admin.post(frozen(ada), WHY)
    await ada.pay(bob, "1.00")
    await bob.pay(ada, "2.00")

    (sent, *_), (tried, *_) = await ada.history(), await bob.history()

    assert (sent["type"], sent["status"], sent["failure_reason"]) == ("transfer_out", "FAILED", "wallet_frozen")
    assert (tried["type"], tried["status"], tried["failure_reason"]) == (
        "transfer_out", "FAILED", "recipient_unavailable")  # fmt: skip
    assert tried["counterparty"] is None


async def test_whoever_reads_after_a_freeze_reads_of_it(ada, admin):
    """The balance is in the cache, and the wallet known by its tag: neither holds anything back."""
    before, balance = await ada.get(ada.own()), await ada.get(ada.own("/balance"))

    await admin.post(frozen(ada), WHY)
    tag = {"If-None-Match": before.headers["ETag"]}
    known, listed = await ada.get(ada.own(), headers=tag), await ada.get("/wallets")
    cached = await ada.get(ada.own("/balance"), headers={"If-None-Match": balance.headers["ETag"]})
    thawed = await admin.post(frozen(ada, "unfreeze"), WHY)

    assert (before.body["status"], known.status, known.body["status"]) == ("active", 200, "frozen")
    assert [wallet["status"] for wallet in listed.body["data"]] == ["frozen"]
    assert cached.status == 304  # it tells of money alone, and no money has moved
    assert (thawed.status, thawed.body["status"]) == (200, "active")
    assert (await ada.get(ada.own())).body["status"] == "active"


async def test_a_currency_that_is_taken_up_in_a_frozen_wallet_is_frozen_too(ada, bob, admin):
    await admin.post(frozen(ada), WHY)
    await bob.post(bob.own("/currencies"), {"currency": "EUR"})
    await bob.add_funds("5.00", currency="EUR")

    opened = await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    funded, received = await ada.add_funds("1.00", currency="EUR"), await bob.pay(ada, "1.00", currency="EUR")

    assert opened.status == 201
    assert funded.refused == (403, "wallet_frozen")
    assert received.refused == (400, "recipient_unavailable")


@pytest.mark.parametrize("reason", ["\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{HANGUL FILLER}"])
async def test_a_reason_of_which_nothing_shows_is_none(ada, admin, reason):
    answer = await admin.post(frozen(ada), {"reason": reason})

    assert answer.refused == (400, "invalid_request")
    assert answer.faulty_fields == ["body.reason"]


async def test_a_state_is_not_entered_twice(ada, admin):
    first = [await admin.post(frozen(ada, "unfreeze"), WHY), await admin.post(frozen(ada), WHY)]
    again = await admin.post(frozen(ada), WHY)
    activated = await admin.post(f"/admin/users/{ada.id}/activate", WHY)

    assert [each.status for each in first] == [409, 200]
    assert {each.refused for each in (first[0], again, activated)} == {(409, "conflict")}


@pytest.mark.parametrize("path", ["/admin/wallets/{}/freeze", "/admin/users/{}/deactivate", "/admin/users/{}/activate"])
async def test_what_is_not_there_is_not_found(admin, path):
    assert (await admin.post(path.format(NOBODY), WHY)).refused == (404, "not_found")


async def test_a_deactivated_person_neither_logs_in_nor_asks_nor_moves_money(ada, bob, admin):
    """Row 4."""
    answer = await admin.post(f"/admin/users/{ada.id}/deactivate", WHY)
    asked = await ada.get("/me")
    refreshed = await ada.api.call("POST", "/auth/refresh", {"refresh_token": ada.refresh_token})
    logged_in = await ada.api.call("POST", "/auth/login", {"email": ada.email, "password": PASSWORD})
    by_id, by_address = (
        await bob.pay(ada, "1.00"),
        await bob.move(bob.own("/transfer"), {"to": ada.email, "amount": "1"}),
    )
    adjusted = await admin.post(f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "1.00"} | WHY)

    assert (answer.status, answer.body["status"], answer.body["id"]) == (200, "deactivated", ada.id)
    assert asked.refused == (401, "session_ended")
    assert refreshed.status == 401
    assert logged_in.refused == (403, "account_deactivated")
    assert {by_id.refused, by_address.refused} == {(400, "recipient_unavailable")}
    assert adjusted.refused == (403, "account_deactivated")


async def test_what_is_changed_without_a_reason_is_noted_with_the_word_that_there_was_none(ada, admin):
    path = f"/admin/users/{ada.id}/limits"

    limited = await admin.ask("PUT", path, {"currency": "USD", "transfer": {"daily": "5.00"}})
    await ada.post("/me/deactivate")

    entries = (await admin.get("/admin/audit", query={"user_id": ada.id})).body["data"]
    assert limited.status == 200
    assert [(entry["action"], entry["reason"]) for entry in entries] == [
        ("person.deactivated", "None was given."),
        ("limits.changed", "None was given."),
    ]


async def test_people_deactivate_themselves_and_only_an_admin_reactivates_them(ada, bob, admin):
    wordless = await ada.post("/me/deactivate", {"reason": " "})
    gone = await ada.post("/me/deactivate")
    refused = await bob.post(f"/admin/users/{ada.id}/activate", WHY)
    back = await admin.post(f"/admin/users/{ada.id}/activate", WHY)
    ada_again = replace(ada, token=await log_in(ada.api, ada.email))

    assert wordless.refused == (400, "invalid_request")
    assert (gone.status, gone.body["status"]) == (200, "deactivated")
    assert '"cache"' in gone.headers["Clear-Site-Data"]
    assert refused.refused == (403, "forbidden")
    assert (back.status, back.body["status"]) == (200, "active")
    assert (await ada_again.pay(bob, "1.00")).status == 201


async def test_row_43_the_last_admin_stays(ada, admin):
    """Row 43."""
    answers = [
        await admin.post("/me/deactivate", WHY),
        await admin.post(f"/admin/users/{admin.id}/deactivate", WHY),
    ]

    assert {answer.refused for answer in answers} == {(409, "last_admin")}
    assert (await admin.get("/me")).status == 200


async def test_one_of_two_admins_may_leave(admin, owner):
    other = await sign_up(admin.api, "Second")
    await owner.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", other.id)

    left = await admin.post("/me/deactivate", WHY)
    stays = await other.post("/me/deactivate", WHY)

    assert left.status == 200
    assert stays.refused == (409, "last_admin")


async def test_limits_that_an_admin_sets_hold_at_once_and_nobody_raises_theirs_above(ada, bob, admin):
    before = (await ada.get("/limits")).body

    answer = await admin.ask(
        "PUT", f"/admin/users/{ada.id}/limits", {"currency": "USD", "transfer": {"daily": "5.00"}} | WHY
    )
    sent = await ada.pay(bob, "5.01")
    raised = await ada.ask("PUT", "/limits", {"transfer": {"daily": "5.01"}})
    lowered = await ada.ask("PUT", "/limits", {"transfer": {"daily": "4.00"}})

    assert answer.status == 200
    assert answer.body["transfer"]["daily"]["limit"] == "5.00"
    assert answer.body["withdrawal"] == before["withdrawal"]
    assert sent.refused == (403, "limit_exceeded")
    assert raised.refused == (400, "limit_too_high")
    assert lowered.body["transfer"]["daily"]["limit"] == "4.00"


async def test_limits_are_asked_for_in_full_sentences(ada, admin):
    path = f"/admin/users/{ada.id}/limits"

    refused = [
        await admin.ask("PUT", path, {"currency": "USD"} | WHY),
        await admin.ask("PUT", path, {"transfer": {"daily": "5.00"}} | WHY),
        await admin.ask("PUT", path, {"currency": "USD", "transfer": {}} | WHY),
    ]
    unknown = await admin.ask("PUT", path, {"currency": "XXX", "transfer": {"daily": "5.00"}} | WHY)
    precise = await admin.ask("PUT", path, {"currency": "USD", "transfer": {"daily": "5.001"}} | WHY)
    nobody = await admin.ask(
        "PUT", f"/admin/users/{NOBODY}/limits", {"currency": "USD", "transfer": {"daily": "5.00"}} | WHY
    )

    assert [answer.refused for answer in refused] == [(400, "invalid_request")] * 3
    assert (unknown.refused, precise.refused) == ((400, "currency_not_enabled"), (400, "amount_precision"))
    assert nobody.refused == (404, "not_found")


async def test_a_deposit_is_made_once_for_each_key_and_noted_once(ada, bob, admin, owner):
    path, body = f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "12.50"} | WHY
    key = {"Idempotency-Key": "compensation-1"}

    first, again = await admin.post(path, body, headers=key), await admin.post(path, body, headers=key)
    elsewhere = await admin.post(f"/admin/wallets/{bob.wallet_id}/deposit", body, headers=key)
    for_another_reason = await admin.post(path, body | {"reason": "Another"}, headers=key)
    owners = await ada.move(ada.own("/add-funds"), {"amount": "1.00"}, "compensation-1")

    assert (first.status, first.body["type"], first.body["amount"]) == (201, "deposit", "12.50")
    assert (first.body["counterparty"], first.body["note"]) == (None, None)
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    assert elsewhere.refused == for_another_reason.refused == (422, "idempotency_key_reused")
    assert owners.status == 201
    assert (await ada.balance(), await bob.balance()) == ("513.50", "20.00")
    entries = (await admin.get("/admin/audit", query={"action": "deposit.made"})).body["data"]
    assert [entry["after"]["transaction_id"] for entry in entries] == [first.body["id"]]
    assert await verify(owner) == []


async def test_a_deposit_that_is_refused_is_refused_again_under_its_key(ada, admin):
    await admin.post(frozen(ada), WHY)
    path, body = f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "12.50"} | WHY

    first = await admin.post(path, body, headers={"Idempotency-Key": "k"})
    await admin.post(frozen(ada, "unfreeze"), WHY)
    again = await admin.post(path, body, headers={"Idempotency-Key": "k"})

    assert first.refused == (403, "wallet_frozen")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    assert (await admin.get("/admin/audit", query={"action": "deposit.made"})).body["data"] == []


async def test_a_deposit_names_what_its_wallet_can_hold(ada, admin):
    path = f"/admin/wallets/{ada.wallet_id}/deposit"

    answers = [
        await admin.post(path, {"amount": "1.00", "currency": "EUR"} | WHY),
        await admin.post(path, {"amount": "1.00", "currency": "XXX"} | WHY),
        await admin.post(path, {"amount": "-1.00"} | WHY),
        await admin.post(f"/admin/wallets/{NOBODY}/deposit", {"amount": "1.00"} | WHY),
    ]

    assert [answer.refused for answer in answers] == [
        (400, "currency_mismatch"),
        (400, "currency_not_enabled"),
        (400, "amount_invalid"),
        (404, "not_found"),
    ]


async def test_an_admin_logs_somebody_out(ada, admin):
    other = replace(ada, token=await log_in(ada.api, ada.email))
    path = f"/admin/users/{ada.id}/sessions/end"

    one = await admin.post(path, {"session_id": other.session_id} | WHY)
    after_one = [(await each.get("/me")).status for each in (ada, other)]
    all_of_them = await admin.post(path, WHY)
    none = await admin.post(path, WHY)
    not_theirs = await admin.post(path, {"session_id": admin.session_id} | WHY)

    assert (one.body, all_of_them.body, none.body) == ({"ended": 1}, {"ended": 1}, {"ended": 0})
    assert after_one == [200, 401]
    assert (await ada.get("/me")).refused == (401, "session_ended")
    assert not_theirs.refused == (404, "not_found")


async def test_row_11_a_session_that_an_admin_ends_by_its_id_stands_in_the_audit(ada, admin):
    """Row 11."""
    assert (await admin.get("/admin/audit")).status == 200  # by now their session knows what they are

    ended = await admin.ask("DELETE", f"/auth/sessions/{ada.session_id}", query={"reason": "Stolen phone"})
    again = await admin.ask("DELETE", f"/auth/sessions/{ada.session_id}")
    own = await tokens_of(admin.api, admin.email)
    mine = await admin.ask("DELETE", f"/auth/sessions/{replace(admin, token=own['access_token']).session_id}")

    assert (ended.status, again.status, mine.status) == (204, 204, 204)
    assert (await ada.get("/me")).refused == (401, "session_ended")
    (entry,) = (await admin.get("/admin/audit")).body["data"]
    assert (entry["action"], entry["user_id"], entry["reason"]) == ("sessions.ended", ada.id, "Stolen phone")
    assert entry["after"] == {"sessions": [ada.session_id]}


async def test_all_that_was_done_holds_together(ada, bob, admin, owner):
    await admin.post(frozen(ada), WHY)
    await bob.pay(ada, "1.00")
    await admin.post(f"/admin/users/{bob.id}/deactivate", WHY)
    await admin.post(frozen(ada, "unfreeze"), WHY)
    await admin.post(f"/admin/wallets/{ada.wallet_id}/deposit", {"amount": "1.00"} | WHY)
    await admin.post(f"/admin/users/{bob.id}/activate", WHY)
    await admin.ask("PUT", f"/admin/users/{ada.id}/limits", {"currency": "USD", "transfer": {"daily": "5.00"}} | WHY)
    await ada.pay(bob, "2.00")

    assert await verify(owner) == []
