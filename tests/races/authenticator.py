"""People with authenticator apps, at a service in processes of its own."""

import itertools
from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.http.authenticator import a_step
from tests.races.client import Answer, Api, Person
from wallet_core.testing.second_factor import code_of

_PASSWORD: Final = "a long enough password"
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Whose app it is, what it was given, and the recovery codes that were written down."""

    person: Person
    email: str
    secret: str
    recovery_codes: tuple[str, ...]
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def code(self) -> str:
        """The code of now; one that was used before is good again."""
        await self.owner.execute("UPDATE second_factors SET last_step = last_step - 100")
        return code_of(self.secret, await a_step())

    async def log_in(self, **more: str) -> Answer:
        """Log in with the password, and whatever else is said."""
        body = {"email": self.email, "password": _PASSWORD, **more}
        return await self.person.api.ask("POST", "/auth/login", body=body)

    async def challenge(self) -> str:
        """What a log-in is answered that lacks a code."""
        token: str = (await self.log_in()).json["mfa_token"]
        return token

    async def answer(self, challenge: str, code: str) -> Answer:
        """Give the code that a log-in was answered to lack."""
        return await self.person.api.ask("POST", "/auth/login", body={"mfa_token": challenge, "code": code})

    async def step_up(self, code: str, api: Api | None = None) -> Answer:
        """Prove by a code who it is, at another client where one is given."""
        return await (api or self.person.api).ask("POST", "/auth/step-up", token=self.person.token, body={"code": code})


async def enrol(api: Api, name: str, owner: "asyncpg.Connection[asyncpg.Record]", *, funds: str | None = None) -> App:
    """Somebody new who has turned a second factor on, logged in and with a wallet."""
    email = f"{name}.{next(_NUMBERS)}@apps.example.com"
    signed_up = await api.sign_up(email)
    assert signed_up.status == 201, signed_up.body
    login = await api.ask("POST", "/auth/login", body={"email": email, "password": _PASSWORD})
    token = login.json["access_token"]
    wallet = await api.ask("POST", "/wallets", token=token, body={})
    person = Person(api, signed_up.json["id"], token, wallet.json["id"])
    if funds is not None:
        assert (await person.add_funds(funds)).status == 201
    begun = await api.ask("POST", "/auth/2fa/setup", token=token)
    assert begun.status == 200, begun.body
    app = App(
        person=person,
        email=email,
        secret=begun.json["secret"],
        recovery_codes=tuple(begun.json["recovery_codes"]),
        owner=owner,
    )
    enabled = await api.ask("POST", "/auth/2fa/enable", token=token, body={"code": await app.code()})
    assert enabled.status == 204, enabled.body
    return app
