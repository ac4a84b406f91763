"""Balances kept at hand for readers. A cache answers faster and decides nothing."""

from collections.abc import Sequence
from typing import Final, Protocol

from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.outcomes import Outcome

ACCOUNT_SECONDS_MAX: Final = 5.0
"""How long a cache keeps an account: the longest that a reader may be shown one that has changed since."""


class AccountCache(Protocol):
    """Where accounts are kept for a few seconds. It may forget anything at any time and never fails.

    Every implementation passes `wallet_core.testing.contracts.AccountCacheContract`.
    """

    async def get(self, wallet_id: WalletId, currency: str) -> Account | None:
        """The newest account that was put, unless it is forgotten."""
        ...

    async def put(self, accounts: Sequence[Account]) -> None:
        """Keep the accounts, except where one of a higher revision is kept already."""
        ...


class NoAccountCache:
    """An AccountCache that forgets everything at once, for a service that runs without one."""

    async def get(self, wallet_id: WalletId, currency: str) -> Account | None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return None

    async def put(self, accounts: Sequence[Account]) -> None:
        """Keep nothing."""


class WriteThrough:
    """Puts what a batch changed into a cache: after its commit and before its answers.

    So whoever was told of a movement finds it in the cache, and one round trip serves the whole batch.
    """

    def __init__(self, cache: AccountCache) -> None:
        self._cache = cache

    async def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Put the newest of each person's accounts."""
        newest = {account.id: account for outcome in outcomes for account in outcome.accounts}
        accounts = [account for account in newest.values() if account.user_id is not None]
        if accounts:
            await self._cache.put(accounts)
