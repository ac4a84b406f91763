"""Somebody's authenticator app, for tests over HTTP: it shows codes by the real clock, and never in the last moment."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.http.clients import PASSWORD, Api, Person
from tests.http.contract import Answer
from wallet_core.testing.second_factor import code_of

_STEP_SECONDS: Final = 30
_MARGIN_SECONDS: Final = 6
"""Time enough for a test to use a code, and the one before it, while they are good."""

Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Whose app it is, what it was given, and the recovery codes that were written down."""

    person: Person
    secret: str
    recovery_codes: tuple[str, ...]
    owner: "Connection[asyncpg.Record]"

    async def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps later; one that was used before is good again."""
        await self.owner.execute("UPDATE second_factors SET last_step = last_step - 100")
        return code_of(self.secret, await a_step() + steps)

    async def wrong_code(self) -> str:
        """One that is none of those that could be good."""
        step = await a_step()
        good = {code_of(self.secret, step + steps) for steps in range(-2, 4)}
        return next(
            code for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666") if code not in good
        )

    async def log_in(self, api: Api, **more: str) -> Answer:
        """Log in with the password, and whatever else is said."""
        return await api.call("POST", "/auth/login", {"email": self.person.email, "password": PASSWORD, **more})


async def a_step() -> int:
    """The time step of now, once enough of it is left."""
    left = _STEP_SECONDS - time.time() % _STEP_SECONDS
    if left < _MARGIN_SECONDS:
        await asyncio.sleep(left + 0.01)
    return int(time.time()) // _STEP_SECONDS


async def enrol(person: Person, owner: "Connection[asyncpg.Record]") -> App:
    """Turn a second factor on."""
    begun = await person.post("/auth/2fa/setup")
    assert begun.status == 200, begun
    shown: dict[str, Any] = begun.body
    app = App(person=person, secret=shown["secret"], recovery_codes=tuple(shown["recovery_codes"]), owner=owner)
    enabled = await person.post("/auth/2fa/enable", {"code": await app.code()})
    assert enabled.status == 204, enabled
    return app


async def let_the_proof_grow_old(person: Person, owner: "Connection[asyncpg.Record]") -> None:
    """Let five minutes pass since anybody proved to be that person, and all that have to know it hear of it."""
    await owner.execute(
        "UPDATE sessions SET proved_at = proved_at - interval '5 minutes', changed_at = clock_timestamp() "
        "WHERE user_id = $1",
        person.id,
    )
    await until_unproved(person.api, person.token)


async def until_unproved(api: Api, token: str) -> None:
    """Return once the process that answers knows that the session has no fresh proof: within a second or so."""
    deadline = time.monotonic() + 10
    while True:
        asked = await api.call("POST", "/auth/2fa/setup", token=token)
        if asked.status == 403:
            return
        assert time.monotonic() < deadline, asked
        await asyncio.sleep(0.05)
