"""Between rows and the core's values, for the tables that more than one repository reads."""

import json
from datetime import date
from typing import cast

import asyncpg

from wallet_core.ids import AccountId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind, TransactionKind
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.ledger.outcomes import Details, Reason, Side, Transaction, TransactionStatus


def account_of(row: asyncpg.Record) -> Account:
    """An account from a row of its columns and its holder's name."""
    return Account(
        id=AccountId(row["id"]),
        wallet_id=WalletId(row["wallet_id"]),
        user_id=None if row["user_id"] is None else UserId(row["user_id"]),
        holder=row["holder"],
        currency=row["currency"],
        balance=row["balance"],
        held=row["held"],
        version=row["version"],
        declines=row["declines"],
        declined_on=row["declined_on"],
        declined_today=row["declined_today"],
        status=AccountStatus(row["status"]),
    )


def limit_of(row: asyncpg.Record, time_zone: str) -> Limit:
    """A limit from a row of its columns, of a person in that time zone."""
    return Limit(
        user_id=UserId(row["user_id"]),
        kind=LimitKind(row["kind"]),
        currency=row["currency"],
        granted=Caps(daily=row["daily_max"], monthly=row["monthly_max"]),
        chosen=ChosenCaps(daily=row["chosen_daily_max"], monthly=row["chosen_monthly_max"]),
        time_zone=time_zone,
        counted_in=row["counted_in"],
        day=cast(date, row["day"]),
        day_used=row["day_used"],
        month_used=row["month_used"],
    )


def transaction_of(row: asyncpg.Record) -> Transaction:
    """A transaction from a row of the table."""
    return Transaction(
        id=TransactionId(row["id"]),
        kind=TransactionKind(row["kind"]),
        status=TransactionStatus(row["status"]),
        user_id=UserId(row["user_id"]),
        key=row["idempotency_key"],
        fingerprint=row["fingerprint"],
        request_id=row["request_id"],
        currency=row["currency"],
        amount=row["amount"],
        source=_side_of(row, "source"),
        destination=_side_of(row, "destination"),
        note=row["note"],
        reference=row["reference"],
        reason=None if row["reason"] is None else Reason(row["reason"]),
        details=_details_of(row["details"]),
        business_date=row["business_date"],
        created_at=row["created_at"],
        completed_at=row["completed_at"],
    )


def _side_of(row: asyncpg.Record, end: str) -> Side | None:
    if row[f"{end}_account_id"] is None:
        return None
    return Side(
        account_id=AccountId(row[f"{end}_account_id"]),
        wallet_id=WalletId(row[f"{end}_wallet_id"]),
        holder=row[f"{end}_holder"],
        balance_after=row[f"{end}_balance_after"],
    )


def _details_of(stored: str | None) -> Details | None:
    return None if stored is None else cast(Details, json.loads(stored))
