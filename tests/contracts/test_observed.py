"""Whatever only counts keeps the promises of what it stands before."""

from datetime import timedelta

import pytest

from entrypoints.metrics.figures import Figures
from entrypoints.metrics.observers import BatchFigures, CountedAccountCache, CountedPageCache
from wallet_core.ledger.observing import LedgerEntrance, ObservedLedger
from wallet_core.ledger.port import Ledger
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.caches import InMemoryAccountCache, InMemoryPageCache
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts import AccountCacheContract, LedgerContract, PageCacheContract
from wallet_core.testing.contracts.caches import LetPass, LoseEverything


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


class WatchedBooks(InMemoryBooks):
    """Books whose ledger is counted, before it and behind it."""

    def __init__(self, clock: SettableClock) -> None:
        super().__init__(clock)
        watched: Ledger = LedgerEntrance(ObservedLedger(self.ledger, BatchFigures(Figures())))
        self.ledger = watched  # type: ignore[assignment]  # where money moves, for whoever asks the books


class TestWatchedLedger(LedgerContract):
    @pytest.fixture
    def books(self, clock: SettableClock) -> WatchedBooks:
        return WatchedBooks(clock)


class Counted:
    @pytest.fixture
    def accounts(self, clock: SettableClock) -> InMemoryAccountCache:
        return InMemoryAccountCache(clock)

    @pytest.fixture
    def pages(self, clock: SettableClock) -> InMemoryPageCache:
        return InMemoryPageCache(clock)

    @pytest.fixture
    def let_pass(self, clock: SettableClock) -> LetPass:
        async def let_pass(seconds: float) -> None:
            clock.advance(timedelta(seconds=seconds))

        return let_pass

    @pytest.fixture
    def lose_everything(self, accounts: InMemoryAccountCache, pages: InMemoryPageCache) -> LoseEverything:
        async def lose_everything() -> None:
            accounts.clear()
            pages.clear()

        return lose_everything


class TestCountedAccountCache(Counted, AccountCacheContract):
    @pytest.fixture
    def account_cache(self, accounts: InMemoryAccountCache) -> CountedAccountCache:
        return CountedAccountCache(accounts)


class TestCountedPageCache(Counted, PageCacheContract):
    @pytest.fixture
    def page_cache(self, pages: InMemoryPageCache) -> CountedPageCache:
        return CountedPageCache(pages)
