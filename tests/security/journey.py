"""What one person does over HTTP who uses everything there is, and every secret that they are given on the way."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.security.canaries import Canaries
from tests.security.planting import KEEPSAKE, Request
from wallet_core.testing.second_factor import code_of

_SECONDS_MAX: Final = 15.0
_STEP_SECONDS: Final = 30
_GIVEN: Final = ("access_token", "refresh_token", "mfa_token", "secret", "otpauth_uri")


class Traveller:
    """A person over HTTP. Whatever an answer gives them that is secret is learned."""

    def __init__(self, session: aiohttp.ClientSession, url: str, mailbox: Path, canaries: Canaries) -> None:
        self._session = session
        self._url = url
        self._mailbox = mailbox
        self._canaries = canaries
        self.email = canaries.email("their email address")
        self.phone = canaries.phone("their phone number")
        self.password = canaries.secret("their password")
        self.token = ""
        self.refresh_token = ""
        self.wallet_id = ""

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """The status and the body of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        async with self._session.request(method, f"{self._url}{path}", json=body, headers=named) as response:
            raw = await response.read()
            for cookie in response.cookies.values():
                self._canaries.learn(f"the cookie {cookie.key}", cookie.value)
            answer = json.loads(raw) if raw else None
            if isinstance(answer, dict):
                self._learn(answer)
            return response.status, answer

    async def send(self, request: Request) -> int:
        """The status that a request gets."""
        async with self._session.request(
            request.method,
            f"{self._url}{request.path}",
            data=request.body,
            params=request.query,
            headers=request.headers,
        ) as response:
            # A stream has no end to wait for.
            if response.content_type != "text/event-stream":
                await response.read()
            return response.status

    async def arrive(self) -> None:
        """Sign up, log in and open a wallet."""
        person = {"name": f"{KEEPSAKE} traveller", "password": self.password}
        status, _ = await self.ask("POST", "/auth/signup", person | {"email": self.email, "phone": self.phone})
        assert status == 201
        await self.log_in()
        status, wallet = await self.ask("POST", "/wallets", {"name": f"{KEEPSAKE} wallet"})
        assert status == 201
        self.wallet_id = wallet["id"]

    async def log_in(self, **more: str) -> tuple[int, Any]:
        """Log in with the password."""
        self.token = ""
        status, given = await self.ask("POST", "/auth/login", {"email": self.email, "password": self.password} | more)
        if status == 200:
            self.token, self.refresh_token = given["access_token"], given["refresh_token"]
        return status, given

    async def do_everything(self) -> None:
        """Prove addresses, turn on a second factor, log in with it, forget the password, set another, and leave."""
        for channel, to in (("email", self.email), ("phone", self.phone)):
            code = await self._message(to, r"\b([0-9]{6})\b", f"the code for their {channel}")
            assert (await self.ask("POST", f"/me/{channel}/verify", {"code": code}))[0] == 200
        assert (await self.ask("POST", "/auth/refresh", {"refresh_token": self.refresh_token}))[0] == 200
        await self._use_a_second_factor()
        await self._set_another_password()
        assert (await self.ask("POST", "/auth/logout"))[0] == 204

    async def _use_a_second_factor(self) -> None:
        status, given = await self.ask("POST", "/auth/2fa/setup", {})
        assert status == 200, given
        secret = given["secret"]
        for recovery_code in given["recovery_codes"]:
            self._canaries.learn("a recovery code", recovery_code)
        code = code_of(secret, await _a_step())
        assert (await self.ask("POST", "/auth/2fa/enable", {"code": self._canaries.learn("a code", code)}))[0] == 204
        status, asked = await self.log_in()
        assert status == 401, asked
        answer = {"mfa_token": asked["mfa_token"], "code": given["recovery_codes"][0]}
        status, granted = await self.ask("POST", "/auth/login", answer)
        assert status == 200, granted
        self.token = granted["access_token"]

    async def _set_another_password(self) -> None:
        token, self.token = self.token, ""
        assert (await self.ask("POST", "/auth/password/forgot", {"email": self.email}))[0] == 202
        reset = await self._message(self.email, r"#token=([\w-]+)", "the token of a reset")
        self.password = self._canaries.secret("their new password")
        status, told = await self.ask("POST", "/auth/password/reset", {"token": reset, "new_password": self.password})
        assert status == 204, told
        self.token = token

    async def _message(self, to: str, pattern: str, what: str) -> str:
        """What matches in the newest message to that address, once there is one."""
        deadline = time.monotonic() + _SECONDS_MAX
        while time.monotonic() < deadline:
            for path in sorted(self._mailbox.glob("*.json"), reverse=True):
                message = json.loads(path.read_text(encoding="utf-8"))
                found = re.search(pattern, message["body"]) if message["to"] == to else None
                if found is not None:
                    return self._canaries.learn(what, found[1])
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what} was not sent")

    def _learn(self, answer: Mapping[str, Any]) -> None:
        for name in _GIVEN:
            if isinstance(answer.get(name), str):
                self._canaries.learn(name, answer[name])


async def _a_step() -> int:
    """The time step of now, once enough of it is left to use its code."""
    left = _STEP_SECONDS - time.time() % _STEP_SECONDS
    if left < _STEP_SECONDS / 5:
        await asyncio.sleep(left + 0.01)
    return int(time.time()) // _STEP_SECONDS
