"""Whoever tries too often has to wait: on one account, from one address, and with Redis or without."""

import asyncio

import pytest

from entrypoints.api import api as opened_api
from entrypoints.embedded.ports import free_port
from entrypoints.settings import Settings
from tests.http.clients import PASSWORD, Api, an_address, client_of, sign_up

FREE = 5
PROXIES = "127.0.0.0/8,10.0.0.0/8"


@pytest.fixture
async def served(environment, redis_url, aiohttp_client):
    """Opens a service with settings of the test's own; a client that keeps no cookies."""
    opened = []

    async def serve(**changes: str) -> Api:
        context = opened_api(Settings.from_environment(environment | {"REDIS_URL": redis_url} | changes))
        app = await context.__aenter__()
        opened.append(context)
        return await client_of(app, aiohttp_client)

    yield serve
    for context in reversed(opened):
        await context.__aexit__(None, None, None)


async def log_in(api: Api, email: str, password: str = "not the password", **headers: str):
    api.client.session.cookie_jar.clear()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.call("POST", "/auth/login", {"email": email, "password": password}, headers=named)


def cookie_of(answer) -> str:
    return answer.headers["Set-Cookie"].partition(";")[0]


async def let_pass(owner, seconds: int) -> None:
    await owner.execute(
        "UPDATE failed_attempts SET free_at = free_at - $1 * interval '1 second', "
        "counted_at = counted_at - $1 * interval '1 second'",
        seconds,
    )


async def test_row_16_five_wrong_passwords_hold_up_everybody_but_a_device_that_is_known(served, owner):
    api = await served()
    ada = await sign_up(api, "Ada")
    known = cookie_of(await log_in(api, ada.email, PASSWORD))

    wrong = [await log_in(api, ada.email) for _ in range(FREE + 1)]
    new_device = await log_in(api, ada.email, PASSWORD)
    known_device = await log_in(api, ada.email, PASSWORD, Cookie=known)
    still_held_up = await log_in(api, ada.email, PASSWORD)
    await let_pass(owner, 1)
    after_the_wait = await log_in(api, ada.email, PASSWORD)

    assert [answer.status for answer in wrong] == [401] * FREE + [429]
    assert wrong[-1].headers["Retry-After"] == "1"
    assert new_device.refused == (429, "too_many_attempts")
    assert known_device.status == 200
    assert still_held_up.status == 429
    assert after_the_wait.status == 200


async def test_row_16_the_wait_doubles_from_a_second_to_a_quarter_of_an_hour(served, owner):
    api = await served()
    for _ in range(FREE):
        await log_in(api, "nobody@example.com")

    waits = []
    for _ in range(12):
        wait = int((await log_in(api, "nobody@example.com")).headers["Retry-After"])
        waits.append(wait)
        await let_pass(owner, wait)
        assert (await log_in(api, "nobody@example.com")).status == 401

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_row_16_an_address_that_nobody_has_is_held_up_just_the_same(served):
    api = await served()
    ada = await sign_up(api, "Ada")

    known = [await log_in(api, ada.email) for _ in range(FREE + 2)]
    unknown = [await log_in(api, "nobody@example.com") for _ in range(FREE + 2)]

    assert [_told(answer) for answer in known] == [_told(answer) for answer in unknown]


def _told(answer):
    return answer.status, answer.headers.get("Retry-After"), answer.body | {"request_id": None}


async def test_row_16_an_address_is_one_in_whatever_case_of_letters(served):
    api = await served()

    answers = [await log_in(api, email) for email in ["Nobody@example.com", "nobody@EXAMPLE.com"] * 3]

    assert [answer.status for answer in answers] == [401] * FREE + [429]


async def test_row_16_the_proof_of_one_persons_device_is_worth_nothing_to_another(served):
    api = await served()
    ada, mallory = await sign_up(api, "Ada"), await sign_up(api, "Mallory")
    mallorys = cookie_of(await log_in(api, mallory.email, PASSWORD))
    for _ in range(FREE):
        await log_in(api, ada.email)

    for cookie in (mallorys, "wallet_device=", "wallet_device=AAAA", "wallet_device=" + "A" * 5_000, "wallet_device=é"):
        assert (await log_in(api, ada.email, PASSWORD, Cookie=cookie)).status == 429, cookie


async def test_row_16_the_cookie_that_tells_a_device_is_out_of_reach_of_scripts_and_of_other_sites(served):
    plain, public = await served(), await served(PUBLIC_URL="https://wallet.example")
    ada = await sign_up(plain, "Ada")

    over_http = (await log_in(plain, ada.email, PASSWORD)).headers["Set-Cookie"]
    over_https = (await log_in(public, ada.email, PASSWORD)).headers["Set-Cookie"]

    for cookie in (over_http, over_https):
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert "Secure" in over_https
    assert "Secure" not in over_http


async def test_row_16_twenty_guesses_at_once_are_no_more_than_one_after_the_other(served):
    api = await served()
    ada = await sign_up(api, "Ada")

    answers = await asyncio.gather(*[log_in(api, ada.email) for _ in range(20)])

    assert sorted(answer.status for answer in answers) == [401] * FREE + [429] * 15


async def test_row_16_whoever_knows_the_password_keeps_nobody_from_checking_theirs_by_logging_in_without_end(served):
    api = await served(LOGINS_PER_ACCOUNT="3")
    ada, grace = await sign_up(api, "Ada"), await sign_up(api, "Grace")
    known = cookie_of(await log_in(api, ada.email, PASSWORD))

    answers = [await log_in(api, ada.email, PASSWORD, Cookie=known) for _ in range(3)]
    others = await log_in(api, grace.email, PASSWORD)

    assert [answer.status for answer in answers] == [200, 429, 429]
    assert answers[-1].refused == (429, "too_many_attempts")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 1_200
    assert others.status == 200


async def test_row_17_one_address_that_tries_every_account_is_held_up_on_all(served):
    api = await served(CLIENT_LIMITS="login=20/900,signup=99/60,reset=99/60,code=99/60,message=99/60")
    ada = await sign_up(api, "Ada")
    known = cookie_of(await log_in(api, ada.email, PASSWORD))

    answers = [await log_in(api, an_address(), "123456") for _ in range(30)]
    others = await log_in(api, ada.email, PASSWORD)
    known_device = await log_in(api, ada.email, PASSWORD, Cookie=known)

    assert [answer.status for answer in answers] == [401] * 20 + [429] * 10
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 1800
    assert others.status == 429
    assert known_device.status == 200


async def test_row_17_people_who_know_their_passwords_use_up_nothing(served):
    api = await served(CLIENT_LIMITS="login=3/900,signup=99/60,reset=99/60,code=99/60,message=99/60")
    people = [await sign_up(api, "Somebody") for _ in range(4)]

    answers = [await log_in(api, person.email, PASSWORD) for _ in range(3) for person in people]

    assert {answer.status for answer in answers} == {200}


async def test_row_17_whoever_writes_x_forwarded_for_themselves_gains_nothing(served):
    api = await served(CLIENT_LIMITS="login=3/900,signup=99/60,reset=99/60,code=99/60,message=99/60")

    answers = [
        await log_in(api, an_address(), X_Forwarded_For=f"203.0.113.{number}", Forwarded=f"for=203.0.113.{number}")
        for number in range(5)
    ]

    assert [answer.status for answer in answers] == [401] * 3 + [429] * 2


async def test_row_17_behind_a_trusted_proxy_the_client_is_whom_the_proxy_heard(served):
    api = await served(
        TRUSTED_PROXIES=PROXIES, CLIENT_LIMITS="login=3/900,signup=99/60,reset=99/60,code=99/60,message=99/60"
    )

    # What stands left of the client that our proxy heard is the client's own invention.
    spoofed = [
        await log_in(api, an_address(), X_Forwarded_For=f"203.0.113.{number}, 198.51.100.7, 10.0.0.2")
        for number in range(5)
    ]
    another = await log_in(api, an_address(), X_Forwarded_For="198.51.100.7, 198.51.100.8")

    assert [answer.status for answer in spoofed] == [401] * 3 + [429] * 2
    assert another.status == 401


async def test_row_18_with_redis_away_accounts_and_clients_are_held_up_all_the_same(served):
    api = await served(
        REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
        CLIENT_LIMITS="login=12/900,signup=99/60,reset=99/60,code=99/60,message=99/60",
    )
    ada = await sign_up(api, "Ada")

    account = [(await log_in(api, ada.email)).status for _ in range(FREE + 2)]
    client = [(await log_in(api, an_address())).status for _ in range(12)]

    assert account == [401] * FREE + [429] * 2
    # Those that were held up on the account count for the client too.
    assert client == [401] * 5 + [429] * 7


async def test_row_18_without_any_redis_too(served):
    api = await served(REDIS_URL="", CLIENT_LIMITS="login=12/900,signup=99/60,reset=99/60,code=99/60,message=99/60")

    account = [(await log_in(api, "nobody@example.com")).status for _ in range(FREE + 2)]
    client = [(await log_in(api, an_address())).status for _ in range(12)]

    assert account == [401] * FREE + [429] * 2
    assert client == [401] * 5 + [429] * 7


async def test_row_80_an_address_gets_three_codes_an_hour_however_often_somebody_asks(served, tmp_path):
    api, email = await served(MAILBOX=str(tmp_path)), an_address()
    await api.call("POST", "/auth/signup", {"name": "Ada", "email": email, "password": PASSWORD})
    token = (await log_in(api, email, PASSWORD)).body["access_token"]

    asked = [await api.call("POST", "/me/email/verification", token=token) for _ in range(5)]

    assert [answer.status for answer in asked] == [202] * 2 + [429] * 3
    assert 3_500 < int(asked[-1].headers["Retry-After"]) <= 3_600
    assert await messages_to(tmp_path, email, "Your code is") == 3


async def test_row_80_nobody_fills_somebody_elses_inbox_with_resets_nor_learns_whether_they_could(served, tmp_path):
    api = await served(MAILBOX=str(tmp_path))
    ada = await sign_up(api, "Ada")

    known = [await api.call("POST", "/auth/password/forgot", {"email": ada.email}) for _ in range(6)]
    unknown = [await api.call("POST", "/auth/password/forgot", {"email": an_address()}) for _ in range(6)]

    assert {(answer.status, answer.raw) for answer in known + unknown} == {(202, known[0].raw)}
    assert await messages_to(tmp_path, ada.email, "#token=") == 3


async def test_row_80_one_client_asks_for_so_many_resets_and_signs_up_so_many_people(served):
    api = await served(CLIENT_LIMITS="login=99/60,signup=3/3600,reset=3/3600,code=99/60,message=99/60")

    resets = [(await api.call("POST", "/auth/password/forgot", {"email": an_address()})).status for _ in range(5)]
    people = [
        (await api.call("POST", "/auth/signup", {"name": "Ada", "email": an_address(), "password": PASSWORD})).status
        for _ in range(5)
    ]

    assert resets == [202] * 3 + [429] * 2
    assert people == [201] * 3 + [429] * 2


async def messages_to(folder, address: str, holding: str) -> int:
    """How many messages to that address hold such a thing, once there are three and a moment has passed for more."""

    def number() -> int:
        texts = [path.read_text() for path in folder.glob("*.json")]
        return sum(address in text and holding in text for text in texts)

    for _ in range(200):
        if number() >= 3:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    return number()
