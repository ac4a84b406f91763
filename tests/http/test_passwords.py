"""Which passwords are taken, how they are kept, and how they are changed."""

import re
import time
from statistics import median

import bcrypt
import pytest

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import PASSWORD, an_address, client_of, log_in, sent_to, sign_up, tokens_of

NEXT = "plum lantern harbour"


async def signed_up(api, password, **given):
    return await api.call(
        "POST", "/auth/signup", {"name": "Carol Shaw", "email": an_address(), "password": password} | given
    )


async def logged_in(api, email, password):
    return await api.call("POST", "/auth/login", {"email": email, "password": password})


async def changed(person, current, new, **options):
    return await person.ask("PUT", "/auth/password", {"current_password": current, "new_password": new}, **options)


async def test_row_12_passwords_that_are_guessed_first_are_refused_with_the_reason(api):
    reasons = {
        "7 chars": "8 to 256 characters",
        "password1": "Many people",
        "QWERTYUIOP": "Many people",
        "my-wallet-2026": "name of this service",
        "shaw and order": "your name",
    }

    answers = {password: await signed_up(api, password) for password in reasons}

    assert {answer.refused for answer in answers.values()} == {(400, "weak_password")}
    assert all(reasons[password] in answer.body["detail"] for password, answer in answers.items())
    assert all(answer.faulty_fields == ["body.password"] for answer in answers.values())


@pytest.mark.parametrize(
    "password",
    [
        "x7" * 32,
        "x7" * 36,
        "x7" * 36 + "y",
        "\N{PILE OF POO}" * 25,
        "\N{GRINNING FACE}" * 256,
        "only small letters",
        "                 .",
    ],
    ids=["64 characters", "72 bytes", "73 bytes", "100 bytes of emoji", "1024 bytes", "one kind", "blanks"],
)
async def test_row_13_every_byte_of_a_long_password_counts(api, password):
    email = an_address()

    made = await signed_up(api, password, email=email)

    assert made.status == 201
    assert (await logged_in(api, email, password)).status == 200
    assert (await logged_in(api, email, password[:-1] + "z")).refused == (401, "invalid_credentials")
    assert (await logged_in(api, email, password + "z")).refused == (401, "invalid_credentials")


async def test_row_13_a_nul_is_refused_and_both_forms_of_a_letter_are_one(api):
    email = an_address()
    composed, decomposed = "cr\u00e8me br\u00fbl\u00e9e", "cre\u0300me bru\u0302le\u0301e"

    with_nul = await signed_up(api, "with a \0 in it")
    await signed_up(api, decomposed, email=email)

    assert with_nul.status == 400
    assert [(await logged_in(api, email, each)).status for each in (composed, decomposed)] == [200, 200]


async def test_row_14_an_unknown_address_costs_what_a_wrong_password_costs(environment, aiohttp_client, monkeypatch):
    settings = Settings.from_environment(environment | {"BCRYPT_COST": "8", "FAILURES_FREE": "100"})
    worked: list[tuple[bytes, float]] = []
    checkpw = bcrypt.checkpw

    def noted(password: bytes, hashed: bytes) -> bool:
        began = time.thread_time()
        matches = checkpw(password, hashed)
        worked.append((hashed[:7], time.thread_time() - began))
        return matches

    async with opened_api(settings) as app:
        api = await client_of(app, aiohttp_client)
        email, unknown = (await sign_up(api, "Ada")).email, an_address()
        monkeypatch.setattr(bcrypt, "checkpw", noted)
        answers = [
            (await logged_in(api, email, "not my password"), await logged_in(api, unknown, "not my password"))
            for _ in range(15)
        ]

    known, nobody = answers[-1]
    told = [
        {name: value for name, value in each.headers.items() if name.lower() not in ("x-request-id", "date")}
        for each in (known, nobody)
    ]
    assert {each.refused for pair in answers for each in pair} == {(401, "invalid_credentials")}
    assert {**known.body, "request_id": ""} == {**nobody.body, "request_id": ""}
    assert told[0] == told[1]
    # One hash each, of one cost: that is what takes the time. Of the processor's, for the clock's is anybody's.
    assert [hashed for hashed, _ in worked] == [b"$2b$08$"] * 30
    seconds = [median(took for _, took in worked[first::2]) for first in (0, 1)]
    assert max(seconds) < 2 * min(seconds)


async def test_row_19_a_password_is_kept_as_bcrypt_and_hashed_anew_when_the_cost_has_risen(
    environment, aiohttp_client, owner
):
    async def kept() -> list[str]:
        return [row["password_hash"][:7] for row in await owner.fetch("SELECT password_hash FROM users")]

    async with opened_api(Settings.from_environment(environment)) as app:
        ada = await sign_up(await client_of(app, aiohttp_client), "Ada")
    before = await kept()
    async with opened_api(Settings.from_environment(environment | {"BCRYPT_COST": "5"})) as app:
        api = await client_of(app, aiohttp_client)
        wrong = await logged_in(api, ada.email, "not my password")
        after_a_wrong_one = await kept()
        await log_in(api, ada.email)
        await log_in(api, ada.email)
    cheap = {name: value for name, value in environment.items() if name != "BCRYPT_COST"}

    assert wrong.status == 401
    assert (before, after_a_wrong_one, await kept()) == (["$2b$04$"], ["$2b$04$"], ["$2b$05$"])
    assert Settings.from_environment(cheap).bcrypt_cost == 12


@pytest.mark.usefixtures("worker")
async def test_row_20_a_change_ends_every_other_session_and_is_told_by_mail(ada):
    elsewhere = await log_in(ada.api, ada.email)

    answer = await changed(ada, PASSWORD, NEXT)

    assert (answer.status, answer.raw) == (204, b"")
    assert (await ada.get("/me")).status == 200
    assert (await ada.api.call("GET", "/me", token=elsewhere)).refused == (401, "session_ended")
    assert (await logged_in(ada.api, ada.email, PASSWORD)).refused == (401, "invalid_credentials")
    assert (await logged_in(ada.api, ada.email, NEXT)).status == 200
    assert await sent_to(ada.api, ada.email, holding=re.compile("Your password was changed"))


async def test_row_20_a_wrong_password_changes_nothing_and_counts(ada):
    elsewhere = await log_in(ada.api, ada.email)

    answers = [await changed(ada, "not my password", NEXT) for _ in range(6)]
    right = await changed(ada, PASSWORD, NEXT)

    assert [answer.refused for answer in answers[:5]] == [(403, "wrong_password")] * 5
    assert answers[5].refused == right.refused == (429, "too_many_attempts")
    assert int(right.headers["Retry-After"]) >= 1
    assert (await ada.api.call("GET", "/me", token=elsewhere)).status == 200
    assert (await logged_in(ada.api, ada.email, PASSWORD)).status == 200


async def test_the_tokens_of_a_session_that_a_change_ended_refresh_nothing(ada):
    elsewhere = await tokens_of(ada.api, ada.email)

    await changed(ada, PASSWORD, NEXT)
    theirs = await ada.api.call("POST", "/auth/refresh", {"refresh_token": elsewhere["refresh_token"]})
    own = await ada.api.call("POST", "/auth/refresh", {"refresh_token": ada.refresh_token})

    assert theirs.status == 401
    assert own.status == 200


async def test_a_password_is_changed_by_rules_and_by_its_owner_alone(ada):
    weak = await changed(ada, PASSWORD, "iloveyou")
    own_name = await changed(ada, PASSWORD, "ada 12345678")
    nobody = await ada.api.call("PUT", "/auth/password", {"current_password": PASSWORD, "new_password": NEXT})

    assert weak.refused == own_name.refused == (400, "weak_password")
    assert weak.faulty_fields == ["body.new_password"]
    assert nobody.refused == (401, "unauthorized")
    assert (await logged_in(ada.api, ada.email, PASSWORD)).status == 200
