"""What the in-memory books keep: the tables of a database, as dictionaries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from wallet_core.administration.audit import AuditEntry
from wallet_core.administration.chain import Seal
from wallet_core.administration.changes import account_status
from wallet_core.clock import system_clock
from wallet_core.events.kinds import EventKind, StateChange
from wallet_core.identity.entities import User
from wallet_core.identity.session import Session
from wallet_core.ids import AccountId, IdGenerator, SessionId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import (
    ADJUSTMENTS,
    PAYOUT,
    Account,
    AccountKey,
    AccountStatus,
    gateway_wallet,
    system_wallet_id,
)
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, Limit
from wallet_core.ledger.outcomes import Entry, Outcome, Posted, Transaction
from wallet_core.ledger.state import LimitKey, SettledKey
from wallet_core.testing.audit import Leg
from wallet_core.testing.events import OutboxRecords
from wallet_core.wallets.entities import Wallet, WalletStatus


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a batch is to leave behind, complete before the first of it is kept."""

    transactions: Sequence[Transaction]
    accounts: Sequence[Account]
    limits: Sequence[Limit]
    legs: Sequence[Leg]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRefreshToken:
    """What is kept of a refresh token under its hash."""

    session_id: SessionId
    spent_at: datetime | None = None


class Records:
    """Users, wallets, accounts, limits and transactions, each by its key.

    Wallets are kept without their accounts, accounts without their holder's name and limits without their person's
    time zone: those are looked up when read, so that a change to them shows everywhere at once.
    """

    def __init__(self) -> None:
        self.users: dict[UserId, User] = {}
        self.password_hashes: dict[UserId, str] = {}
        self.warned_at: dict[UserId, datetime] = {}
        self.second_factors_on: dict[UserId, bool] = {}
        self.sessions: dict[SessionId, Session] = {}
        self.refresh_tokens: dict[bytes, KeptRefreshToken] = {}
        self.wallets: dict[WalletId, Wallet] = {}
        self.accounts: dict[AccountKey, Account] = {}
        self.limits: dict[LimitKey, Limit] = {}
        self.transactions: dict[TransactionId, Transaction] = {}
        self.settled: dict[SettledKey, Transaction] = {}
        self.legs: dict[AccountId, list[Leg]] = {}
        self.outbox = OutboxRecords()
        self.audit: list[AuditEntry] = []
        self.seals: list[Seal] = []

    def account(self, key: AccountKey) -> Account | None:
        """The account as a posting sees it: with its holder's name."""
        account = self.accounts.get(key)
        if account is None or account.user_id is None:
            return account
        return replace(account, holder=self.users[account.user_id].name)

    def limit(self, key: LimitKey) -> Limit | None:
        """The limit, in its person's time zone."""
        limit = self.limits.get(key)
        return None if limit is None else replace(limit, time_zone=self.users[limit.user_id].time_zone)

    def wallet(self, wallet_id: WalletId) -> Wallet | None:
        """The wallet with its accounts, the one in its own currency first."""
        wallet = self.wallets.get(wallet_id)
        if wallet is None:
            return None
        held = [account for account in self.accounts.values() if account.wallet_id == wallet_id]
        held.sort(key=lambda account: (account.currency != wallet.currency, account.currency))
        return replace(wallet, accounts=tuple(held))

    def add_account(self, account: Account) -> None:
        """Keep a new account; it stands as its person and its wallet do."""
        wallet = self.wallets[account.wallet_id]
        status = account_status(self.users[wallet.user_id].status, wallet.status)
        self.accounts[account.key] = replace(account, holder=None, status=status)

    def add_limit(self, user_id: UserId, kind: LimitKind, currency: str, granted: Caps) -> None:
        """Open the person's limit, unless they have it."""
        limit = Limit(user_id=user_id, kind=kind, currency=currency, granted=granted, time_zone="UTC", day=date.min)
        self.limits.setdefault((user_id, kind, currency), limit)

    def open_system_accounts(self, *, gateways: Iterable[str], currencies: Iterable[str], ids: IdGenerator) -> None:
        """Open the accounts that money comes from and goes to, where they are not open yet."""
        codes = list(currencies)
        for name in (PAYOUT, ADJUSTMENTS, *map(gateway_wallet, gateways)):
            for currency in codes:
                account = Account(
                    id=AccountId(ids()), wallet_id=system_wallet_id(name), user_id=None, currency=currency
                )
                self.accounts.setdefault(account.key, account)

    def set_status(self, wallet_id: WalletId, status: AccountStatus) -> None:
        """Freeze, deactivate or activate a wallet and all its accounts, as an operator does."""
        wallet = self.wallets[wallet_id]
        shown = WalletStatus.FROZEN if status is AccountStatus.FROZEN else WalletStatus.ACTIVE
        if shown is not wallet.status:
            self.wallets[wallet_id] = replace(wallet, status=shown, version=wallet.version + 1)
        for key, account in self.accounts.items():
            if account.wallet_id == wallet_id:
                self.accounts[key] = replace(account, status=status)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what a batch decided: all of it or, when a transaction's id was given before, nothing (ValueError)."""
        recorded = self._recorded(outcomes)
        for transaction in recorded.transactions:
            self.transactions[transaction.id] = transaction
            kind = EventKind(f"{transaction.kind.value}.{transaction.status.value.lower()}")
            self.outbox.append(kind=kind, at=transaction.created_at, transaction_id=transaction.id)
            if transaction.key is not None:
                self.settled[transaction.user_id, transaction.key] = transaction
        for account in recorded.accounts:
            self.accounts[account.key] = replace(account, holder=None)
        for limit in recorded.limits:
            self.limits[limit.user_id, limit.kind, limit.currency] = limit
        for leg in recorded.legs:
            self.legs.setdefault(leg.account_id, []).append(leg)

    def note(self, *changes: StateChange) -> None:
        """Keep events of people."""
        for change in changes:
            self.outbox.append(kind=change.kind, at=system_clock(), change=change)

    def add_audit(self, entry: AuditEntry) -> None:
        """Keep an entry of the audit, in the next place."""
        self.audit.append(replace(entry, place=len(self.audit) + 1))

    def _recorded(self, outcomes: Sequence[Outcome]) -> _Recorded:
        changes = [outcome for outcome in outcomes if not outcome.replayed]
        kept = [outcome for outcome in changes if outcome.transaction is not None]
        transactions = [outcome.transaction for outcome in kept if outcome.transaction is not None]
        ids = [transaction.id for transaction in transactions]
        if len(set(ids)) < len(ids) or any(each in self.transactions for each in ids):
            raise ValueError("A transaction has an id that was given before.")
        posted = [outcome for outcome in kept if isinstance(outcome, Posted)]
        return _Recorded(
            transactions=transactions,
            accounts=[account for outcome in changes for account in outcome.accounts],
            limits=[outcome.limit for outcome in posted if outcome.limit is not None],
            legs=[_leg(outcome.transaction, entry) for outcome in posted for entry in outcome.entries],
        )


def _leg(transaction: Transaction, entry: Entry) -> Leg:
    return Leg(
        account_id=entry.account.id,
        seq=entry.account.version,
        transaction_id=transaction.id,
        amount=entry.amount,
        balance_after=entry.account.balance,
    )
