"""A secret that was sent to somebody, given back by many at once at two processes: it counts once."""

import asyncio
import re
import time
from collections import Counter

from tests.races.client import Api
from tests.races.serving import Service

SECONDS_MAX = 10.0
LINK = re.compile(r"#token=([A-Za-z0-9_-]{43})")
CODE = re.compile(r"\b[0-9]{6}\b")


async def sent(api: Api, address: str, form: re.Pattern[str]) -> str:
    """What was sent to an address in that form."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        shown = await api.ask("GET", f"/dev/mailbox/messages?to={address}")
        for message in shown.json["data"]:
            if found := form.search(message["body"]):
                return found[form.groups]
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing was sent to {address}")


async def test_row_29_a_link_that_twenty_follow_at_once_sets_one_password(service: Service, api: Api) -> None:
    email = "forgetful@example.com"
    await api.sign_up(email)
    await api.ask("POST", "/auth/password/forgot", body={"email": email})
    token = await sent(api, email, LINK)
    spread = await service.spread(api, 20)
    wanted = [f"plum lantern harbour {number}" for number in range(20)]

    answers = await asyncio.gather(
        *[
            api.ask("POST", "/auth/password/reset", body={"token": token, "new_password": password})
            for password in wanted
        ]
    )

    good = [password for password, answer in zip(wanted, answers, strict=True) if answer.status == 204]
    logins = [
        (await api.ask("POST", "/auth/login", body={"email": email, "password": password})).status
        for password in (*good, "a long enough password")
    ]
    assert len(spread) == 2
    assert Counter(answer.status for answer in answers) == {204: 1, 400: 19}
    assert logins == [200, 401]


async def test_a_code_that_twenty_give_back_at_once_verifies_once(service: Service, api: Api) -> None:
    email = "prover@example.com"
    await api.sign_up(email)
    login = await api.ask("POST", "/auth/login", body={"email": email, "password": "a long enough password"})
    token, code = login.json["access_token"], await sent(api, email, CODE)
    spread = await service.spread(api, 20)

    answers = await asyncio.gather(
        *[api.ask("POST", "/me/email/verify", token=token, body={"code": code}) for _ in range(20)]
    )

    assert len(spread) == 2
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.code for answer in answers if answer.status != 200} <= {"invalid_code", "too_many_attempts"}


async def test_of_many_links_asked_for_at_once_the_newest_alone_is_good(service: Service, api: Api) -> None:
    email = "impatient@example.com"
    await api.sign_up(email)
    await service.spread(api, 10)

    await asyncio.gather(*[api.ask("POST", "/auth/password/forgot", body={"email": email}) for _ in range(10)])
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            shown = await api.ask("GET", f"/dev/mailbox/messages?to={email}")
            tokens = [found[1] for message in shown.json["data"] if (found := LINK.search(message["body"]))]
            if len(tokens) == 3:
                break
            await asyncio.sleep(0.02)
    answers = [
        await api.ask("POST", "/auth/password/reset", body={"token": token, "new_password": "plum lantern harbour"})
        for token in tokens
    ]

    assert sorted(answer.status for answer in answers) == [204, 400, 400]
