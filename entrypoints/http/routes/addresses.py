"""Showing that an address is one's own: a code is sent to it, and given back here."""

from http import HTTPStatus
from typing import Final, assert_never

from aiohttp import web

from entrypoints.http.authentication import caller
from entrypoints.http.devices import device_of
from entrypoints.http.openapi import body, body_of, operation
from entrypoints.http.problems import Problem, json_response, too_many_attempts
from entrypoints.http.schemas.accounts import AcceptedSchema, AddressCodeSchema
from entrypoints.http.schemas.answers import UserSchema
from entrypoints.http.services import Services
from entrypoints.http.views import user_view
from wallet_core.identity.addresses import AddressRefusal, Channel
from wallet_core.identity.entities import User
from wallet_core.identity.ports import TooManyAttempts

_TAGS = ("people",)
_SENDING_PROBLEMS: Final = ("not_found", "address_verified", "too_many_attempts")
_VERIFYING_PROBLEMS: Final = ("invalid_code", "too_many_attempts")


class AddressRoutes:
    """`/me/email` and `/me/phone`."""

    def __init__(self, services: Services) -> None:
        self._addresses = services.addresses

    @operation(
        tags=_TAGS,
        summary="Have another code sent to my email address",
        description="The one before is good no longer. An address gets three an hour.",
        responses={202: (AcceptedSchema, "A code is on its way")},
        problems=_SENDING_PROBLEMS,
    )
    async def send_email_code(self, request: web.Request) -> web.Response:
        return await self._send(request, Channel.EMAIL)

    @operation(
        tags=_TAGS,
        summary="Have another code sent to my phone",
        description="The one before is good no longer. A number gets three an hour.",
        responses={202: (AcceptedSchema, "A code is on its way")},
        problems=_SENDING_PROBLEMS,
    )
    async def send_phone_code(self, request: web.Request) -> web.Response:
        return await self._send(request, Channel.PHONE)

    @operation(
        tags=_TAGS,
        summary="Verify my email address by the code that was sent to it",
        description="A code is good for 15 minutes and five tries.",
        responses={200: (UserSchema, "You, with that address verified")},
        problems=_VERIFYING_PROBLEMS,
    )
    @body(AddressCodeSchema)
    async def verify_email(self, request: web.Request) -> web.Response:
        return await self._verify(request, Channel.EMAIL)

    @operation(
        tags=_TAGS,
        summary="Verify my phone number by the code that was sent to it",
        description="A code is good for 15 minutes and five tries.",
        responses={200: (UserSchema, "You, with that number verified")},
        problems=_VERIFYING_PROBLEMS,
    )
    @body(AddressCodeSchema)
    async def verify_phone(self, request: web.Request) -> web.Response:
        return await self._verify(request, Channel.PHONE)

    async def _send(self, request: web.Request, channel: Channel) -> web.Response:
        refused = await self._addresses.send_again(caller(request).user_id, channel, device_of(request))
        match refused:
            case None:
                return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED)
            case AddressRefusal():
                raise Problem(_PROBLEM_BY_REFUSAL[refused])
            case TooManyAttempts():
                raise too_many_attempts(refused.wait_seconds)
        assert_never(refused)

    async def _verify(self, request: web.Request, channel: Channel) -> web.Response:
        code: str = body_of(request)["code"]
        verified = await self._addresses.verify(caller(request).user_id, channel, code, device_of(request))
        match verified:
            case User():
                return json_response(user_view(verified))
            case AddressRefusal():
                raise Problem(_PROBLEM_BY_REFUSAL[verified])
            case TooManyAttempts():
                raise too_many_attempts(verified.wait_seconds)
        assert_never(verified)

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/me/email/verification", self.send_email_code),
            web.post("/me/phone/verification", self.send_phone_code),
            web.post("/me/email/verify", self.verify_email),
            web.post("/me/phone/verify", self.verify_phone),
        ]


_PROBLEM_BY_REFUSAL: Final = {
    AddressRefusal.INVALID_CODE: "invalid_code",
    AddressRefusal.NO_ADDRESS: "not_found",
    AddressRefusal.VERIFIED: "address_verified",
}
