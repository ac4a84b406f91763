"""Another password: for who knows theirs, and for who has forgotten it."""

from http import HTTPStatus
from typing import assert_never

from aiohttp import web

from entrypoints.http.authentication import caller
from entrypoints.http.devices import device_of
from entrypoints.http.openapi import body, body_of, operation
from entrypoints.http.problems import Problem, json_response, no_content, too_many_attempts, weak_password
from entrypoints.http.schemas.accounts import (
    AcceptedSchema,
    PasswordChangeSchema,
    PasswordForgottenSchema,
    PasswordResetSchema,
)
from entrypoints.http.services import Services
from wallet_core.identity.entities import WeakPasswordError
from wallet_core.identity.passwords import PasswordRefusal
from wallet_core.identity.ports import TooManyAttempts
from wallet_core.identity.recovery import ResetRefusal

_TAGS = ("people",)


class PasswordRoutes:
    """`/auth/password`."""

    def __init__(self, services: Services) -> None:
        self._passwords = services.passwords
        self._recovery = services.recovery

    @operation(
        tags=_TAGS,
        summary="Change my password",
        description="Every other session ends. With a second factor on, prove who you are at `/auth/step-up` first.",
        responses={204: (None, "Changed")},
        problems=["weak_password", "wrong_password", "reauth_required", "too_many_attempts", "overloaded"],
    )
    @body(PasswordChangeSchema)
    async def change_password(self, request: web.Request) -> web.Response:
        given = body_of(request)
        try:
            refused = await self._passwords.change(
                caller(request),
                current=given["current_password"],
                new=given["new_password"],
                device=device_of(request),
            )
        except WeakPasswordError as error:
            raise weak_password(str(error), "body.new_password") from None
        match refused:
            case None:
                return no_content()
            case PasswordRefusal():
                raise Problem(refused.value)
            case TooManyAttempts():
                raise too_many_attempts(refused.wait_seconds)
        assert_never(refused)

    @operation(
        tags=_TAGS,
        summary="Have a link sent that sets a new password",
        description="The answer is the same whether or not anybody is reached by that address. The link goes to an "
        "address that its owner has verified, at most three times an hour, and is good for half an hour.",
        security=False,
        responses={202: (AcceptedSchema, "A link is on its way, if anybody is reached by that address")},
        problems=["too_many_attempts", "overloaded"],
    )
    @body(PasswordForgottenSchema, required=True)
    async def forget_password(self, request: web.Request) -> web.Response:
        given = body_of(request)
        refused = await self._recovery.forgot(
            email=given.get("email"), phone=given.get("phone"), device=device_of(request)
        )
        if refused is not None:
            raise too_many_attempts(refused.wait_seconds)
        return json_response({"status": "accepted"}, HTTPStatus.ACCEPTED)

    @operation(
        tags=_TAGS,
        summary="Set a new password by the token of such a link",
        description="The token works once, and only the one that was sent last. Every session of its owner ends; they "
        "log in with the new password.",
        security=False,
        responses={204: (None, "Set")},
        problems=["weak_password", "invalid_reset_token", "too_many_attempts", "overloaded"],
    )
    @body(PasswordResetSchema)
    async def reset_password(self, request: web.Request) -> web.Response:
        given = body_of(request)
        try:
            refused = await self._recovery.reset(given["token"], given["new_password"], device_of(request))
        except WeakPasswordError as error:
            raise weak_password(str(error), "body.new_password") from None
        match refused:
            case None:
                return no_content()
            case ResetRefusal():
                raise Problem(refused.value)
            case TooManyAttempts():
                raise too_many_attempts(refused.wait_seconds)
        assert_never(refused)

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.put("/auth/password", self.change_password),
            web.post("/auth/password/forgot", self.forget_password),
            web.post("/auth/password/reset", self.reset_password),
        ]
