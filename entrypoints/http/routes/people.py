"""Signing up, logging in, and oneself."""

from http import HTTPStatus
from typing import assert_never

from aiohttp import web

from entrypoints.http.authentication import caller
from entrypoints.http.devices import device_of, keep_proof
from entrypoints.http.openapi import body, body_of, operation
from entrypoints.http.problems import Problem, json_response, too_many_attempts, weak_password
from entrypoints.http.proof import require_proof
from entrypoints.http.schemas.answers import TokenSchema, UserSchema
from entrypoints.http.schemas.requests import LoginSchema, ProfileChangeSchema, SignupSchema
from entrypoints.http.services import Services
from entrypoints.http.views import granted_view, user_view
from wallet_core.identity.entities import User, WeakPasswordError
from wallet_core.identity.login import LoggedIn, LoginOutcome, LoginRefusal
from wallet_core.identity.ports import SecondFactorRequired, Taken, TooManyAttempts

_TAGS = ("people",)


class PeopleRoutes:
    """`/auth/…`, its short names, and `/me`."""

    def __init__(self, services: Services) -> None:
        self._people = services.people
        self._log_in = services.log_in
        self._sessions = services.sessions
        self._measures = services.measures

    @operation(
        tags=_TAGS,
        summary="Sign up",
        security=False,
        responses={201: (UserSchema, "The new person")},
        description="Each address gets a code: until it is given back, nobody can send to it, and one logs in by it.",
        problems=["weak_password", "email_taken", "phone_taken", "too_many_attempts", "overloaded"],
    )
    @body(SignupSchema)
    async def sign_up(self, request: web.Request) -> web.Response:
        given = body_of(request)
        try:
            user = await self._people.sign_up(
                name=given["name"],
                password=given["password"],
                email=given.get("email"),
                phone=given.get("phone"),
                device=device_of(request),
            )
        except WeakPasswordError as error:
            raise weak_password(str(error), "body.password") from None
        match user:
            case User():
                return json_response(user_view(user), HTTPStatus.CREATED)
            case Taken():
                raise Problem(user.value)
            case TooManyAttempts():
                raise too_many_attempts(user.wait_seconds)
        assert_never(user)

    @operation(
        tags=_TAGS,
        summary="Log in",
        security=False,
        responses={200: (TokenSchema, "Tokens")},
        description="With `email` or `phone` and `password`; or with the `mfa_token` of `second_factor_required`.",
        problems=[
            "invalid_credentials",
            "second_factor_required",
            "mfa_token_expired",
            "account_deactivated",
            "too_many_attempts",
            "overloaded",
        ],
    )
    @body(LoginSchema, required=True)
    async def log_in(self, request: web.Request) -> web.Response:
        given, device = body_of(request), device_of(request)
        if "mfa_token" in given:
            outcome = await self._log_in.with_code(challenge=given["mfa_token"], code=given["code"], device=device)
        else:
            outcome = await self._log_in.with_password(
                password=given["password"],
                email=given.get("email"),
                phone=given.get("phone"),
                code=given.get("code"),
                device=device,
            )
        self._measures.logged_in(_word_of(outcome))
        return _login_answer(request, outcome)

    @operation(tags=_TAGS, summary="Who I am", responses={200: (UserSchema, "You")})
    async def show_me(self, request: web.Request) -> web.Response:
        user = await self._people.find(caller(request).user_id)
        if user is None:
            raise Problem("unauthorized")
        return json_response(user_view(user))

    @operation(
        tags=_TAGS,
        summary="Change my name, addresses or time zone",
        description="Another address is verified by the code that it gets; to change one, prove who you are first.",
        responses={200: (UserSchema, "You, as changed")},
        problems=["email_taken", "phone_taken", "reauth_required", "too_many_attempts"],
    )
    @body(ProfileChangeSchema)
    async def change_me(self, request: web.Request) -> web.Response:
        given = body_of(request)
        if "email" in given or "phone" in given:
            await require_proof(request, self._sessions)
        changed = await self._people.change(
            caller(request).user_id,
            name=given.get("name"),
            email=given.get("email"),
            phone=given.get("phone"),
            time_zone=given.get("time_zone"),
            device=device_of(request),
        )
        match changed:
            case User():
                return json_response(user_view(changed))
            case Taken():
                raise Problem(changed.value)
            case TooManyAttempts():
                raise too_many_attempts(changed.wait_seconds)
            case None:
                raise Problem("unauthorized")
        assert_never(changed)

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/auth/signup", self.sign_up),
            web.post("/register", self.sign_up),
            web.post("/auth/login", self.log_in),
            web.post("/login", self.log_in),
            web.get("/me", self.show_me),
            web.patch("/me", self.change_me),
        ]


def _word_of(outcome: LoginOutcome) -> str:
    """What became of a log-in, for whoever counts them."""
    match outcome:
        case LoggedIn():
            return "let_in"
        case LoginRefusal():
            return outcome.value
        case SecondFactorRequired():
            return "second_factor_required"
        case TooManyAttempts():
            return "too_many_attempts"
    assert_never(outcome)


def _login_answer(request: web.Request, outcome: LoginOutcome) -> web.Response:
    match outcome:
        case LoggedIn():
            response = json_response(granted_view(outcome.granted))
            if outcome.device_proof is not None:
                keep_proof(request, response, outcome.device_proof)
            return response
        case LoginRefusal():
            raise Problem(outcome.value)
        case SecondFactorRequired():
            raise Problem("second_factor_required", mfa_token=outcome.challenge)
        case TooManyAttempts():
            raise too_many_attempts(outcome.wait_seconds)
    assert_never(outcome)
