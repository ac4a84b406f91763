"""The invariants of the books, checked from outside on everything that they hold."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wallet_core.ids import AccountId, TransactionId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind, TransactionKind
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import Transaction, TransactionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """An entry as it is kept: the `seq`-th of its account, a signed amount, and the balance right after it."""

    account_id: AccountId
    seq: int
    transaction_id: TransactionId
    amount: int
    balance_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Everything that the books hold at one moment."""

    accounts: Sequence[Account]
    limits: Sequence[Limit]
    transactions: Sequence[Transaction]
    legs: Sequence[Leg]


def findings(books: Holdings) -> list[str]:
    """What is wrong with the books, a sentence each; empty where everything holds."""
    legs_by_account: dict[AccountId, list[Leg]] = defaultdict(list)
    legs_by_transaction: dict[TransactionId, list[Leg]] = defaultdict(list)
    for leg in books.legs:
        legs_by_account[leg.account_id].append(leg)
        legs_by_transaction[leg.transaction_id].append(leg)
    return [
        *_currency_findings(books.accounts),
        *(found for each in books.accounts for found in _account_findings(each, legs_by_account[each.id])),
        *_transaction_findings(books, legs_by_transaction),
        *_key_findings(books.transactions),
        *(found for each in books.limits for found in _limit_findings(each, books.transactions)),
    ]


def _currency_findings(accounts: Sequence[Account]) -> Iterator[str]:
    sums: Counter[str] = Counter()
    for account in accounts:
        sums[account.currency] += account.balance
    for currency, total in sums.items():
        if total != 0:
            yield f"All accounts in {currency} together hold {total}, not zero."


def _account_findings(account: Account, legs: list[Leg]) -> Iterator[str]:
    legs = sorted(legs, key=lambda leg: leg.seq)
    if [leg.seq for leg in legs] != list(range(1, account.version + 1)):
        yield f"Account {account.id} has version {account.version}, but its entries are not numbered up to it."
    balance = 0
    for leg in legs:
        balance += leg.amount
        if leg.balance_after != balance:
            yield f"Account {account.id} held {balance} after entry {leg.seq}, which says {leg.balance_after}."
    if balance != account.balance:
        yield f"Account {account.id} holds {account.balance}, its entries {balance}."
    if account.user_id is not None and not 0 <= account.held <= account.balance:
        yield f"Account {account.id} has {account.held} held of {account.balance}."


def _transaction_findings(books: Holdings, legs: Mapping[TransactionId, list[Leg]]) -> Iterator[str]:
    known = {transaction.id for transaction in books.transactions}
    for unknown in legs.keys() - known:
        yield f"There are entries of the transaction {unknown}, which is not kept."
    currencies = {account.id: account.currency for account in books.accounts}
    for transaction in books.transactions:
        wanted = Counter(_expected_legs(transaction))
        found = Counter((leg.account_id, leg.amount, leg.balance_after) for leg in legs.get(transaction.id, ()))
        if found != wanted:
            yield f"The {transaction.status} transaction {transaction.id} has the entries {found}, not {wanted}."
        foreign = {currencies.get(account_id) for account_id, _, _ in found} - {transaction.currency}
        if foreign:
            yield f"Transaction {transaction.id} in {transaction.currency} moved {foreign}."
        if (transaction.reason is not None) != (transaction.status is TransactionStatus.FAILED):
            yield f"The {transaction.status} transaction {transaction.id} has the reason {transaction.reason}."


def _expected_legs(transaction: Transaction) -> list[tuple[AccountId, int, int | None]]:
    """The entries that belong to a transaction, one for each side of a completed one: their sum is zero."""
    source, destination = transaction.source, transaction.destination
    if transaction.status is not TransactionStatus.COMPLETED or source is None or destination is None:
        return []
    return [
        (source.account_id, -transaction.amount, source.balance_after),
        (destination.account_id, transaction.amount, destination.balance_after),
    ]


def _key_findings(transactions: Sequence[Transaction]) -> Iterator[str]:
    uses = Counter((each.user_id, each.key) for each in transactions if each.key is not None)
    for (user_id, key), count in uses.items():
        if count > 1:
            yield f"User {user_id} has {count} transactions under the key {key!r}."


def _limit_findings(limit: Limit, transactions: Sequence[Transaction]) -> Iterator[str]:
    counted = [
        transaction
        for transaction in transactions
        if transaction.status is TransactionStatus.COMPLETED
        and (transaction.user_id, transaction.currency) == (limit.user_id, limit.currency)
        and _LIMIT_KINDS.get(transaction.kind) is limit.kind
    ]
    month = (limit.day.year, limit.day.month)
    day_used = sum(each.amount for each in counted if each.business_date == limit.day)
    month_used = sum(each.amount for each in counted if (each.business_date.year, each.business_date.month) == month)
    if (limit.day_used, limit.month_used) != (day_used, month_used):
        yield (
            f"The {limit.kind} limit of {limit.user_id} in {limit.currency} counts {limit.day_used} on {limit.day} and "
            f"{limit.month_used} in its month; its transactions make {day_used} and {month_used}."
        )


_LIMIT_KINDS: Mapping[TransactionKind, LimitKind] = {
    TransactionKind.TRANSFER: LimitKind.TRANSFER,
    TransactionKind.WITHDRAW: LimitKind.WITHDRAWAL,
}
