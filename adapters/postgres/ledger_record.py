"""What a batch decided, as the rows of the one statement that records it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import Entry, Outcome, Posted, Side, Transaction

Row: TypeAlias = tuple[object, ...]
"""In the order of the type that the migrations give its name to."""

_NOBODY: Row = (None, None, None, None)


def recorded_rows(outcomes: Sequence[Outcome], now: datetime) -> dict[str, object] | None:
    """The arguments of the query `record`, or nothing when no outcome changes anything."""
    changes = [outcome for outcome in outcomes if not outcome.replayed]
    accounts = {account.id: account for outcome in changes for account in outcome.accounts}
    if not accounts:
        return None
    posted = [outcome for outcome in changes if isinstance(outcome, Posted)]
    limits = {(limit.user_id, limit.kind, limit.currency): limit for outcome in posted if (limit := outcome.limit)}
    return {
        "accounts": [_moved_account(account) for account in accounts.values()],
        "limits": [_counted_limit(limit) for limit in limits.values()],
        "transactions": [_kept_transaction(outcome.transaction) for outcome in changes if outcome.transaction],
        "entries": [_posted_entry(outcome.transaction, entry) for outcome in posted for entry in outcome.entries],
        "created_at": now,
    }


def _moved_account(account: Account) -> Row:
    return (
        account.id,
        account.balance,
        account.version,
        account.declines,
        account.declined_on,
        account.declined_today,
    )


def _counted_limit(limit: Limit) -> Row:
    return (
        limit.user_id,
        limit.kind,
        limit.currency,
        limit.counted_in,
        limit.day,
        limit.day_used,
        limit.month_used,
    )


def _kept_transaction(transaction: Transaction) -> Row:
    return (
        transaction.id,
        transaction.kind,
        transaction.status,
        transaction.user_id,
        transaction.key,
        transaction.fingerprint,
        transaction.request_id,
        transaction.currency,
        transaction.amount,
        *_side(transaction.source),
        *_side(transaction.destination),
        transaction.note,
        transaction.reference,
        transaction.reason,
        None if transaction.details is None else json.dumps(transaction.details),
        transaction.business_date,
    )


def _side(side: Side | None) -> Row:
    return _NOBODY if side is None else (side.account_id, side.wallet_id, side.holder, side.balance_after)


def _posted_entry(transaction: Transaction, entry: Entry) -> Row:
    account = entry.account
    return (account.id, account.version, transaction.id, entry.amount, account.balance)
