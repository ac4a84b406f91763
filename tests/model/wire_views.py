"""What the service must say in each case, put together from the model and from the published contract alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tests.model.answers import Answer, End, Kept, Use
from tests.model.naive import NaiveBooks
from tests.model.operations import EXPONENTS, Kind, Look, LookBack, Move, Operation, Standing, written
from tests.races import client

_PROBLEMS: Final[Mapping[str, tuple[int, str]]] = {
    "idempotency_key_reused": (422, "idempotency_key_reused"),
    "wallet_not_found": (404, "not_found"),
    "currency_not_held": (400, "currency_mismatch"),
    "same_wallet": (400, "same_wallet"),
    "account_deactivated": (403, "account_deactivated"),
    "wallet_frozen": (403, "wallet_frozen"),
    "recipient_unavailable": (400, "recipient_unavailable"),
    "currency_mismatch": (400, "currency_mismatch"),
    "insufficient_funds": (400, "insufficient_funds"),
    "limit_exceeded": (403, "limit_exceeded"),
    "balance_too_large": (400, "balance_too_large"),
    "idempotency_key_required": (400, "idempotency_key_required"),
    "email_taken": (409, "email_taken"),
    "wallet_name_taken": (409, "wallet_name_taken"),
    "too_many_wallets": (409, "too_many_wallets"),
    "currency_held": (409, "conflict"),
    "limit_too_high": (400, "limit_too_high"),
}
_SAID_ANYHOW: Final = ("error", "type", "detail", "request_id", "errors", "status")
_MADE_BY_THE_SERVICE: Final = ("id", "created_at", "completed_at")


def told(operation: Operation, answer: Any) -> dict[str, Any]:
    """What came back, without what the service alone decides: ids, moments and wordings."""
    if not isinstance(answer, client.Answer):
        return {name: value for name, value in answer.items() if name not in _MADE_BY_THE_SERVICE}
    if answer.status >= 400:
        members = {name: value for name, value in answer.json.items() if name not in _SAID_ANYHOW}
        code = members.pop("code")
        return {"status": answer.status, "code": code, "replayed": answer.replayed, "members": members}
    match operation:
        case Move():
            return {"status": answer.status, "replayed": answer.replayed, "body": told(operation, answer.json)}
        case Look():
            return {"status": answer.status, "body": answer.json}
        case LookBack():
            return {"status": answer.status, "body": [told(operation, line) for line in answer.json["data"]]}
        case _:
            return {"status": answer.status}


def refusal_view(code: str, members: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A problem."""
    status, said = _PROBLEMS[code]
    return {"status": status, "code": said, "replayed": False, "members": dict(members or {})}


def move_view(move: Move, answer: Answer, wallets: Mapping[int, str]) -> dict[str, Any]:
    """The answer to a movement."""
    if answer.code is not None:
        members = {} if answer.code != "limit_exceeded" else _limit_members(move.currency, answer.details)
        return refusal_view(answer.code, members) | {"replayed": answer.replayed}
    assert answer.kept is not None
    direction = "in" if move.kind is Kind.DEPOSIT else "out"
    return {"status": 201, "replayed": answer.replayed, "body": line_view(direction, answer.kept, wallets)}


def line_view(direction: str, kept: Kept, wallets: Mapping[int, str]) -> dict[str, Any]:
    """A line of a history."""
    move = kept.move
    own, other = (kept.source, kept.destination) if direction == "out" else (kept.destination, kept.source)
    assert own is not None
    assert isinstance(own.place, int)
    return {
        "wallet_id": wallets[own.place],
        "type": f"transfer_{direction}" if move.kind is Kind.TRANSFER else move.kind.value,
        "status": "COMPLETED" if kept.reason is None else "FAILED",
        "direction": direction,
        "amount": written(move.amount, move.currency),
        "currency": move.currency,
        # Whose address a refused transfer went to is not the sender's to know.
        "counterparty": None if kept.reason is not None else _counterparty(other, wallets),
        "balance_after": None if own.balance_after is None else written(own.balance_after, move.currency),
        "failure_reason": kept.reason,
        "note": move.words if move.kind is Kind.TRANSFER else None,
    }


def balance_view(naive: NaiveBooks, look: Look, wallets: Mapping[int, str]) -> dict[str, Any]:
    """What a wallet holds in one currency."""
    return {"wallet_id": wallets[look.wallet], **_purse_view(naive, look.wallet, look.currency)}


def wallet_view(naive: NaiveBooks, number: int) -> dict[str, Any]:
    """A wallet with all that it holds, its own currency first."""
    wallet = naive.wallets[number]
    currencies = sorted(wallet.purses, key=lambda currency: (currency != wallet.currency, currency))
    return {
        "name": wallet.name,
        "currency": wallet.currency,
        "status": "frozen" if wallet.standing is Standing.FROZEN else "active",
        "default": wallet.is_default,
        "balances": [_purse_view(naive, number, currency) for currency in currencies],
    }


def limits_view(naive: NaiveBooks, person: int, currency: str, now: datetime) -> dict[str, Any]:
    """A person's limits in one currency."""
    return {
        "currency": currency,
        "transfer": _uses_view(naive.uses(person, Kind.TRANSFER, currency, now), currency),
        "withdrawal": _uses_view(naive.uses(person, Kind.WITHDRAW, currency, now), currency),
    }


def system_view(naive: NaiveBooks) -> dict[tuple[str, str], tuple[int, int]]:
    """What the system's wallets hold, and by how many entries."""
    return {place: (purse.balance, purse.entries) for place, purse in naive.system.items() if purse.entries}


def _purse_view(naive: NaiveBooks, number: int, currency: str) -> dict[str, Any]:
    purse = naive.wallets[number].purses[currency]
    balance = written(purse.balance, currency)
    return {
        "currency": currency,
        "balance": balance,
        "available": balance,
        "held": written(0, currency),
        "exponent": EXPONENTS[currency],
        "version": purse.entries,
    }


def _uses_view(uses: tuple[Use, Use], currency: str) -> dict[str, Any]:
    return {
        use.window: {
            "limit": written(use.limit, currency),
            "used": written(use.used, currency),
            "remaining": written(max(use.limit - use.used, 0), currency),
            "resets_at": _moment(use.resets_at),
        }
        for use in uses
    }


def _limit_members(currency: str, details: Mapping[str, object]) -> dict[str, object]:
    members: dict[str, object] = {"currency": currency}
    for name, value in details.items():
        if isinstance(value, int):
            value = written(value, currency)
        members[name] = _moment(value) if isinstance(value, datetime) else value
    return members


def _counterparty(end: End | None, wallets: Mapping[int, str]) -> dict[str, str] | None:
    if end is None or end.holder is None or not isinstance(end.place, int):
        return None
    return {"wallet_id": wallets[end.place], "name": end.holder}


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
