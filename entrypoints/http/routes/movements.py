"""Moving money: adding funds, withdrawing, transferring."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, assert_never
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError

from entrypoints.http.amounts import enabled_currency, minor_units
from entrypoints.http.authentication import caller
from entrypoints.http.idempotency import REPLAYED_HEADER, idempotency_key
from entrypoints.http.middlewares import request_id_of
from entrypoints.http.openapi import AMOUNT_PROBLEMS, IDEMPOTENCY_KEY, body, body_of, operation, path, path_of
from entrypoints.http.problems import FieldError, Problem, json_response
from entrypoints.http.schemas.answers import TransactionSchema
from entrypoints.http.schemas.contacts import Email, Phone
from entrypoints.http.schemas.requests import FundsSchema, TransferSchema, WalletPathSchema, WithdrawalSchema
from entrypoints.http.services import Services
from entrypoints.http.views import asked_line, declined_problem, line_view
from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.outcomes import Declined, Outcome, Posted
from wallet_core.wallets.movements import Asked, Recipient

_TAGS = ("money",)
DEFAULT_GATEWAY = "sandbox"
_IDEMPOTENCY_PROBLEMS = ("idempotency_key_invalid", "idempotency_key_reused", "overloaded", "outcome_unknown")
_ANY_PROBLEMS = (
    *AMOUNT_PROBLEMS,
    *_IDEMPOTENCY_PROBLEMS,
    "currency_not_enabled",
    "currency_mismatch",
    "wallet_frozen",
    "account_deactivated",
    "balance_too_large",
)
_OUTGOING_PROBLEMS = (
    *_ANY_PROBLEMS,
    "idempotency_key_required",
    "insufficient_funds",
    "limit_exceeded",
    "step_up_required",
)
_REQUIRED_KEY: Final = replace(IDEMPOTENCY_KEY, required=True)
"""Published as required, though an operator may do without: a client that sends one is right either way."""
_EMAIL: Final = Email()
_PHONE: Final = Phone()


class MovementRoutes:
    """What moves money in and out of `/wallets/{wallet_id}`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._movements = services.movements
        self._currencies = services.currencies

    @operation(
        tags=_TAGS,
        summary="Add funds to a wallet",
        responses={201: (TransactionSchema, "The funds are there")},
        problems=_ANY_PROBLEMS,
        headers=[IDEMPOTENCY_KEY],
    )
    @path(WalletPathSchema)
    @body(FundsSchema)
    async def add_funds(self, request: web.Request) -> web.Response:
        asked = await self._asked(request, key_required=False)
        gateway = body_of(request).get("gateway", DEFAULT_GATEWAY)
        if gateway not in self._movements.gateways:
            known = f"Must be one of: {', '.join(sorted(self._movements.gateways))}."
            raise Problem("invalid_request", errors=[FieldError("body.gateway", known)])
        return self._answer(await self._movements.add_funds(asked, gateway=gateway), asked)

    @operation(
        tags=_TAGS,
        summary="Withdraw from a wallet",
        responses={201: (TransactionSchema, "The money is paid out")},
        problems=_OUTGOING_PROBLEMS,
        headers=[_REQUIRED_KEY],
    )
    @path(WalletPathSchema)
    @body(WithdrawalSchema)
    async def withdraw(self, request: web.Request) -> web.Response:
        asked = await self._asked(request, key_required=self._services.key_required)
        await self._require_proof(request, asked)
        return self._answer(
            await self._movements.withdraw(asked, destination=body_of(request).get("destination")), asked
        )

    @operation(
        tags=_TAGS,
        summary="Send money to another wallet",
        responses={201: (TransactionSchema, "The money has moved")},
        problems=[*_OUTGOING_PROBLEMS, "same_wallet", "recipient_unavailable"],
        headers=[_REQUIRED_KEY],
    )
    @path(WalletPathSchema)
    @body(TransferSchema)
    async def transfer(self, request: web.Request) -> web.Response:
        given = body_of(request)
        asked = await self._asked(request, key_required=self._services.key_required)
        await self._require_proof(request, asked)
        return self._answer(
            await self._movements.transfer(asked, to=_recipient(given), note=given.get("note") or None), asked
        )

    async def _asked(self, request: web.Request, *, key_required: bool) -> Asked:
        """What every one of these requests says. Raises the problem that it has."""
        key = idempotency_key(request, required=key_required)
        given: Mapping[str, Any] = body_of(request)
        user_id: UserId = caller(request).user_id
        wallet_id: WalletId = path_of(request)["wallet_id"]
        code = given.get("currency") or await self._services.wallets.currency(user_id, wallet_id)
        if code is None:
            raise Problem("not_found")
        currency = enabled_currency(self._currencies, code)
        return Asked(
            user_id=user_id,
            wallet_id=wallet_id,
            currency=code,
            amount=minor_units(currency, given["amount"], "body.amount"),
            key=key,
            request_id=request_id_of(request),
        )

    async def _require_proof(self, request: web.Request, asked: Asked) -> None:
        """Let much money leave only soon after a code, where codes are asked for. Raises `step_up_required`.

        A retry of what was asked before moves nothing more, so it gets its answer.
        """
        if await self._services.large_amounts.may_move(caller(request), asked.currency, asked.amount):
            return
        if asked.key is None or not await self._movements.is_settled(asked.user_id, asked.key):
            raise Problem("step_up_required")

    def _answer(self, outcome: Outcome, asked: Asked) -> web.Response:
        match outcome:
            case Posted():
                headers = {REPLAYED_HEADER: "true"} if outcome.replayed else None
                view = line_view(asked_line(outcome.transaction), self._currencies)
                return json_response(view, HTTPStatus.CREATED, headers)
            case Declined():
                raise declined_problem(outcome, self._currencies[asked.currency])
        assert_never(outcome)

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.post("/wallets/{wallet_id}/add-funds", self.add_funds),
            web.post("/wallets/{wallet_id}/withdraw", self.withdraw),
            web.post("/wallets/{wallet_id}/transfer", self.transfer),
        ]


def _recipient(given: Mapping[str, Any]) -> Recipient:
    """Whom a transfer is to. An address that reaches nobody is an address: the ledger declines that and keeps it."""
    wallet_id: UUID | None = given.get("to_wallet_id")
    if wallet_id is not None:
        return Recipient(wallet_id=WalletId(wallet_id))
    to: str = given["to"]
    try:
        return Recipient(email=_EMAIL.read(to)) if "@" in to else Recipient(phone=_PHONE.read(to))
    except ValidationError:
        raise Problem("invalid_request", errors=[FieldError("body.to", "Must be an email or a phone.")]) from None
