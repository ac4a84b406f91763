"""Showing that an address is one's own."""

import re

import pytest

from tests.http.authenticator import let_the_proof_grow_old
from tests.http.clients import PASSWORD, an_address, code_sent_to, log_in, sent_to, verify

PHONE = "+14155550123"
INVALID = (400, "invalid_code")


async def carol(api, **addresses):
    """Somebody who has just signed up, and their token."""
    body = {"name": "Carol", "password": PASSWORD, **addresses}
    user = await api.call("POST", "/auth/signup", body)
    assert user.status == 201, user
    login = await api.call("POST", "/auth/login", {"password": PASSWORD, **addresses})
    return user.body, login.body["access_token"]


async def given_back(api, token, code, channel="email"):
    return await api.call("POST", f"/me/{channel}/verify", {"code": code}, token=token)


async def test_who_signs_up_is_told_a_code_at_each_address_and_gives_it_back(api):
    email = an_address()
    user, token = await carol(api, email=email, phone=PHONE)

    by_email = await given_back(api, token, await code_sent_to(api, email))
    by_phone = await given_back(api, token, await code_sent_to(api, PHONE), "phone")

    assert (user["email_verified"], user["phone_verified"]) == (False, False)
    assert by_email.body == user | {"email_verified": True}
    assert by_phone.body == user | {"email_verified": True, "phone_verified": True}
    assert (await api.call("GET", "/me", token=token)).body == by_phone.body


async def test_a_wrong_code_a_used_one_and_one_of_somebody_else_prove_nothing(api):
    mine, yours = an_address(), an_address()
    (_, my_token), (_, your_token) = await carol(api, email=mine), await carol(api, email=yours)
    code = await code_sent_to(api, mine)

    wrong = await given_back(api, my_token, f"{(int(code) + 1) % 10**6:06}")
    somebody_elses = await given_back(api, your_token, code)
    other_channel = await given_back(api, my_token, code, "phone")
    right = await given_back(api, my_token, code)
    again = await given_back(api, my_token, code)

    assert {answer.refused for answer in (wrong, somebody_elses, other_channel, again)} == {INVALID}
    assert right.status == 200


async def test_after_five_wrong_codes_the_right_one_comes_too_late(api, owner):
    email = an_address()
    _, token = await carol(api, email=email)
    code = await code_sent_to(api, email)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    answers = [await given_back(api, token, wrong) for _ in range(6)]
    await owner.execute("DELETE FROM failed_attempts")
    late = await given_back(api, token, code)

    assert [answer.refused for answer in answers[:5]] == [INVALID] * 5
    assert answers[5].refused == (429, "too_many_attempts")
    assert late.refused == INVALID


async def test_another_code_ends_the_one_before_and_there_are_three_an_hour(api):
    email = an_address()
    _, token = await carol(api, email=email)
    first = await code_sent_to(api, email)

    asked = [await api.call("POST", "/me/email/verification", token=token) for _ in range(3)]
    last = await code_sent_to(api, email, number=3)

    assert [answer.status for answer in asked] == [202, 202, 429]
    assert int(asked[2].headers["Retry-After"]) > 3000
    assert (await given_back(api, token, first)).refused == INVALID
    assert (await given_back(api, token, last)).status == 200


async def test_there_is_no_code_for_what_is_verified_or_not_there(api, ada):
    verified = await ada.post("/me/email/verification")
    missing = await ada.post("/me/phone/verification")

    assert verified.refused == (409, "address_verified")
    assert missing.refused == (404, "not_found")


@pytest.mark.usefixtures("worker")
async def test_another_address_counts_once_it_is_verified_and_the_former_is_told(api, ada):
    former, present = ada.email, an_address()

    changed = await ada.ask("PATCH", "/me", {"email": present})
    [told] = await sent_to(api, former, holding=re.compile("another email address"))
    await verify(api, ada.token, present)

    assert (changed.body["email"], changed.body["email_verified"]) == (present, False)
    assert present not in told
    assert (await ada.get("/me")).body["email_verified"] is True
    assert (await api.call("POST", "/auth/login", {"email": former, "password": PASSWORD})).status == 401
    assert await log_in(api, present)


async def test_row_25_an_address_is_changed_only_shortly_after_proving_who_one_is(api, ada, owner):
    await let_the_proof_grow_old(ada, owner)

    by_phone = await ada.ask("PATCH", "/me", {"phone": PHONE})
    by_email = await ada.ask("PATCH", "/me", {"email": an_address()})
    by_name = await ada.ask("PATCH", "/me", {"name": "Ada L."})
    await ada.post("/auth/step-up", {"password": PASSWORD})
    proved = await ada.ask("PATCH", "/me", {"phone": PHONE})

    assert by_phone.refused == by_email.refused == (403, "reauth_required")
    assert (by_name.status, proved.status) == (200, 200)


async def test_of_a_code_only_a_keyed_hash_is_kept(api, owner):
    email = an_address()
    await carol(api, email=email)
    code = await code_sent_to(api, email)

    kept = await owner.fetchrow("SELECT * FROM challenges WHERE purpose = 'email'")

    assert len(kept["secret_hash"]) == 32
    assert all(code not in str(value) for name, value in kept.items() if name not in ("created_at", "expires_at"))
