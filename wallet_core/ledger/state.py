"""What a decision is made from: everything its commands touch, read under locks."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountKey
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import Outcome, Posted, Transaction

LimitKey: TypeAlias = tuple[UserId, LimitKind, str]
SettledKey: TypeAlias = tuple[UserId, str]


class LockedState:
    """The accounts, limits and settled keys of a batch, with the effects of what was decided so far.

    `owners` names the owner of each wallet that exists but may hold no account in the currency asked for.
    """

    def __init__(
        self,
        *,
        accounts: Iterable[Account],
        limits: Iterable[Limit] = (),
        settled: Iterable[Transaction] = (),
        owners: Mapping[WalletId, UserId] | None = None,
    ) -> None:
        self.accounts: dict[AccountKey, Account] = {account.key: account for account in accounts}
        self.limits: dict[LimitKey, Limit] = {(limit.user_id, limit.kind, limit.currency): limit for limit in limits}
        self._settled: dict[SettledKey, Transaction] = {
            (transaction.user_id, transaction.key): transaction
            for transaction in settled
            if transaction.key is not None
        }
        self._owners = owners or {}

    def settled(self, command: Command) -> Transaction | None:
        """The transaction that the command's idempotency key stands for already."""
        return None if command.key is None else self._settled.get((command.user_id, command.key))

    def account(self, key: AccountKey | None) -> Account | None:
        """The account, as the decisions so far have left it."""
        return None if key is None else self.accounts.get(key)

    def owner(self, wallet_id: WalletId | None) -> UserId | None:
        """Whose wallet it is, where it exists and holds no account that was asked for."""
        return None if wallet_id is None else self._owners.get(wallet_id)

    def limit(self, command: Command) -> Limit | None:
        """The limit that the command counts against."""
        if command.limit_kind is None:
            return None
        return self.limits.get((command.user_id, command.limit_kind, command.currency))

    def apply(self, outcome: Outcome) -> None:
        """Let the decisions that follow see this one."""
        for account in outcome.accounts:
            self.accounts[account.key] = account
        if isinstance(outcome, Posted) and outcome.limit is not None:
            limit = outcome.limit
            self.limits[limit.user_id, limit.kind, limit.currency] = limit
        transaction = outcome.transaction
        if transaction is not None and transaction.key is not None:
            self._settled[transaction.user_id, transaction.key] = transaction
