"""What throttling counts, in memory, by a clock that a test can set."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from wallet_core.clock import Clock
from wallet_core.identity.throttling import Act, Backoff, Rate, Rates


class InMemoryFailureCounters:
    """FailureCounters in a dictionary."""

    def __init__(self, clock: Clock, backoff: Backoff | None = None) -> None:
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._failures: dict[bytes, tuple[int, datetime]] = {}

    async def take(self, key: bytes) -> int | None:
        """As FailureCounters.take."""
        now = self._clock()
        failures, counted_at = self._failures.get(key, (0, now))
        free_at = counted_at + timedelta(seconds=self._backoff.wait(failures))
        if now < free_at:
            return _whole_seconds(free_at - now)
        if now - counted_at > timedelta(seconds=self._backoff.forgotten_seconds):
            failures = 0
        self._failures[key] = (failures + 1, now)
        return None

    async def forget(self, keys: Sequence[bytes]) -> None:
        """As FailureCounters.forget."""
        for key in keys:
            self._failures.pop(key, None)


class InMemoryMessageCounters:
    """MessageCounters in a dictionary."""

    def __init__(self, clock: Clock) -> None:
        self._sent = _Windows(clock)

    async def take(self, key: bytes, rate: Rate) -> int | None:
        """As MessageCounters.take."""
        return self._sent.take(key, rate)


class InMemoryClientLimits:
    """ClientLimits in a dictionary."""

    def __init__(self, clock: Clock, rates: Rates) -> None:
        self._rates = rates
        self._done = _Windows(clock)

    async def take(self, act: Act, client: str) -> int | None:
        """As ClientLimits.take."""
        rate = self._rates.get(act)
        return None if rate is None else self._done.take((act, client), rate)

    async def wait(self, act: Act, client: str) -> int | None:
        """As ClientLimits.wait."""
        rate = self._rates.get(act)
        return None if rate is None else self._done.wait((act, client), rate)

    async def give_back(self, act: Act, client: str) -> None:
        """As ClientLimits.give_back."""
        self._done.give_back((act, client))


class _Windows:
    """The moments at which things were done, as far as they count still."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: dict[object, list[datetime]] = {}

    def take(self, key: object, rate: Rate) -> int | None:
        wait = self.wait(key, rate)
        if wait is None:
            self._moments[key] = [*self._of_late(key, rate), self._clock()]
        return wait

    def wait(self, key: object, rate: Rate) -> int | None:
        moments = self._of_late(key, rate)
        if len(moments) < rate.most:
            return None
        return _whole_seconds(moments[-rate.most] + timedelta(seconds=rate.seconds) - self._clock())

    def give_back(self, key: object) -> None:
        if self._moments.get(key):
            self._moments[key].pop()

    def _of_late(self, key: object, rate: Rate) -> list[datetime]:
        since = self._clock() - timedelta(seconds=rate.seconds)
        return [moment for moment in self._moments.get(key, []) if moment > since]


def _whole_seconds(span: timedelta) -> int:
    return max(1, math.ceil(span.total_seconds()))
