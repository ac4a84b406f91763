"""The circuit breaker by itself, on a clock that the test sets."""

import asyncio
import logging

import pytest

from adapters.redis.breaker import Breaker


class Seconds:
    """A monotonic clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(seconds: Seconds) -> Breaker:
    return Breaker("The cache", seconds_max=0.05, failures_max=1, monotonic=seconds)


class Server:
    """What the breaker stands before: counts the calls that reach it."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self) -> str:
        self.calls += 1
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return "reply"


async def test_single_failures_between_replies_open_nothing_and_enough_in_a_row_do(seconds: Seconds) -> None:
    breaker, server = Breaker("The cache", seconds_max=0.05, failures_max=3, monotonic=seconds), Server()

    for _ in range(4):
        server.error = OSError("reset")
        assert [await breaker.run(server) for _ in range(2)] == [None, None]
        server.error = None
        assert await breaker.run(server) == "reply"
    assert not breaker.is_open

    server.error = OSError("reset")
    for _ in range(3):
        await breaker.run(server)
    assert breaker.is_open


async def test_a_reply_passes_through(breaker: Breaker) -> None:
    assert await breaker.run(Server()) == "reply"
    assert not breaker.is_open


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError(), RuntimeError("a closed transport")])
async def test_a_failure_of_any_kind_is_an_absence_and_is_counted(breaker: Breaker, error: Exception) -> None:
    server = Server()
    server.error = error

    assert await breaker.run(server) is None
    assert (breaker.failures, breaker.is_open) == (1, True)


async def test_what_takes_too_long_is_a_failure(breaker: Breaker) -> None:
    server = Server()
    server.may_answer.clear()

    assert await breaker.run(server) is None
    assert (breaker.failures, breaker.is_open) == (1, True)


async def test_after_a_failure_calls_are_skipped_until_the_pause_is_over(breaker: Breaker, seconds: Seconds) -> None:
    server = Server()
    server.error = ConnectionError("refused")
    await breaker.run(server)

    seconds.now += 0.999
    skipped = [await breaker.run(server) for _ in range(10)]
    calls_in_the_pause = server.calls
    seconds.now += 0.002
    server.error = None

    assert skipped == [None] * 10
    assert breaker.skipped == 10
    assert calls_in_the_pause == 1
    assert await breaker.run(server) == "reply"
    assert await breaker.run(server) == "reply"
    assert not breaker.is_open


async def test_a_failed_trial_begins_another_pause(breaker: Breaker, seconds: Seconds) -> None:
    server = Server()
    server.error = ConnectionError("refused")

    for _ in range(5):
        await breaker.run(server)
        await breaker.run(server)
        seconds.now += 1.001

    assert (server.calls, breaker.failures, breaker.skipped) == (5, 5, 5)


async def test_one_caller_alone_finds_out_whether_the_server_is_back(breaker: Breaker, seconds: Seconds) -> None:
    server = Server()
    server.error = ConnectionError("refused")
    await breaker.run(server)
    seconds.now += 1.001
    server.error = None
    server.may_answer.clear()

    callers = [asyncio.create_task(breaker.run(server)) for _ in range(20)]
    await asyncio.sleep(0)
    server.may_answer.set()
    replies = await asyncio.gather(*callers)

    assert replies.count("reply") == 1
    assert server.calls == 2


async def test_a_trial_whose_caller_goes_away_leaves_it_to_the_next(breaker: Breaker, seconds: Seconds) -> None:
    server = Server()
    server.error = ConnectionError("refused")
    await breaker.run(server)
    seconds.now += 1.001
    server.error = None
    server.may_answer.clear()

    trial = asyncio.create_task(breaker.run(server))
    await asyncio.sleep(0)
    trial.cancel()
    gone = (await asyncio.gather(trial, return_exceptions=True))[0]
    server.may_answer.set()

    assert isinstance(gone, asyncio.CancelledError)
    assert await breaker.run(server) == "reply"


async def test_a_late_success_of_a_call_from_before_the_failure_does_not_end_the_pause(breaker: Breaker) -> None:
    slow, failing = Server(), Server()
    slow.may_answer.clear()
    failing.error = ConnectionError("refused")

    before = asyncio.create_task(breaker.run(slow))
    await asyncio.sleep(0)
    await breaker.run(failing)
    slow.may_answer.set()

    assert await before == "reply"
    assert breaker.is_open


async def test_a_cancelled_call_is_cancelled_and_no_failure(breaker: Breaker) -> None:
    server = Server()
    server.may_answer.clear()

    call = asyncio.create_task(breaker.run(server))
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert breaker.failures == 0


async def test_a_cancellation_that_the_driver_loses_is_raised_all_the_same(breaker: Breaker) -> None:
    async def loses_it() -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "reply"
        return "reply"

    call = asyncio.create_task(breaker.run(loses_it))
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_an_outage_of_a_thousand_calls_is_two_lines_in_the_log(
    breaker: Breaker, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = Server()
    server.error = ConnectionError("refused")

    for _ in range(1_000):
        await breaker.run(server)
        seconds.now += 0.1
    server.error = None
    seconds.now += 1
    await breaker.run(server)

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "refused" in caplog.messages[0]
    assert str(breaker.skipped) in caplog.messages[1]
