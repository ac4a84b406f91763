"""What the library says and what the model says, brought into one form to be compared."""

from datetime import datetime
from functools import cache
from uuid import UUID

from tests.model.answers import Answer, End, Kept, Place
from tests.model.naive import NaiveBooks
from tests.model.operations import EXPONENTS, Kind, Move
from wallet_core.ids import AccountId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import system_wallet_id
from wallet_core.ledger.outcomes import Declined, Outcome, Posted, Side, Transaction
from wallet_core.wallets.entities import Wallet

_PERSON, _WALLET, _ACCOUNT, _TRANSACTION, _NOWHERE = range(1, 6)


def _id(family: int, number: int) -> UUID:
    return UUID(int=family << 96 | 7 << 76 | 2 << 62 | number)


@cache
def user_id(number: int) -> UserId:
    """The id of that person."""
    return UserId(_id(_PERSON, number))


@cache
def wallet_id(place: Place) -> WalletId:
    """The id of that wallet."""
    return system_wallet_id(place) if isinstance(place, str) else WalletId(_id(_WALLET, place))


def transaction_id(number: int) -> TransactionId:
    """The id of the transaction of that operation."""
    return TransactionId(_id(_TRANSACTION, number))


def account_id(wallet: int, currency: str) -> AccountId:
    """The id of that wallet's account."""
    return AccountId(_id(_ACCOUNT, wallet * 10 + list(EXPONENTS).index(currency)))


def no_wallet_id(number: int) -> WalletId:
    """An id that no wallet has."""
    return WalletId(_id(_NOWHERE, number))


def plain_view(answer: Answer) -> dict[str, object]:
    """The answer to anything but a movement, as the model has it."""
    return {"code": answer.code} | ({} if answer.shown is None else {"shown": answer.shown})


def answer_view(move: Move, answer: Answer) -> dict[str, object]:
    """The answer to a movement, as the model has it."""
    own, day = (wallet_id(move.wallet), move.currency), answer.refused_on
    return {
        "code": answer.code,
        "replayed": answer.replayed,
        "details": answer.details,
        "transaction": None if answer.kept is None else kept_view(answer.kept),
        # In one order, whichever end is listed first.
        "entries": sorted((wallet_id(leg.place), move.currency, *leg[1:]) for leg in answer.legs),
        "refusals": None if day is None else (*own, day, *answer.refusals),
    }


def outcome_view(outcome: Outcome) -> dict[str, object]:
    """The answer to a movement, as the library has it."""
    match outcome:
        case Posted():
            entries = [
                (*entry.account.key, entry.amount, entry.account.balance, entry.account.version)
                for entry in outcome.entries
            ]
            code, details, refused = None, {}, None
        case Declined():
            entries, code, details, refused = [], outcome.reason.value, _details_view(outcome.details), outcome.account
    transaction = outcome.transaction
    return {
        "code": code,
        "replayed": outcome.replayed,
        "details": details,
        "transaction": None if transaction is None else transaction_view(transaction),
        "entries": sorted(entries),
        "refusals": None
        if refused is None
        else (*refused.key, refused.declined_on, refused.declines, refused.declined_today),
    }


def _details_view(details: object) -> dict[str, object]:
    assert isinstance(details, dict)
    if "resets_at" not in details:
        return details
    return {**details, "resets_at": datetime.fromisoformat(details["resets_at"])}


def kept_view(kept: Kept) -> dict[str, object]:
    """A line of the log, as a transaction."""
    move = kept.move
    return {
        "id": transaction_id(kept.number),
        "kind": move.kind.value,
        "status": "COMPLETED" if kept.reason is None else "FAILED",
        "user": user_id(move.person),
        "key": move.key,
        "currency": move.currency,
        "amount": move.amount,
        "source": _end_view(kept.source),
        "destination": _end_view(kept.destination),
        "note": move.words if move.kind is Kind.TRANSFER else None,
        "reference": {Kind.DEPOSIT: f"payment {kept.number}", Kind.WITHDRAW: move.words}.get(move.kind),
        "reason": kept.reason,
        "details": kept.details,
        "day": kept.day,
        "created_at": kept.at,
        "completed_at": kept.at if kept.reason is None else None,
    }


def transaction_view(transaction: Transaction) -> dict[str, object]:
    """A transaction."""
    return {
        "id": transaction.id,
        "kind": transaction.kind.value,
        "status": transaction.status.value,
        "user": transaction.user_id,
        "key": transaction.key,
        "currency": transaction.currency,
        "amount": transaction.amount,
        "source": _side_view(transaction.source),
        "destination": _side_view(transaction.destination),
        "note": transaction.note,
        "reference": transaction.reference,
        "reason": transaction.reason,
        "details": _details_view(transaction.details or {}),
        "day": transaction.business_date,
        "created_at": transaction.created_at,
        "completed_at": transaction.completed_at,
    }


def _end_view(end: End | None) -> tuple[object, ...] | None:
    return None if end is None else (wallet_id(end.place), end.holder, end.balance_after)


def _side_view(side: Side | None) -> tuple[object, ...] | None:
    return None if side is None else (side.wallet_id, side.holder, side.balance_after)


def wallets_view(naive: NaiveBooks, person: int) -> list[tuple[object, ...]]:
    """A person's wallets as the model has them, oldest first."""
    return [
        (
            wallet_id(number),
            wallet.name,
            wallet.currency,
            wallet.is_default,
            {
                currency: (purse.balance, purse.entries, purse.refusals_kept, wallet.standing.value)
                for currency, purse in wallet.purses.items()
            },
        )
        for number, wallet in naive.wallets.items()
        if wallet.owner == person
    ]


def wallet_view(wallet: Wallet) -> tuple[object, ...]:
    """A wallet, as the library has it."""
    accounts = {
        each.currency: (each.balance, each.version, each.declines, each.status.value) for each in wallet.accounts
    }
    return (wallet.id, wallet.name, wallet.currency, wallet.is_default, accounts)
