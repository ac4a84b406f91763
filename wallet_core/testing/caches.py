"""Caches in memory, which forget by a clock that a test can set."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wallet_core.clock import Clock
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account, AccountKey
from wallet_core.ledger.caching import ACCOUNT_SECONDS_MAX
from wallet_core.wallets.pages import PAGE_BYTES_MAX, PAGE_SECONDS_MAX


class InMemoryAccountCache:
    """An AccountCache in a dictionary."""

    def __init__(self, clock: Clock, *, seconds_max: float = ACCOUNT_SECONDS_MAX) -> None:
        self._clock = clock
        self._lifetime = timedelta(seconds=seconds_max)
        self._kept: dict[AccountKey, tuple[Account, datetime]] = {}

    async def get(self, wallet_id: WalletId, currency: str) -> Account | None:
        """As AccountCache.get."""
        return self._fresh((wallet_id, currency))

    async def put(self, accounts: Sequence[Account]) -> None:
        """As AccountCache.put."""
        for account in accounts:
            kept = self._fresh(account.key)
            if kept is None or kept.revision <= account.revision:
                self._kept[account.key] = (account, self._clock() + self._lifetime)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _fresh(self, key: AccountKey) -> Account | None:
        kept = self._kept.get(key)
        return kept[0] if kept is not None and self._clock() < kept[1] else None


class InMemoryPageCache:
    """A PageCache in a dictionary."""

    def __init__(self, clock: Clock, *, seconds_max: float = PAGE_SECONDS_MAX) -> None:
        self._clock = clock
        self._lifetime = timedelta(seconds=seconds_max)
        self._kept: dict[str, tuple[bytes, datetime]] = {}

    async def get(self, key: str) -> bytes | None:
        """As PageCache.get."""
        kept = self._kept.get(key)
        return kept[0] if kept is not None and self._clock() < kept[1] else None

    async def put(self, key: str, page: bytes) -> None:
        """As PageCache.put."""
        if len(page) <= PAGE_BYTES_MAX:
            self._kept[key] = (page, self._clock() + self._lifetime)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
