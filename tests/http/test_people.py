"""Signing up, logging in, and what a person changes of themselves."""

import pytest

from tests.http.clients import PASSWORD, an_address, log_in, sign_up


async def signed_up(api, **given):
    body = {"name": "Carol", "password": PASSWORD, **given}
    return await api.call("POST", "/auth/signup", body)


async def logged_in(api, password=PASSWORD, **address):
    return await api.call("POST", "/auth/login", {"password": password, **address})


async def test_a_new_person_is_told_who_they_are_and_never_their_password(api):
    answer = await signed_up(api, email="Carol@Example.COM", phone="+1 (415) 555-0123")

    user = answer.body
    assert answer.status == 201
    assert (user["name"], user["email"], user["phone"]) == ("Carol", "Carol@example.com", "+14155550123")
    assert (user["role"], user["status"], user["time_zone"]) == ("user", "active", "UTC")
    assert "password" not in answer.raw.decode()
    assert user["id"][14] == "7"


@pytest.mark.parametrize(("signup", "login"), [("/auth/signup", "/auth/login"), ("/register", "/login")])
async def test_signing_up_and_logging_in_work_under_both_names(api, signup, login):
    user = await api.call("POST", signup, {"name": "Carol", "email": "carol@example.com", "password": PASSWORD})
    token = await api.call("POST", login, {"email": "carol@example.com", "password": PASSWORD})

    assert (user.status, token.status) == (201, 200)
    assert (token.body["token_type"], token.body["expires_in"]) == ("Bearer", 600)
    me = await api.call("GET", "/me", token=token.body["access_token"])
    assert me.body == user.body


async def test_a_person_is_known_by_either_address_however_it_is_written(api):
    await signed_up(api, email="carol@example.com", phone="+14155550123")

    answers = [
        await logged_in(api, email="CAROL@EXAMPLE.COM"),
        await logged_in(api, email="Carol@Example.com"),
        await logged_in(api, phone="+1 (415) 555-0123"),
        await logged_in(api, phone="+14155550123"),
    ]

    assert [answer.status for answer in answers] == [200] * 4


async def test_one_address_is_enough_and_none_is_not(api):
    by_phone = await signed_up(api, phone="+14155550123")
    without = await signed_up(api)

    assert (by_phone.status, by_phone.body["email"]) == (201, None)
    assert without.refused == (400, "invalid_request")
    assert (await logged_in(api)).refused == (400, "invalid_request")


async def test_an_address_belongs_to_one_person_in_whatever_case(api):
    await signed_up(api, email="carol@example.com", phone="+14155550123")

    same = await signed_up(api, email="carol@example.com")
    other_case = await signed_up(api, email="Carol@EXAMPLE.com")
    phone = await signed_up(api, email=an_address(), phone="+1 415 555 0123")

    assert same.refused == other_case.refused == (409, "email_taken")
    assert phone.refused == (409, "phone_taken")


async def test_a_weak_password_is_refused_and_told_why(api):
    weak = ["", "short", "7 chars", "x" * 257, "control\x07character"]

    answers = {password: await signed_up(api, email=an_address(), password=password) for password in weak}
    shortest = await signed_up(api, email=an_address(), password="eight ch")
    longest = await signed_up(api, email=an_address(), password="\N{GRINNING FACE}" * 256)

    assert {answer.refused for answer in answers.values()} == {(400, "weak_password")}
    assert all(answer.faulty_fields == ["body.password"] for answer in answers.values())
    assert all(password not in answer.body["detail"] for password, answer in answers.items() if password)
    assert (shortest.status, longest.status) == (201, 201)


async def test_a_password_is_known_whichever_keyboard_composed_it(api):
    await signed_up(api, email="carol@example.com", password="Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} and Zoe")

    answer = await logged_in(api, email="carol@example.com", password="Zoe\N{COMBINING DIAERESIS} and Zoe")

    assert answer.status == 200


async def test_an_address_of_no_known_form_is_refused(api):
    addresses = [
        ({"email": "carol"}, "body.email"),
        ({"email": "carol@"}, "body.email"),
        ({"email": "carol@example"}, "body.email"),
        ({"email": "Carol <carol@example.com>"}, "body.email"),
        ({"email": "x" * 250 + "@example.com"}, "body.email"),
        ({"email": ""}, "body.email"),
        ({"email": None}, "body.email"),
        ({"phone": "4155550123"}, "body.phone"),
        ({"phone": "+1"}, "body.phone"),
        ({"phone": "+999123456789"}, "body.phone"),
        ({"phone": 14155550123}, "body.phone"),
    ]

    answers = [(address, await signed_up(api, **address)) for address, _ in addresses]

    assert {answer.refused for _, answer in answers} == {(400, "invalid_request")}
    assert [(address, *answer.faulty_fields) for address, answer in answers] == addresses


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(api):
    await signed_up(api, email="carol@example.com")

    unknown = await logged_in(api, email="nobody@example.com")
    unknown_phone = await logged_in(api, phone="+14155550199")
    wrong = await logged_in(api, email="carol@example.com", password="not my password")
    none = await logged_in(api, email="carol@example.com", password="")

    assert unknown.refused == (401, "invalid_credentials")
    answers = [unknown, unknown_phone, wrong, none]
    assert len({str(answer.body | {"request_id": ""}) for answer in answers}) == 1
    assert len({answer.headers.get("WWW-Authenticate") for answer in answers}) == 1


async def test_a_deactivated_person_is_told_so_but_only_with_the_right_password(api, owner):
    await signed_up(api, email="carol@example.com")
    await owner.execute("UPDATE users SET status = 'deactivated' WHERE email = 'carol@example.com'")

    right = await logged_in(api, email="carol@example.com")
    wrong = await logged_in(api, email="carol@example.com", password="not my password")

    assert right.refused == (403, "account_deactivated")
    assert wrong.refused == (401, "invalid_credentials")


async def test_a_person_changes_what_is_given_and_nothing_else(ada):
    before = (await ada.get("/me")).body

    phone = await ada.ask("PATCH", "/me", {"phone": "+44 20 7946 0958"})
    rest = await ada.ask("PATCH", "/me", {"name": "Ada L.", "time_zone": "Europe/London"})
    nothing = await ada.ask("PATCH", "/me", {})

    assert phone.body == before | {"phone": "+442079460958"}
    assert rest.body == phone.body | {"name": "Ada L.", "time_zone": "Europe/London"}
    assert nothing.body == (await ada.get("/me")).body == rest.body
    assert (await logged_in(ada.api, phone="+442079460958")).status == 200


async def test_a_change_that_cannot_be_made_changes_nothing(ada, bob):
    await bob.ask("PATCH", "/me", {"phone": "+14155550123"})
    before = (await ada.get("/me")).body

    answers = {
        "a phone of somebody else": await ada.ask("PATCH", "/me", {"name": "X", "phone": "+14155550123"}),
        "a time zone that is none": await ada.ask("PATCH", "/me", {"name": "X", "time_zone": "Mars/Olympus"}),
        "a path for a time zone": await ada.ask("PATCH", "/me", {"time_zone": "../../../etc/passwd"}),
        "an empty name": await ada.ask("PATCH", "/me", {"name": ""}),
        "a name of 101 characters": await ada.ask("PATCH", "/me", {"name": "x" * 101}),
        "a role": await ada.ask("PATCH", "/me", {"role": "admin"}),
        "an email of somebody else": await ada.ask("PATCH", "/me", {"name": "X", "email": bob.email.upper()}),
    }

    assert {what: answer.refused for what, answer in answers.items()} == {
        "a phone of somebody else": (409, "phone_taken"),
        "a time zone that is none": (400, "invalid_request"),
        "a path for a time zone": (400, "invalid_request"),
        "an empty name": (400, "invalid_request"),
        "a name of 101 characters": (400, "invalid_request"),
        "a role": (400, "unknown_field"),
        "an email of somebody else": (409, "email_taken"),
    }
    assert (await ada.get("/me")).body == before


async def test_nobody_signs_up_as_an_admin(api):
    answer = await signed_up(api, email="carol@example.com", role="admin")

    assert answer.refused == (400, "unknown_field")


async def test_each_login_is_a_token_of_its_own(ada):
    token = await log_in(ada.api, ada.email)

    assert token != ada.token
    assert (await ada.api.call("GET", "/me", token=token)).body == (await ada.get("/me")).body


async def test_people_of_the_same_name_are_different_people(ada):
    other = await sign_up(ada.api, "Ada")

    assert other.id != ada.id
    assert (await other.get("/wallets")).body["data"][0]["id"] == other.wallet_id
