"""Observers of the ledger and of the caches: they count by the batch, or in plain numbers, as both are on the way of
every movement."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Final, TypeAlias

from prometheus_client import Counter

from entrypoints.log_setup import NAMED_MAX, work_for
from entrypoints.metrics.figures import Figures
from wallet_core.faults import OutcomeUnknown, Unavailable
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.caching import AccountCache
from wallet_core.ledger.commands import Command, TransactionKind
from wallet_core.ledger.outcomes import Declined, Outcome, Reason
from wallet_core.wallets.pages import PageCache

_FAULTS: Final[Mapping[type[BaseException], str]] = MappingProxyType(
    {Unavailable: "unavailable", OutcomeUnknown: "outcome_unknown"}
)


class BatchFigures:
    """A LedgerObserver that counts, and has the log name the requests that a batch is for."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._postings: dict[_Became, Counter] = {}
        self.in_flight = 0

    def began(self, commands: Sequence[Command]) -> "_Batch":
        """As LedgerObserver.began. A batch is a task of its own, which inherits the context of whoever came first."""
        work_for([command.request_id for command in commands[:NAMED_MAX]])
        self.in_flight += 1
        return _Batch(self, commands)

    def count(self, commands: Sequence[Command], outcomes: Sequence[Outcome], seconds: float) -> None:
        """A batch that is committed."""
        self.in_flight -= 1
        self._figures.batch_sizes.observe(len(commands))
        self._figures.batch_seconds.observe(seconds)
        if len(commands) == 1:
            self._posting(_became(commands[0], outcomes[0])).inc()
            return
        for became, number in Tally(map(_became, commands, outcomes)).items():
            self._posting(became).inc(number)

    def count_fault(self, error: BaseException) -> None:
        """A batch of which it is not known that it was committed."""
        self.in_flight -= 1
        self._figures.batch_faults.labels(_FAULTS.get(type(error), "unexpected")).inc()

    def _posting(self, became: "_Became") -> Counter:
        known = self._postings.get(became)
        if known is None:
            kind, reason, replayed = became
            outcome = "replayed" if replayed else "posted" if reason is None else "declined"
            known = self._figures.postings.labels(kind.value, outcome, "" if reason is None else reason.value)
            self._postings[became] = known
        return known


class _Batch:
    """A BatchWatch."""

    __slots__ = ("_began", "_commands", "_figures")

    def __init__(self, figures: BatchFigures, commands: Sequence[Command]) -> None:
        self._figures = figures
        self._commands = commands
        self._began = perf_counter()

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        self._figures.count(self._commands, outcomes, perf_counter() - self._began)

    def failed(self, error: BaseException) -> None:
        self._figures.count_fault(error)


_Became: TypeAlias = tuple[TransactionKind, Reason | None, bool]


def _became(command: Command, outcome: Outcome) -> _Became:
    return command.kind, outcome.reason if isinstance(outcome, Declined) else None, outcome.replayed


class CountedAccountCache:
    """An AccountCache that counts what is found in another one."""

    def __init__(self, cache: AccountCache) -> None:
        self._cache = cache
        self.hits = 0
        self.misses = 0

    async def get(self, wallet_id: WalletId, currency: str) -> Account | None:
        """As AccountCache.get."""
        found = await self._cache.get(wallet_id, currency)
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    async def put(self, accounts: Sequence[Account]) -> None:
        """As AccountCache.put."""
        await self._cache.put(accounts)


class CountedPageCache:
    """A PageCache that counts what is found in another one."""

    def __init__(self, cache: PageCache) -> None:
        self._cache = cache
        self.hits = 0
        self.misses = 0

    async def get(self, key: str) -> bytes | None:
        """As PageCache.get."""
        found = await self._cache.get(key)
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    async def put(self, key: str, page: bytes) -> None:
        """As PageCache.put."""
        await self._cache.put(key, page)
