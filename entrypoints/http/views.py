"""The core's values as the JSON that answers carry."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.http.idempotency import REPLAYED_HEADER
from entrypoints.http.problems import Problem
from entrypoints.http.schemas.fields import written_timestamp
from wallet_core.identity.entities import User
from wallet_core.identity.session import Granted, Session
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind, TransactionKind
from wallet_core.ledger.limits import Limit, WindowUse
from wallet_core.ledger.outcomes import Declined, Details, Reason, Transaction
from wallet_core.ledger.statements import Direction, StatementLine
from wallet_core.money import Currencies, Currency
from wallet_core.notifications.inbox import Notification
from wallet_core.notifications.letters import letter_of
from wallet_core.wallets.entities import Wallet
from wallet_core.wallets.wallets import CurrencyTotal

PROBLEM_BY_REASON: Final[dict[Reason, str]] = {
    Reason.IDEMPOTENCY_KEY_REUSED: "idempotency_key_reused",
    Reason.WALLET_NOT_FOUND: "not_found",
    Reason.CURRENCY_NOT_HELD: "currency_mismatch",
    Reason.SAME_WALLET: "same_wallet",
    Reason.ACCOUNT_DEACTIVATED: "account_deactivated",
    Reason.WALLET_FROZEN: "wallet_frozen",
    Reason.RECIPIENT_UNAVAILABLE: "recipient_unavailable",
    Reason.CURRENCY_MISMATCH: "currency_mismatch",
    Reason.INSUFFICIENT_FUNDS: "insufficient_funds",
    Reason.LIMIT_EXCEEDED: "limit_exceeded",
    Reason.BALANCE_TOO_LARGE: "balance_too_large",
}

_TYPE: Final[dict[tuple[TransactionKind, Direction], str]] = {
    (TransactionKind.DEPOSIT, Direction.IN): "deposit",
    (TransactionKind.WITHDRAW, Direction.OUT): "withdraw",
    (TransactionKind.TRANSFER, Direction.OUT): "transfer_out",
    (TransactionKind.TRANSFER, Direction.IN): "transfer_in",
}
KIND_BY_TYPE: Final = {written: kind for kind, written in _TYPE.items()}
_LIMIT_MEMBERS: Final = ("kind", "window", "limit", "used", "remaining", "resets_at")


def user_view(user: User) -> dict[str, Any]:
    """A person."""
    return {
        "id": str(user.id),
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "email_verified": user.email_verified_at is not None,
        "phone_verified": user.phone_verified_at is not None,
        "role": user.role.value,
        "status": user.status.value,
        "time_zone": user.time_zone,
        "created_at": written_timestamp(user.created_at),
    }


def notification_view(notification: Notification, currencies: Currencies) -> dict[str, Any]:
    """Something that a person was told, in words where there are any for it."""
    facts = notification.facts
    try:
        letter = letter_of(notification.kind, facts, currencies)
    except (LookupError, ValueError):
        letter = None  # of a newer version, or in a currency that is not enabled any more
    currency = currencies.get(str(facts.get("currency")))
    amount = facts.get("amount")
    data: dict[str, Any] = dict(facts)
    if currency is not None and isinstance(amount, int):
        data["amount"] = currency.format(amount)
    return {
        "id": str(notification.id),
        "kind": notification.kind,
        "title": None if letter is None else letter.subject,
        "text": None if letter is None else letter.brief,
        "data": data,
        "created_at": written_timestamp(notification.created_at),
        "read_at": None if notification.read_at is None else written_timestamp(notification.read_at),
    }


def granted_view(granted: Granted) -> dict[str, Any]:
    """Tokens for their bearer."""
    return {
        "access_token": granted.access.token,
        "token_type": "Bearer",
        "expires_in": granted.access.expires_in,
        "refresh_token": granted.refresh,
    }


def session_view(session: Session, *, current: bool) -> dict[str, Any]:
    """Where somebody is logged in."""
    return {
        "id": str(session.id),
        "device": session.device,
        "address": session.address,
        "created_at": written_timestamp(session.created_at),
        "last_seen_at": written_timestamp(session.last_seen_at),
        "expires_at": written_timestamp(session.expires_at),
        "current": current,
    }


def account_view(account: Account, currencies: Currencies) -> dict[str, Any]:
    """What a wallet holds in one currency."""
    currency = currencies[account.currency]
    return {
        "currency": currency.code,
        "balance": currency.format(account.balance),
        "available": currency.format(account.available),
        "held": currency.format(account.held),
        "exponent": currency.exponent,
        "version": account.version,
    }


def balance_view(account: Account, currencies: Currencies) -> dict[str, Any]:
    """What a wallet holds in one currency, and which wallet."""
    return {"wallet_id": str(account.wallet_id), **account_view(account, currencies)}


def wallet_view(wallet: Wallet, currencies: Currencies) -> dict[str, Any]:
    """A wallet. A currency that is no longer enabled keeps its balance and is not shown."""
    return {
        "id": str(wallet.id),
        "name": wallet.name,
        "currency": wallet.currency,
        "status": wallet.status.value,
        "default": wallet.is_default,
        "balances": [account_view(each, currencies) for each in wallet.accounts if each.currency in currencies],
        "created_at": written_timestamp(wallet.created_at),
    }


def totals_view(totals: Sequence[CurrencyTotal], currencies: Currencies) -> dict[str, Any]:
    """What a person holds, by currency."""
    return {
        "totals": [
            {
                "currency": total.currency,
                "balance": currencies[total.currency].format(total.balance),
                "available": currencies[total.currency].format(total.available),
            }
            for total in totals
            if total.currency in currencies
        ]
    }


def line_view(line: StatementLine, currencies: Currencies) -> dict[str, Any]:
    """A transaction as one of its wallets sees it."""
    transaction, own, counterparty = line.transaction, line.own, line.counterparty
    format_amount = _formatter(currencies, transaction.currency)
    return {
        "id": str(transaction.id),
        "wallet_id": None if own is None else str(own.wallet_id),
        "type": _TYPE[transaction.kind, line.direction],
        "status": transaction.status.value,
        "direction": line.direction.value,
        "amount": format_amount(transaction.amount),
        "currency": transaction.currency,
        "counterparty": None
        if counterparty is None
        else {"wallet_id": str(counterparty.wallet_id), "name": counterparty.holder},
        "balance_after": None if own is None or own.balance_after is None else format_amount(own.balance_after),
        "failure_reason": None if transaction.reason is None else PROBLEM_BY_REASON[transaction.reason],
        "note": transaction.note,
        "created_at": written_timestamp(transaction.created_at),
        "completed_at": None if transaction.completed_at is None else written_timestamp(transaction.completed_at),
    }


def asked_line(transaction: Transaction) -> StatementLine:
    """A transaction as the wallet of the person who asked for it sees it."""
    direction = Direction.IN if transaction.kind is TransactionKind.DEPOSIT else Direction.OUT
    return StatementLine(transaction=transaction, direction=direction)


def declined_problem(declined: Declined, currency: Currency) -> Problem:
    """A refusal as the problem that tells the client. One that is kept names the request that first met it."""
    problem = Problem(PROBLEM_BY_REASON[declined.reason])
    transaction = declined.transaction
    if declined.reason is Reason.LIMIT_EXCEEDED:
        problem.members.update(_limit_members(declined.details, currency))
    if transaction is not None and declined.replayed:
        problem.headers = {REPLAYED_HEADER: "true"}
        problem.request_id = transaction.request_id
    return problem


def limits_view(limits: Sequence[Limit], currency: Currency) -> dict[str, Any]:
    """A person's limits in one currency."""
    by_kind = {limit.kind: limit for limit in limits}
    return {
        "currency": currency.code,
        **{
            kind.value: {use.window.value: _window_view(use, currency) for use in by_kind[kind].uses()}
            for kind in LimitKind
        },
    }


def _window_view(use: WindowUse, currency: Currency) -> dict[str, str]:
    return {
        "limit": currency.format(use.limit),
        "used": currency.format(use.used),
        "remaining": currency.format(use.remaining),
        "resets_at": written_timestamp(use.resets_at),
    }


def _limit_members(details: Details, currency: Currency) -> dict[str, object]:
    """The figures of an exceeded limit, in one order: however they were kept, a replay is the same to the byte."""
    members: dict[str, object] = {"currency": currency.code}
    for name in _LIMIT_MEMBERS:
        value = details.get(name)
        if isinstance(value, int):
            members[name] = currency.format(value)
        elif value is not None:
            members[name] = written_timestamp(datetime.fromisoformat(value)) if name == "resets_at" else value
    return members


def _formatter(currencies: Currencies, code: str) -> Callable[[int], str]:
    """How amounts of that currency are written; plain minor units where it is no longer enabled."""
    currency = currencies.get(code)
    return str if currency is None else currency.format
