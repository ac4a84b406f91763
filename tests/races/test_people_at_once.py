"""Signing up and opening wallets, many at once: as many as may be, and no more."""

import asyncio
from collections import Counter

from tests.races.books import findings
from tests.races.client import Api
from tests.races.serving import Service


async def test_thirty_wallets_asked_for_at_once_are_ten(service: Service, api: Api) -> None:
    alice = await api.person("alice")
    spread = await service.spread(api, 30)

    answers = await asyncio.gather(*[alice.open_wallet() for _ in range(30)])

    listed = (await api.ask("GET", "/wallets", token=alice.token)).json["data"]
    assert len(spread) == 2
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): 9,
        (409, "too_many_wallets"): 21,
    }
    assert len({wallet["name"] for wallet in listed}) == 10
    assert [wallet["default"] for wallet in listed].count(True) == 1
    assert await findings(service.database) == []


async def test_the_first_wallets_asked_for_at_once_have_one_default_among_them(service: Service, api: Api) -> None:
    email = "new@example.com"
    await api.sign_up(email)
    login = await api.ask("POST", "/auth/login", body={"email": email, "password": "a long enough password"})
    token = login.json["access_token"]
    await service.spread(api, 30)

    answers = await asyncio.gather(
        *[api.ask("POST", "/wallets", token=token, body={"name": f"w{number}"}) for number in range(30)]
    )

    listed = (await api.ask("GET", "/wallets", token=token)).json["data"]
    assert Counter(answer.status for answer in answers) == {201: 10, 409: 20}
    assert len(listed) == 10
    assert [wallet["default"] for wallet in listed].count(True) == 1


async def test_one_address_signs_up_once_however_many_try(service: Service, api: Api) -> None:
    spread = await service.spread(api, 20)

    answers = await asyncio.gather(
        *[api.sign_up("Wanted@example.com" if n % 2 else "wanted@example.com") for n in range(20)]
    )

    assert len(spread) == 2
    assert Counter((answer.status, answer.code) for answer in answers) == {(201, None): 1, (409, "email_taken"): 19}
