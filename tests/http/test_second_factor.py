"""A second factor over HTTP: set up, asked for, stepped up to and turned off."""

import base64
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import asyncpg
import pytest

from tests.http.authenticator import App, Connection, enrol, let_the_proof_grow_old, until_unproved
from tests.http.clients import NOBODY, PASSWORD, Api, Person, log_in, sent_to, token_sent_to

Owner = Connection
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Wrong codes are told from right ones here; that they are held up is shown elsewhere."""
    return environment | {"FAILURES_FREE": "100"}


@pytest.fixture
async def app_of_ada(ada: Person, owner: "Owner[asyncpg.Record]") -> App:
    """Ada's authenticator app, once codes are asked for."""
    return await enrol(ada, owner)


async def test_what_is_set_up_is_a_secret_a_picture_of_it_and_ten_recovery_codes(ada: Person) -> None:
    begun = await ada.post("/auth/2fa/setup")

    uri = urlsplit(begun.body["otpauth_uri"])
    picture = ET.fromstring(begun.body["qr_svg"])
    assert begun.status == 200
    assert begun.headers["Cache-Control"] == "no-store"
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", f"/Wallet:{ada.email.replace('@', '%40')}")
    assert parse_qs(uri.query) == {"secret": [begun.body["secret"]], "issuer": ["Wallet"]}
    assert len(base64.b32decode(begun.body["secret"])) == 20
    assert picture.tag == f"{_SVG}svg"
    assert not re.search(r"<script|onload|href", begun.body["qr_svg"])
    assert len(set(begun.body["recovery_codes"])) == 10
    assert (await ada.get("/auth/2fa")).body == {"enabled": False, "recovery_codes_left": 0}


async def test_a_code_turns_it_on_and_what_was_shown_is_never_shown_again(
    ada: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 27."""
    app = await enrol(ada, owner)

    answers = [
        await ada.get("/auth/2fa"),
        await ada.post("/auth/2fa/setup"),
        await ada.post("/auth/2fa/enable", {"code": await app.code()}),
        await ada.get("/me"),
        await ada.get("/auth/sessions"),
        await app.log_in(ada.api),
    ]
    kept = await everything_in(owner)

    assert answers[0].body == {"enabled": True, "recovery_codes_left": 10}
    assert answers[1].refused == answers[2].refused == (409, "second_factor_on")
    for hidden in (app.secret, *app.recovery_codes, app.recovery_codes[0].replace("-", "")):
        assert not any(hidden.encode() in answer.raw for answer in answers)
        assert hidden not in kept
        assert hidden.encode().hex() not in kept


async def test_a_wrong_code_or_none_set_up_turns_nothing_on(ada: Person, owner: "Owner[asyncpg.Record]") -> None:
    nothing = await ada.post("/auth/2fa/enable", {"code": "123456"})
    begun = await ada.post("/auth/2fa/setup")
    app = App(person=ada, secret=begun.body["secret"], recovery_codes=tuple(begun.body["recovery_codes"]), owner=owner)

    refused = [
        await ada.post("/auth/2fa/enable", {"code": code})
        for code in (await app.wrong_code(), "12345", "abcdef", "1" * 40, app.recovery_codes[0])
    ]

    assert nothing.refused == (409, "second_factor_off")
    assert [answer.refused for answer in refused] == [(401, "invalid_credentials")] * 5
    assert (await ada.get("/auth/2fa")).body["enabled"] is False


async def test_log_in_asks_for_a_code_and_its_challenge_opens_nothing_else(app_of_ada: App, api: Api) -> None:
    """Row 24."""
    asked = await app_of_ada.log_in(api)
    token = asked.body["mfa_token"]

    used_as_access = await api.call("GET", "/wallets", token=token)
    used_as_refresh = await api.call("POST", "/auth/refresh", {"refresh_token": token})
    skipped = await api.call("POST", "/auth/login", {"mfa_token": token})
    wrong = await api.call("POST", "/auth/login", {"mfa_token": token, "code": await app_of_ada.wrong_code()})
    let_in = await api.call("POST", "/auth/login", {"mfa_token": token, "code": await app_of_ada.code()})
    again = await api.call("POST", "/auth/login", {"mfa_token": token, "code": await app_of_ada.code()})

    assert asked.refused == (401, "second_factor_required")
    assert used_as_access.refused == used_as_refresh.refused == (401, "unauthorized")
    assert skipped.refused == (400, "invalid_request")
    assert wrong.refused == (401, "invalid_credentials")
    assert let_in.status == 200
    assert again.refused == (401, "mfa_token_expired")
    assert (await api.call("GET", "/wallets", token=let_in.body["access_token"])).status == 200


async def test_password_and_code_in_one_request_are_enough(app_of_ada: App, api: Api) -> None:
    wrong = await app_of_ada.log_in(api, code=await app_of_ada.wrong_code())
    right = await app_of_ada.log_in(api, code=await app_of_ada.code())

    assert wrong.refused == (401, "invalid_credentials")
    assert right.status == 200


async def test_a_log_in_that_was_begun_with_a_former_password_is_over(app_of_ada: App, api: Api) -> None:
    begun = (await app_of_ada.log_in(api)).body["mfa_token"]
    new = {"current_password": PASSWORD, "new_password": "another horse battery"}

    changed = await app_of_ada.person.ask("PUT", "/auth/password", new)
    answered = await api.call("POST", "/auth/login", {"mfa_token": begun, "code": await app_of_ada.code()})

    assert changed.status == 204, changed
    assert answered.refused == (401, "mfa_token_expired")


async def test_who_set_a_new_password_by_mail_is_asked_for_a_code_all_the_same(app_of_ada: App, api: Api) -> None:
    """Row 24."""
    email, new = app_of_ada.person.email, "another horse battery"
    await api.call("POST", "/auth/password/forgot", {"email": email})
    token = await token_sent_to(api, email)

    reset = await api.call("POST", "/auth/password/reset", {"token": token, "new_password": new})
    asked = await api.call("POST", "/auth/login", {"email": email, "password": new})

    assert reset.status == 204, reset
    assert asked.refused == (401, "second_factor_required")


async def test_the_same_code_opens_once(app_of_ada: App, api: Api) -> None:
    """Row 21, one after the other."""
    code = await app_of_ada.code()

    answers = [await app_of_ada.log_in(api, code=code) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 401, 401]


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 204), (0, 204), (1, 401)])
async def test_a_code_is_good_in_its_own_step_and_the_one_after(app_of_ada: App, steps: int, status: int) -> None:
    """Row 22."""
    proved = await app_of_ada.person.post("/auth/step-up", {"code": await app_of_ada.code(steps)})

    assert proved.status == status


async def test_after_five_wrong_codes_a_challenge_is_over_and_log_in_begins_anew(app_of_ada: App, api: Api) -> None:
    """Row 23."""
    token = (await app_of_ada.log_in(api)).body["mfa_token"]
    wrong = [
        await api.call("POST", "/auth/login", {"mfa_token": token, "code": await app_of_ada.wrong_code()})
        for _ in range(5)
    ]

    right = await api.call("POST", "/auth/login", {"mfa_token": token, "code": await app_of_ada.code()})
    anew = (await app_of_ada.log_in(api)).body["mfa_token"]
    let_in = await api.call("POST", "/auth/login", {"mfa_token": anew, "code": await app_of_ada.code()})

    assert [answer.refused for answer in wrong] == [(401, "invalid_credentials")] * 5
    assert right.refused == (401, "mfa_token_expired")
    assert let_in.status == 200


@pytest.mark.usefixtures("worker")
async def test_each_recovery_code_opens_once(app_of_ada: App, api: Api, owner: "Owner[asyncpg.Record]") -> None:
    """Row 26."""
    typed = app_of_ada.recovery_codes[0].lower().replace("-", " ")

    answers = [await app_of_ada.log_in(api, code=code) for code in (typed, typed, app_of_ada.recovery_codes[1])]

    hashes = await owner.fetch("SELECT hash FROM recovery_codes")
    told = await sent_to(api, app_of_ada.person.email, holding=re.compile("one of your recovery codes"), number=2)
    assert [answer.status for answer in answers] == [200, 401, 200]
    assert (await app_of_ada.person.get("/auth/2fa")).body["recovery_codes_left"] == 8
    assert {len(row["hash"]) for row in hashes} == {32}
    assert len(told) == 2


async def test_somebody_elses_codes_open_nothing(
    app_of_ada: App, bob: Person, owner: "Owner[asyncpg.Record]", api: Api
) -> None:
    app_of_bob = await enrol(bob, owner)

    by_app = await app_of_ada.log_in(api, code=await app_of_bob.code())
    by_recovery = await app_of_ada.log_in(api, code=app_of_bob.recovery_codes[0])

    assert by_app.refused == by_recovery.refused == (401, "invalid_credentials")
    assert (await bob.get("/auth/2fa")).body["recovery_codes_left"] == 10


async def test_setting_up_turning_on_and_turning_off_take_a_fresh_proof(
    ada: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 25."""
    await let_the_proof_grow_old(ada, owner)

    refused = [
        await ada.post("/auth/2fa/setup"),
        await ada.post("/auth/2fa/enable", {"code": "123456"}),
        await ada.post("/auth/2fa/disable", {"code": "123456", "password": PASSWORD}),
    ]
    proved = await ada.post("/auth/step-up", {"password": PASSWORD})
    allowed = await ada.post("/auth/2fa/setup")

    assert [answer.refused for answer in refused] == [(403, "reauth_required")] * 3
    assert proved.status == 204
    assert allowed.status == 200


async def test_turning_it_off_takes_password_and_code_and_no_codes_are_asked_for_any_more(
    app_of_ada: App, api: Api
) -> None:
    ada = app_of_ada.person
    wrong_password = {"password": "wrong horse battery", "code": app_of_ada.recovery_codes[0]}
    wrong_code = {"password": PASSWORD, "code": await app_of_ada.wrong_code()}

    refused = [await ada.post("/auth/2fa/disable", each) for each in (wrong_password, wrong_code)]
    done = await ada.post("/auth/2fa/disable", {"password": PASSWORD, "code": await app_of_ada.code()})
    again = await ada.post("/auth/2fa/disable", {"password": PASSWORD, "code": await app_of_ada.code()})

    assert [answer.refused for answer in refused] == [(401, "invalid_credentials")] * 2
    assert done.status == 204
    assert again.refused == (409, "second_factor_off")
    assert await log_in(api, ada.email)
    assert (await ada.get("/auth/2fa")).body == {"enabled": False, "recovery_codes_left": 0}


async def test_a_proof_is_the_password_without_and_a_code_with_a_second_factor(
    ada: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    without = [
        await ada.post("/auth/step-up", given)
        for given in ({}, {"code": "123456"}, {"password": "wrong horse battery"}, {"password": PASSWORD})
    ]
    app = await enrol(ada, owner)
    with_it = [
        await ada.post("/auth/step-up", given)
        for given in (
            {"password": PASSWORD},
            {"code": await app.wrong_code()},
            {"password": "wrong horse battery", "code": app.recovery_codes[0]},
            {"password": PASSWORD, "code": app.recovery_codes[0]},
            {"code": await app.code()},
        )
    ]

    assert [answer.status for answer in without] == [400, 400, 401, 204]
    assert without[0].faulty_fields == ["body.password"]
    assert [answer.status for answer in with_it] == [400, 401, 401, 204, 204]
    assert with_it[0].faulty_fields == ["body.code"]


async def test_much_money_leaves_only_soon_after_a_code(
    app_of_ada: App, bob: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 28."""
    ada = app_of_ada.person
    soon = await ada.pay(bob, "50.01", "soon")
    await let_the_proof_grow_old(ada, owner)

    late = [await ada.pay(bob, "50.01", "late"), await ada.withdraw("50.01")]
    little = [await ada.pay(bob, "20.00"), await ada.withdraw("50.00"), await ada.add_funds("500.00")]
    proved = await ada.post("/auth/step-up", {"code": await app_of_ada.code()})
    at_last = await ada.withdraw("50.00")

    assert soon.status == 201
    assert [answer.refused for answer in late] == [(403, "step_up_required")] * 2
    assert [answer.status for answer in little] == [201, 201, 201]
    assert proved.status == 204
    assert at_last.status == 201


async def test_a_transfer_that_was_refused_for_want_of_a_code_is_made_after_one_under_the_same_key(
    app_of_ada: App, bob: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    ada = app_of_ada.person
    await let_the_proof_grow_old(ada, owner)

    refused = await ada.pay(bob, "60.00", "k1")
    await ada.post("/auth/step-up", {"code": await app_of_ada.code()})
    made = await ada.pay(bob, "60.00", "k1")

    assert refused.refused == (403, "step_up_required")
    assert made.status == 201
    assert "Idempotent-Replayed" not in made.headers


async def test_a_retry_of_what_was_made_gets_its_answer_however_old_the_proof_is(
    app_of_ada: App, bob: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    ada = app_of_ada.person
    made = await ada.pay(bob, "60.00", "k1")
    await let_the_proof_grow_old(ada, owner)

    retried = await ada.pay(bob, "60.00", "k1")
    other = await ada.pay(bob, "60.01", "k1")

    assert (retried.status, retried.raw) == (201, made.raw)
    assert retried.headers["Idempotent-Replayed"] == "true"
    assert other.refused == (422, "idempotency_key_reused")


async def test_who_has_no_second_factor_is_not_asked_for_one(
    ada: Person, bob: Person, owner: "Owner[asyncpg.Record]"
) -> None:
    await let_the_proof_grow_old(ada, owner)

    assert (await ada.pay(bob, "60.00")).status == 201


async def test_a_wrong_wallet_or_amount_is_told_before_a_code_is_asked_for(
    app_of_ada: App, owner: "Owner[asyncpg.Record]"
) -> None:
    ada = app_of_ada.person
    await let_the_proof_grow_old(ada, owner)

    refused = [
        await ada.move(ada.own("/withdraw"), {"amount": "60.001"}),
        await ada.move(ada.own("/withdraw"), {"amount": "60.00", "currency": "XXX"}),
        await ada.move(f"/wallets/{NOBODY}/withdraw", {"amount": "60.00"}),
    ]

    assert [answer.refused[1] for answer in refused] == ["amount_precision", "currency_not_enabled", "not_found"]


async def test_turning_it_on_leaves_other_sessions_without_a_proof(
    ada: Person, bob: Person, owner: "Owner[asyncpg.Record]", api: Api
) -> None:
    other_token = await log_in(api, ada.email)
    await enrol(ada, owner)
    await until_unproved(api, other_token)

    elsewhere = await replace(ada, token=other_token).pay(bob, "60.00")

    assert elsewhere.refused == (403, "step_up_required")
    assert (await ada.pay(bob, "60.00")).status == 201


async def everything_in(owner: "Owner[asyncpg.Record]") -> str:
    """All rows of all tables, as text."""
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    texts = [await owner.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{row["tablename"]}" t') for row in tables]
    return "\n".join(filter(None, texts))
