"""A circuit breaker: what does not answer is left alone for a while, so that nobody waits for it in vain."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

PAUSE_SECONDS: Final = 1.0
FAILURES_MAX: Final = 3

_log = logging.getLogger(__name__)


class Breaker:
    """Runs calls that may fail without harm, and skips them for `pause_seconds` after some have failed in a row.

    It takes `failures_max` of them, because one alone is more often our own process, too busy to read the reply in
    time, and a write that is skipped for that leaves readers with what it would have replaced.

    When the pause is over one call goes ahead to find out, while the others are still skipped; so a dead server costs
    one caller one wait of `seconds_max` for each pause. The log gets a line when the trouble begins and one when it is
    over, at most one of each a pause. `failures` and `skipped` count the calls since the start.
    """

    def __init__(
        self,
        name: str,
        *,
        seconds_max: float,
        pause_seconds: float = PAUSE_SECONDS,
        failures_max: int = FAILURES_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._seconds_max = seconds_max
        self._pause_seconds = pause_seconds
        self._failures_max = failures_max
        self._failures_in_a_row = 0
        self._monotonic = monotonic
        self._open_until: float | None = None
        self._trying = False
        self.failures = 0
        self.skipped = 0

    @property
    def is_open(self) -> bool:
        """Whether the last that was heard of the server are failures, too many to go on asking."""
        return self._open_until is not None

    async def run(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """What the call returns, or None when it is skipped, takes too long or fails in whatever way.

        Only the cancellation of the caller is raised.
        """
        if self.skips():
            return None
        is_trial = self.is_open
        self._trying = is_trial
        try:
            return await self._attempt(call, is_trial=is_trial)
        finally:
            if is_trial:
                self._trying = False

    def skips(self) -> bool:
        """Whether a call is to be left out now. It is counted as skipped then: whoever asks does not call."""
        if self.is_open and not self._may_try():
            self.skipped += 1
            return True
        return False

    def _may_try(self) -> bool:
        return not self._trying and self._open_until is not None and self._monotonic() >= self._open_until

    async def _attempt(self, call: Callable[[], Awaitable[T]], *, is_trial: bool) -> T | None:
        task = asyncio.current_task()
        cancellations = 0 if task is None else task.cancelling()
        reply: T | None = None
        try:
            async with asyncio.timeout(self._seconds_max):
                reply = await call()
        except Exception as error:  # noqa: BLE001 - what was committed is answered, however a cache fails
            self._failed(error)
        else:
            if is_trial:
                self._recovered()
            elif not self.is_open:
                self._failures_in_a_row = 0
        # asyncio.wait_for, which drivers use, loses a cancellation that arrives together with its result.
        if task is not None and task.cancelling() > cancellations:
            raise asyncio.CancelledError
        return reply

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row < self._failures_max:
            return
        if not self.is_open:
            _log.warning(
                "%s does not answer and is skipped until it does: %s: %s", self._name, type(error).__name__, error
            )
        self._open_until = self._monotonic() + self._pause_seconds

    def _recovered(self) -> None:
        self._open_until = None
        self._failures_in_a_row = 0
        _log.info("%s answers again; %d calls failed and %d were skipped", self._name, self.failures, self.skipped)
