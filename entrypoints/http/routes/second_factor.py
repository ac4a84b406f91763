"""A second factor, and proving once more who one is."""

from typing import Any, assert_never

from aiohttp import web

from entrypoints.http.authentication import caller
from entrypoints.http.devices import device_of
from entrypoints.http.openapi import body, body_of, operation
from entrypoints.http.problems import FieldError, Problem, json_response, no_content, too_many_attempts
from entrypoints.http.proof import require_proof
from entrypoints.http.qr_codes import qr_svg
from entrypoints.http.schemas.second_factor import (
    CodeSchema,
    EnrolmentSchema,
    FactorEndSchema,
    FactorStateSchema,
    ProofSchema,
)
from entrypoints.http.services import Services
from wallet_core.identity.factor_setup import SetupRefusal
from wallet_core.identity.ports import TooManyAttempts
from wallet_core.identity.proofs import ProofRefusal, Refused
from wallet_core.identity.second_factor import Enrolment

_TAGS = ("second factor",)
_MISSING = "Missing data for required field."


class SecondFactorRoutes:
    """`/auth/2fa` and `/auth/step-up`."""

    def __init__(self, services: Services) -> None:
        self._setup = services.factor_setup
        self._proofs = services.proofs
        self._sessions = services.sessions

    @operation(
        tags=_TAGS,
        summary="Whether I have a second factor",
        responses={200: (FactorStateSchema, "How it stands")},
    )
    async def show_second_factor(self, request: web.Request) -> web.Response:
        state = await self._setup.state(caller(request).user_id)
        return json_response({"enabled": state.enabled, "recovery_codes_left": state.recovery_codes_left})

    @operation(
        tags=_TAGS,
        summary="Set a second factor up",
        description="What is answered is never shown again. Nothing is asked for until it is enabled by a code.",
        responses={200: (EnrolmentSchema, "What the app needs, and codes to write down")},
        problems=["reauth_required", "second_factor_on"],
    )
    async def set_up_second_factor(self, request: web.Request) -> web.Response:
        await require_proof(request, self._sessions)
        begun = await self._setup.begin(caller(request).user_id)
        match begun:
            case Enrolment():
                return json_response(_enrolment_view(begun))
            case SetupRefusal():
                raise Problem(begun.value)
            case None:
                raise Problem("unauthorized")
        assert_never(begun)

    @operation(
        tags=_TAGS,
        summary="Ask me for codes from now on",
        responses={204: (None, "Codes are asked for")},
        problems=["reauth_required", "invalid_credentials", "second_factor_on", "second_factor_off"],
    )
    @body(CodeSchema)
    async def enable_second_factor(self, request: web.Request) -> web.Response:
        await require_proof(request, self._sessions)
        refused = await self._setup.turn_on(caller(request), body_of(request)["code"])
        if refused is not None:
            raise Problem(refused.value)
        return no_content()

    @operation(
        tags=_TAGS,
        summary="Ask me for no codes any more",
        responses={204: (None, "No codes are asked for")},
        problems=["reauth_required", "invalid_credentials", "second_factor_off", "too_many_attempts", "overloaded"],
    )
    @body(FactorEndSchema)
    async def disable_second_factor(self, request: web.Request) -> web.Response:
        await require_proof(request, self._sessions)
        given = body_of(request)
        refused = await self._setup.turn_off(
            caller(request), password=given["password"], code=given["code"], device=device_of(request)
        )
        match refused:
            case None:
                return no_content()
            case SetupRefusal():
                raise Problem(refused.value)
            case ProofRefusal() | TooManyAttempts():
                raise _problem_of(refused)
        assert_never(refused)

    @operation(
        tags=_TAGS,
        summary="Prove once more who I am",
        description="With a `code` where there is a second factor, else with the `password`. Good for five minutes.",
        responses={204: (None, "It is proved")},
        problems=["invalid_credentials", "too_many_attempts", "overloaded"],
    )
    @body(ProofSchema, required=True)
    async def step_up(self, request: web.Request) -> web.Response:
        given = body_of(request)
        refused = await self._proofs.renew(
            caller(request), password=given.get("password"), code=given.get("code"), device=device_of(request)
        )
        if refused is not None:
            raise _problem_of(refused)
        return no_content()

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/auth/2fa", self.show_second_factor),
            web.post("/auth/2fa/setup", self.set_up_second_factor),
            web.post("/auth/2fa/enable", self.enable_second_factor),
            web.post("/auth/2fa/disable", self.disable_second_factor),
            web.post("/auth/step-up", self.step_up),
        ]


def _problem_of(refused: Refused) -> Problem:
    match refused:
        case TooManyAttempts():
            return too_many_attempts(refused.wait_seconds)
        case ProofRefusal.CODE_MISSING:
            return Problem("invalid_request", errors=[FieldError("body.code", _MISSING)])
        case ProofRefusal.PASSWORD_MISSING:
            return Problem("invalid_request", errors=[FieldError("body.password", _MISSING)])
        case ProofRefusal.WRONG | ProofRefusal.SESSION_OVER:
            return Problem(refused.value)
    assert_never(refused)


def _enrolment_view(begun: Enrolment) -> dict[str, Any]:
    return {
        "secret": begun.secret,
        "otpauth_uri": begun.uri,
        "qr_svg": qr_svg(begun.uri),
        "recovery_codes": list(begun.recovery_codes),
    }
