"""What people do with their devices, over HTTP alone."""

import asyncio
import itertools
import time
from dataclasses import dataclass

from tests.races.client import Answer, Api

PASSWORD = "a long enough password"
SECONDS_TO_SETTLE = 1.5
"""Longer than anything about a session may take to be known everywhere."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that somebody has logged in on."""

    user_id: str
    email: str
    access: str
    refresh: str

    async def ask(self, api: Api, method: str = "GET", path: str = "/me", **options: object) -> Answer:
        """A request with its token."""
        return await api.ask(method, path, token=self.access, **options)  # type: ignore[arg-type]  # as Api.ask has them

    async def is_let_in(self, api: Api) -> bool:
        """Whether its token opens anything there; otherwise it must have been refused for good."""
        answer = await self.ask(api)
        assert answer.status in (200, 401), answer
        return answer.status == 200

    async def session_id(self, api: Api) -> str:
        """The id of its session."""
        listed = await self.ask(api, "GET", "/auth/sessions")
        (current,) = [session["id"] for session in listed.json["data"] if session["current"]]
        return str(current)


class Devices:
    """Makes people, and logs them in."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def new(self, name: str = "ada") -> Device:
        """The device of somebody new."""
        email = f"{name}{next(_numbers)}@example.com"
        signed_up = await self._api.sign_up(email)
        assert signed_up.status == 201, signed_up
        return await self.another(Device(signed_up.json["id"], email, "", ""))

    async def another(self, device: Device, *, name: str = "a phone") -> Device:
        """Another device of the same person."""
        body = {"email": device.email, "password": PASSWORD}
        answer = await self._api.ask("POST", "/auth/login", body=body, headers={"User-Agent": name})
        assert answer.status == 200, answer
        return Device(device.user_id, device.email, answer.json["access_token"], answer.json["refresh_token"])


async def refreshed(api: Api, device: Device) -> Answer:
    """What its refresh token gets."""
    return await api.ask("POST", "/auth/refresh", body={"refresh_token": device.refresh})


async def seconds_let_in(device: Device, api: Api) -> float:
    """How long from now its token still opens something there: until the last request that was let in was sent."""
    began = let_in_at = time.monotonic()
    while time.monotonic() - began < 10:
        sent_at = time.monotonic()
        if not await device.is_let_in(api):
            return let_in_at - began
        let_in_at = sent_at
        await asyncio.sleep(0.02)
    raise AssertionError("It is still let in.")
