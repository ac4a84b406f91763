"""Who asks: somebody new for each operation, who has all that it takes to be answered well by that one."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from hypothesis import strategies as st

from tests.http.authenticator import a_step
from tests.races.client import Answer, Api
from tests.races.serving import Service
from wallet_core.testing.second_factor import code_of

_PASSWORD: Final = "a long enough password"
_SECONDS_MAX: Final = 10.0
_CODE: Final = re.compile(r"\b[0-9]{6}\b")
_PARKED_DELIVERY: Final = """
WITH told AS (
    INSERT INTO notifications (id, user_id, event_id, kind, data, created_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'session.stolen', '{}', now()) RETURNING id)
INSERT INTO deliveries
       (id, event_id, notification_id, channel, recipient, status, tries, next_try_at, created_at, ended_at)
SELECT gen_random_uuid(), $1, id, 'mail', 'nobody@example.com', 'parked', 8, now(), now(), now() FROM told
RETURNING id
"""
_LINK: Final = re.compile(r"#token=([A-Za-z0-9_-]{43})")

Known = Mapping[str, st.SearchStrategy[object]]


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with money and a history, and values that make sense for them, by the names they stand under."""

    token: str
    known: Known


class Askers:
    """Makes somebody, at a running service."""

    def __init__(self, api: Api, service: Service, number: int) -> None:
        """`number` is nobody else's there."""
        self._api = api
        self._service = service
        self._number = number

    async def asker_of(self, operation: str) -> Asker:
        """Somebody for that operation, named by its method and path."""
        email, phone = f"asker{self._number}@example.com", f"+1415555{self._number:04}"
        signed_up = await self._done(
            "/auth/signup", None, {"name": "Grace", "email": email, "phone": phone, "password": _PASSWORD}
        )
        user_id = signed_up.json["id"]
        if " /admin" in operation:
            await self._promote(user_id)
        other_session, tokens = await self._log_in(email), await self._log_in(email)
        token = tokens["access_token"]
        wallet_id = (await self._done("/wallets", token, {})).json["id"]
        to_wallet_id = (await self._done("/wallets", other_session["access_token"], {"name": "Other"})).json["id"]
        await self._done(f"/wallets/{wallet_id}/add-funds", token, {"amount": "100000.00"})
        sent = await self._done(
            f"/wallets/{wallet_id}/transfer", token, {"to_wallet_id": to_wallet_id, "amount": "1.00"}, key="first"
        )
        known: dict[str, Any] = {
            "wallet_id": wallet_id,
            "to_wallet_id": to_wallet_id,
            "transaction_id": sent.json["id"],
            "user_id": user_id,
            "session_id": await self._other_session_id(token),
            "refresh_token": tokens["refresh_token"],
            **await self._secrets_for(operation, token, email, phone),
            **await self._states_for(operation, token, wallet_id),
        }
        return Asker(token, _sensible(email) | {name: st.just(value) for name, value in known.items()})

    async def _secrets_for(self, operation: str, token: str, email: str, phone: str) -> dict[str, str]:
        """What only somebody can know who was sent it, or shown it once."""
        match operation:
            case "POST /me/email/verify":
                return {"code": await self._sent(email, _CODE)}
            case "POST /me/phone/verify":
                return {"code": await self._sent(phone, _CODE)}
            case "POST /auth/password/reset":
                await self._done("/auth/password/forgot", None, {"email": email})
                return {"token": await self._sent(email, _LINK)}
            case "POST /auth/2fa/enable":
                begun = (await self._done("/auth/2fa/setup", token, None)).json
                return {"code": code_of(begun["secret"], await a_step())}
            case "POST /auth/2fa/disable":
                begun = (await self._done("/auth/2fa/setup", token, None)).json
                await self._done("/auth/2fa/enable", token, {"code": code_of(begun["secret"], await a_step())})
                return {"code": begun["recovery_codes"][0]}
            case "GET /problems/{code}":
                return {"code": "not_found"}
            case "POST /admin/deliveries/{delivery_id}/retry":
                return {"delivery_id": await self._parked_delivery()}
            case _:
                return {}

    async def _states_for(self, operation: str, token: str, wallet_id: str) -> dict[str, object]:
        """What there has to be before somebody who administers can change it back, and what they may say."""
        why = {"reason": "To see it changed back"}
        match operation:
            case "POST /admin/wallets/{wallet_id}/unfreeze":
                await self._done(f"/admin/wallets/{wallet_id}/freeze", token, why)
                return {}
            case "POST /admin/users/{user_id}/activate":
                contact = {"email": f"gone{self._number}@example.com"}
                gone = await self._done("/auth/signup", None, {"name": "Gone", "password": _PASSWORD} | contact)
                await self._done(f"/admin/users/{gone.json['id']}/deactivate", token, why)
                return {"user_id": gone.json["id"]}
            case "PUT /admin/users/{user_id}/limits":
                return {"transfer": {"daily": "5.00"}, "withdrawal": {"monthly": "70.00"}}
            case _:
                return {}

    async def _done(self, path: str, token: str | None, body: object, *, key: str | None = None) -> Answer:
        answer = await self._api.ask("POST", path, token=token, key=key, body=body)
        assert answer.status < 300, (path, answer.status, answer.body)
        return answer

    async def _log_in(self, email: str) -> dict[str, str]:
        tokens: dict[str, str] = (await self._done("/auth/login", None, {"email": email, "password": _PASSWORD})).json
        return tokens

    async def _other_session_id(self, token: str) -> str:
        sessions = (await self._api.ask("GET", "/auth/sessions", token=token)).json["data"]
        [other_id] = [session["id"] for session in sessions if not session["current"]]
        assert isinstance(other_id, str)
        return other_id

    async def _promote(self, user_id: str) -> None:
        connection = await asyncpg.connect(self._service.database, timeout=_SECONDS_MAX)
        try:
            await connection.execute("UPDATE users SET role = 'admin' WHERE id = $1", user_id)
        finally:
            await connection.close()

    async def _parked_delivery(self) -> str:
        """The id of one, of nobody's."""
        connection = await asyncpg.connect(self._service.database, timeout=_SECONDS_MAX)
        try:
            return str(await connection.fetchval(_PARKED_DELIVERY, -self._number))
        finally:
            await connection.close()

    async def _sent(self, address: str, form: re.Pattern[str]) -> str:
        """What was sent to an address in that form, once it was; from the mailbox of a developer."""
        deadline = time.monotonic() + _SECONDS_MAX
        while time.monotonic() < deadline:
            shown = await self._api.ask("GET", f"/dev/mailbox/messages?to={address.replace('+', '%2B')}")
            for message in shown.json["data"]:
                if found := form.search(message["body"]):
                    return found[form.groups]
            await asyncio.sleep(0.02)
        raise AssertionError(f"nothing was sent to {address}")


def _sensible(email: str) -> dict[str, st.SearchStrategy[object]]:
    """What makes sense for everybody."""
    addresses = st.integers(0, 10**6).map("fuzz{}@example.com".format)
    return {
        "Idempotency-Key": st.one_of(st.uuids().map(str), st.just("a key")),
        "amount": st.sampled_from(["0.01", "1.00", "12.50", 3, 0.5, "4000.00", "99999999.99", "-1.00"]),
        "currency": st.sampled_from(["USD", "USD", "USD", "EUR"]),
        "gateway": st.just("sandbox"),
        "name": st.sampled_from(["Ada", "Rent", "\u00c9t\u00e9"]),
        "email": st.one_of(addresses, st.just(email)),
        "password": st.just(_PASSWORD),
        "current_password": st.just(_PASSWORD),
        "new_password": st.just("another long enough password"),
        "time_zone": st.just("Europe/Rome"),
    }
