"""Withdrawing: money leaves the books once, within the balance and the limits for withdrawals."""

import pytest

from tests.http.clients import NOBODY


async def test_withdrawn_money_has_left_the_wallet(ada):
    answer = await ada.withdraw("40.00", destination="my bank")

    assert answer.status == 201
    assert answer.body == {
        "id": answer.body["id"],
        "wallet_id": ada.wallet_id,
        "type": "withdraw",
        "status": "COMPLETED",
        "direction": "out",
        "amount": "40.00",
        "currency": "USD",
        "counterparty": None,
        "balance_after": "460.00",
        "failure_reason": None,
        "note": None,
        "created_at": answer.body["created_at"],
        "completed_at": answer.body["created_at"],
    }
    assert await ada.balance() == "460.00"


async def test_no_more_is_withdrawn_than_there_is(bob):
    answer = await bob.withdraw("20.01")

    assert answer.refused == (400, "insufficient_funds")
    assert answer.body["error"] == "Insufficient balance"
    assert await bob.balance() == "20.00"
    assert (await bob.withdraw("20.00")).status == 201


async def test_no_more_is_withdrawn_in_a_day_than_the_limit(ada):
    await ada.withdraw("70.00")

    answer = await ada.withdraw("30.01")

    assert answer.refused == (403, "limit_exceeded")
    figures = {name: answer.body[name] for name in ("kind", "window", "currency", "limit", "used", "remaining")}
    assert figures == {
        "kind": "withdrawal",
        "window": "daily",
        "currency": "USD",
        "limit": "100.00",
        "used": "70.00",
        "remaining": "30.00",
    }
    assert (await ada.withdraw("30.00")).status == 201


async def test_transfers_do_not_use_up_the_limit_for_withdrawals(ada, bob):
    await ada.pay(bob, "100.00")

    assert (await ada.withdraw("100.00")).status == 201


@pytest.mark.parametrize(("status", "code"), [("frozen", "wallet_frozen"), ("deactivated", "account_deactivated")])
async def test_nothing_leaves_a_wallet_out_of_use(ada, owner, status, code):
    await owner.execute("UPDATE accounts SET status = $1 WHERE wallet_id = $2", status, ada.wallet_id)

    answer = await ada.withdraw("1.00")

    assert answer.refused == (403, code)
    assert await ada.balance() == "500.00"


async def test_what_was_declined_is_kept_in_the_history_with_its_reason(bob):
    await bob.withdraw("20.01")

    [newest, *_] = await bob.history()

    assert (newest["type"], newest["status"], newest["amount"]) == ("withdraw", "FAILED", "20.01")
    assert (newest["failure_reason"], newest["balance_after"], newest["completed_at"]) == (
        "insufficient_funds",
        None,
        None,
    )


async def test_a_wallet_pays_out_only_what_it_holds(ada):
    not_held = await ada.withdraw("1.00", currency="EUR")
    not_enabled = await ada.withdraw("1.00", currency="CHF")
    unknown = await ada.move(f"/wallets/{NOBODY}/withdraw", {"amount": "1.00"})

    assert not_held.refused == (400, "currency_mismatch")
    assert not_enabled.refused == (400, "currency_not_enabled")
    assert unknown.refused == (404, "not_found")
