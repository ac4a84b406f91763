"""What a batch decided, as the columns of the one statement that records it."""

import json
from collections.abc import Sequence
from datetime import datetime

from wallet_core.ledger.accounts import Account
from wallet_core.ledger.outcomes import Entry, Outcome, Posted, Side, Transaction


def recorded_columns(outcomes: Sequence[Outcome], now: datetime) -> dict[str, object] | None:
    """The arguments of the query `record`, or nothing when no outcome changes anything."""
    changes = [outcome for outcome in outcomes if not outcome.replayed]
    accounts = {account.id: account for outcome in changes for account in outcome.accounts}
    if not accounts:
        return None
    transactions = [outcome.transaction for outcome in changes if outcome.transaction is not None]
    posted = [outcome for outcome in changes if isinstance(outcome, Posted)]
    return {
        **_account_columns(list(accounts.values())),
        **_limit_columns(posted),
        **_transaction_columns(transactions),
        **_entry_columns([(outcome.transaction, entry) for outcome in posted for entry in outcome.entries]),
        "created_at": now,
    }


def _account_columns(accounts: Sequence[Account]) -> dict[str, object]:
    return {
        "account_ids": [account.id for account in accounts],
        "balances": [account.balance for account in accounts],
        "versions": [account.version for account in accounts],
        "declines": [account.declines for account in accounts],
        "declined_on": [account.declined_on for account in accounts],
        "declined_today": [account.declined_today for account in accounts],
    }


def _limit_columns(posted: Sequence[Posted]) -> dict[str, object]:
    """The last state of each limit that the batch counted against."""
    limits = {
        (outcome.limit.user_id, outcome.limit.kind, outcome.limit.currency): outcome.limit
        for outcome in posted
        if outcome.limit is not None
    }.values()
    return {
        "limit_users": [limit.user_id for limit in limits],
        "limit_kinds": [limit.kind for limit in limits],
        "limit_currencies": [limit.currency for limit in limits],
        "limit_zones": [limit.counted_in for limit in limits],
        "limit_days": [limit.day for limit in limits],
        "limit_day_uses": [limit.day_used for limit in limits],
        "limit_month_uses": [limit.month_used for limit in limits],
    }


def _transaction_columns(transactions: Sequence[Transaction]) -> dict[str, object]:
    return {
        "ids": [transaction.id for transaction in transactions],
        "transaction_kinds": [transaction.kind for transaction in transactions],
        "statuses": [transaction.status for transaction in transactions],
        "users": [transaction.user_id for transaction in transactions],
        "keys": [transaction.key for transaction in transactions],
        "fingerprints": [transaction.fingerprint for transaction in transactions],
        "request_ids": [transaction.request_id for transaction in transactions],
        "currencies": [transaction.currency for transaction in transactions],
        "amounts": [transaction.amount for transaction in transactions],
        **_side_columns("source", [transaction.source for transaction in transactions]),
        **_side_columns("destination", [transaction.destination for transaction in transactions]),
        "notes": [transaction.note for transaction in transactions],
        "refs": [transaction.reference for transaction in transactions],
        "reasons": [transaction.reason for transaction in transactions],
        "details": [
            None if transaction.details is None else json.dumps(transaction.details) for transaction in transactions
        ],
        "business_dates": [transaction.business_date for transaction in transactions],
    }


def _side_columns(end: str, sides: Sequence[Side | None]) -> dict[str, object]:
    return {
        f"{end}_accounts": [None if side is None else side.account_id for side in sides],
        f"{end}_wallets": [None if side is None else side.wallet_id for side in sides],
        f"{end}_holders": [None if side is None else side.holder for side in sides],
        f"{end}_balances": [None if side is None else side.balance_after for side in sides],
    }


def _entry_columns(entries: Sequence[tuple[Transaction, Entry]]) -> dict[str, object]:
    return {
        "entry_accounts": [entry.account.id for _, entry in entries],
        "entry_seqs": [entry.account.version for _, entry in entries],
        "entry_transactions": [transaction.id for transaction, _ in entries],
        "entry_amounts": [entry.amount for _, entry in entries],
        "entry_balances": [entry.account.balance for _, entry in entries],
    }
