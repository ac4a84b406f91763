"""Changes of state, each for a reason: by those who administer, and by people about themselves."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, assert_never

from aiohttp import web

from entrypoints.http.amounts import enabled_currency, minor_units
from entrypoints.http.authentication import actor_of, caller
from entrypoints.http.idempotency import REPLAYED_HEADER, idempotency_key
from entrypoints.http.openapi import AMOUNT_PROBLEMS, IDEMPOTENCY_KEY, body, body_of, operation, path, path_of
from entrypoints.http.problems import Problem, json_response
from entrypoints.http.routes.limits import chosen_caps
from entrypoints.http.schemas.administration import (
    AdjustmentSchema,
    GrantSchema,
    OptionalReasonSchema,
    ReasonSchema,
    SessionsEndedSchema,
    SessionsEndSchema,
)
from entrypoints.http.schemas.answers import LimitsSchema, TransactionSchema, UserSchema, WalletSchema
from entrypoints.http.schemas.requests import UserPathSchema, WalletPathSchema
from entrypoints.http.security_headers import CLEAR_SITE_DATA
from entrypoints.http.services import Services
from entrypoints.http.views import asked_line, declined_problem, limits_view, line_view, user_view, wallet_view
from wallet_core.administration.administration import Deposit
from wallet_core.administration.audit import NO_REASON, ActorKind
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.identity.entities import User
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.outcomes import Declined, Posted
from wallet_core.wallets.entities import Wallet

_TAGS = ("admin",)
_STATE_PROBLEMS = ("forbidden", "conflict")
_DEPOSIT_PROBLEMS = (
    *AMOUNT_PROBLEMS,
    "forbidden",
    "currency_not_enabled",
    "currency_mismatch",
    "wallet_frozen",
    "account_deactivated",
    "balance_too_large",
    "idempotency_key_reused",
    "outcome_unknown",
)


class AdministrationRoutes:
    """What changes states under `/admin`, and `/me/deactivate`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._administration = services.administration
        self._currencies = services.currencies

    @operation(
        tags=_TAGS,
        summary="Let somebody act again",
        description="Wallets of theirs that are frozen stay so.",
        responses={200: (UserSchema, "The person, active")},
        problems=[*_STATE_PROBLEMS, "outcome_unknown"],
    )
    @path(UserPathSchema)
    @body(ReasonSchema)
    async def activate(self, request: web.Request) -> web.Response:
        return _person_answer(await self._administration.activate(_person_of(request), **_why(request)))

    @operation(
        tags=_TAGS,
        summary="Let somebody act no more",
        description="They log in no more, their tokens are dead within a second, and their wallets neither send nor "
        "receive.",
        responses={200: (UserSchema, "The person, deactivated")},
        problems=[*_STATE_PROBLEMS, "last_admin", "outcome_unknown"],
    )
    @path(UserPathSchema)
    @body(ReasonSchema)
    async def deactivate(self, request: web.Request) -> web.Response:
        return _person_answer(await self._administration.deactivate(_person_of(request), **_why(request)))

    @operation(
        tags=("people",),
        summary="Deactivate my account",
        description="As when an admin does it; only an admin activates it again.",
        responses={200: (UserSchema, "You, deactivated")},
        problems=["conflict", "last_admin", "outcome_unknown"],
    )
    @body(OptionalReasonSchema)
    async def deactivate_me(self, request: web.Request) -> web.Response:
        by, reason = actor_of(request, ActorKind.PERSON), body_of(request).get("reason", NO_REASON)
        changed = await self._administration.deactivate(caller(request).user_id, by=by, reason=reason)
        response = _person_answer(changed)
        response.headers.update(CLEAR_SITE_DATA)
        return response

    @operation(
        tags=_TAGS,
        summary="Say how much somebody may move out",
        description="In force at once. What they allow themselves, if that is less, stays.",
        responses={200: (LimitsSchema, "Their limits, as changed")},
        problems=["forbidden", "currency_not_enabled", "outcome_unknown", *AMOUNT_PROBLEMS],
    )
    @path(UserPathSchema)
    @body(GrantSchema)
    async def grant_limits(self, request: web.Request) -> web.Response:
        given, user_id = body_of(request), _person_of(request)
        currency = enabled_currency(self._currencies, given["currency"])
        wanted = {kind: chosen_caps(given[kind.value], kind, currency) for kind in LimitKind if kind.value in given}
        refused = await self._administration.grant(user_id, currency.code, wanted, **_why(request))
        user = await self._services.people.find(user_id)
        # What was granted already is granted now: there is nothing to refuse, and nothing to note.
        if refused not in (None, ChangeRefusal.UNCHANGED) or user is None:
            raise Problem("not_found")
        limits = await self._services.allowances.of(user_id, currency.code, time_zone=user.time_zone)
        return json_response(limits_view(limits, currency))

    @operation(
        tags=_TAGS,
        summary="Log somebody out",
        description="On all devices, or on the one whose session is named.",
        responses={200: (SessionsEndedSchema, "How many sessions were open")},
        problems=["forbidden", "outcome_unknown"],
    )
    @path(UserPathSchema)
    @body(SessionsEndSchema)
    async def end_sessions_of(self, request: web.Request) -> web.Response:
        session_id = body_of(request).get("session_id")
        ended = await self._administration.end_sessions(
            _person_of(request), session_id=None if session_id is None else SessionId(session_id), **_why(request)
        )
        match ended:
            case int():
                return json_response({"ended": ended})
            case ChangeRefusal.UNCHANGED:
                return json_response({"ended": 0})
            case ChangeRefusal():
                raise Problem("not_found")
        assert_never(ended)

    @operation(
        tags=_TAGS,
        summary="Let no money move in or out of a wallet",
        responses={200: (WalletSchema, "The wallet, frozen")},
        problems=[*_STATE_PROBLEMS, "outcome_unknown"],
    )
    @path(WalletPathSchema)
    @body(ReasonSchema)
    async def freeze(self, request: web.Request) -> web.Response:
        return self._wallet_answer(await self._administration.freeze(_wallet_of(request), **_why(request)))

    @operation(
        tags=_TAGS,
        summary="Let money move again",
        responses={200: (WalletSchema, "The wallet, active")},
        problems=[*_STATE_PROBLEMS, "outcome_unknown"],
    )
    @path(WalletPathSchema)
    @body(ReasonSchema)
    async def unfreeze(self, request: web.Request) -> web.Response:
        return self._wallet_answer(await self._administration.unfreeze(_wallet_of(request), **_why(request)))

    @operation(
        tags=_TAGS,
        summary="Credit somebody's wallet",
        description="In the wallet's own currency unless another is named. The money comes from the account for "
        "adjustments; nobody's balance is written otherwise.",
        responses={201: (TransactionSchema, "The money is there")},
        problems=_DEPOSIT_PROBLEMS,
        headers=[IDEMPOTENCY_KEY],
    )
    @path(WalletPathSchema)
    @body(AdjustmentSchema)
    async def deposit(self, request: web.Request) -> web.Response:
        key, given = idempotency_key(request, required=False), body_of(request)
        wallet = await self._services.directory.wallet(_wallet_of(request))
        if wallet is None:
            raise Problem("not_found")
        currency = enabled_currency(self._currencies, given.get("currency", wallet.currency))
        asked = Deposit(
            asked_by=caller(request).user_id,
            wallet_id=wallet.id,
            currency=currency.code,
            amount=minor_units(currency, given["amount"], "body.amount"),
            key=key,
        )
        outcome = await self._administration.deposit(asked, **_why(request))
        match outcome:
            case Posted():
                headers = {REPLAYED_HEADER: "true"} if outcome.replayed else None
                view = line_view(asked_line(outcome.transaction), self._currencies)
                return json_response(view, HTTPStatus.CREATED, headers)
            case Declined():
                raise declined_problem(outcome, currency)
        assert_never(outcome)

    def _wallet_answer(self, changed: Wallet | ChangeRefusal) -> web.Response:
        if isinstance(changed, ChangeRefusal):
            raise _refused(changed, "The wallet stands so already.")
        return json_response(wallet_view(changed, self._currencies))

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/admin/users/{user_id}/activate", self.activate),
            web.post("/admin/users/{user_id}/deactivate", self.deactivate),
            web.put("/admin/users/{user_id}/limits", self.grant_limits),
            web.post("/admin/users/{user_id}/sessions/end", self.end_sessions_of),
            web.post("/admin/wallets/{wallet_id}/freeze", self.freeze),
            web.post("/admin/wallets/{wallet_id}/unfreeze", self.unfreeze),
            web.post("/admin/wallets/{wallet_id}/deposit", self.deposit),
            web.post("/me/deactivate", self.deactivate_me),
        ]


def _why(request: web.Request) -> Mapping[str, Any]:
    """By whom, and for what reason; the schema says whether there has to be one."""
    return {"by": actor_of(request), "reason": body_of(request).get("reason", NO_REASON)}


def _person_of(request: web.Request) -> UserId:
    return UserId(path_of(request)["user_id"])


def _wallet_of(request: web.Request) -> WalletId:
    return WalletId(path_of(request)["wallet_id"])


def _person_answer(changed: User | ChangeRefusal) -> web.Response:
    if isinstance(changed, ChangeRefusal):
        raise _refused(changed, "They are so already.")
    return json_response(user_view(changed))


def _refused(refusal: ChangeRefusal, unchanged: str) -> Problem:
    match refusal:
        case ChangeRefusal.NOT_FOUND:
            return Problem("not_found")
        case ChangeRefusal.UNCHANGED:
            return Problem("conflict", unchanged)
        case ChangeRefusal.LAST_ADMIN:
            return Problem("last_admin")
    assert_never(refusal)
