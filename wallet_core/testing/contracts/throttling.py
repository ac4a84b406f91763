"""What everything promises that throttling counts with."""

import asyncio
from collections.abc import Awaitable, Callable

from wallet_core.identity.throttling import Act, Backoff, ClientLimits, FailureCounters, MessageCounters, Rate, Rates

LetPass = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass for what is tested, at once."""

BACKOFF = Backoff(free=3, seconds_max=6, forgotten_seconds=1_000)
RATES: Rates = {Act.LOG_IN: Rate(most=4, seconds=100), Act.SIGN_UP: Rate(most=1, seconds=3_600)}
KEY, OTHER = b"\x00one key\xff" * 3, b"another"


class FailureCountersContract:
    """What every FailureCounters promises.

    Subclass it and provide the fixtures `failures`, which go by BACKOFF, and `let_pass`.
    """

    async def test_the_first_few_may_fail_and_the_next_has_to_wait(self, failures: FailureCounters) -> None:
        taken = [await failures.take(KEY) for _ in range(BACKOFF.free + 1)]

        assert taken == [None] * BACKOFF.free + [1]

    async def test_each_failure_doubles_the_wait_up_to_the_longest(
        self, failures: FailureCounters, let_pass: LetPass
    ) -> None:
        await _fail(failures, BACKOFF.free)

        waits = []
        for _ in range(5):
            wait = await failures.take(KEY)
            waits.append(wait)
            assert wait is not None
            await let_pass(wait)
            assert await failures.take(KEY) is None

        assert waits == [1, 2, 4, 6, 6]

    async def test_who_has_to_wait_is_not_counted(self, failures: FailureCounters, let_pass: LetPass) -> None:
        await _fail(failures, BACKOFF.free)

        refused = [await failures.take(KEY) for _ in range(5)]
        await let_pass(1)
        after = [await failures.take(KEY), await failures.take(KEY)]

        assert refused == [1] * 5
        assert after == [None, 2]

    async def test_whoever_asks_at_the_same_moment_is_counted_one_after_the_other(
        self, failures: FailureCounters
    ) -> None:
        taken = await asyncio.gather(*[failures.take(KEY) for _ in range(20)])

        assert taken.count(None) == BACKOFF.free
        assert {wait for wait in taken if wait is not None} == {1}

    async def test_what_is_forgotten_begins_anew_and_nothing_else_does(self, failures: FailureCounters) -> None:
        await _fail(failures, BACKOFF.free)
        await _fail(failures, BACKOFF.free, OTHER)

        await failures.forget([KEY, b"never counted"])
        taken = [await failures.take(KEY) for _ in range(BACKOFF.free + 1)]

        assert taken == [None] * BACKOFF.free + [1]
        assert await failures.take(OTHER) is not None

    async def test_forgetting_nothing_is_nothing(self, failures: FailureCounters) -> None:
        await failures.forget([])

        assert await failures.take(KEY) is None

    async def test_after_long_enough_the_count_begins_anew(self, failures: FailureCounters, let_pass: LetPass) -> None:
        await _fail(failures, BACKOFF.free)

        await let_pass(BACKOFF.forgotten_seconds + 1)
        taken = [await failures.take(KEY) for _ in range(BACKOFF.free + 1)]

        assert taken == [None] * BACKOFF.free + [1]


class MessageCountersContract:
    """What every MessageCounters promises. Subclass it and provide the fixtures `messages` and `let_pass`."""

    rate = Rate(most=3, seconds=3_600)

    async def test_no_more_than_so_many_go_out(self, messages: MessageCounters) -> None:
        taken = [await messages.take(KEY, self.rate) for _ in range(5)]

        assert taken[:3] == [None] * 3
        assert all(wait is not None and 3_590 <= wait <= 3_600 for wait in taken[3:])

    async def test_there_is_room_again_when_the_oldest_is_old_enough(
        self, messages: MessageCounters, let_pass: LetPass
    ) -> None:
        for _ in range(3):
            await messages.take(KEY, self.rate)
            await let_pass(1_000)

        wait = await messages.take(KEY, self.rate)
        assert wait is not None
        assert 590 <= wait <= 600
        await let_pass(wait)
        taken = [await messages.take(KEY, self.rate) for _ in range(2)]

        assert taken[0] is None
        assert taken[1] is not None
        assert 990 <= taken[1] <= 1_000

    async def test_never_more_than_so_many_in_any_span_of_that_length(
        self, messages: MessageCounters, let_pass: LetPass
    ) -> None:
        now, sent = 0, []
        for _ in range(60):
            if await messages.take(KEY, self.rate) is None:
                sent.append(now)
            await let_pass(300)
            now += 300

        assert len(sent) > 9
        assert all(later - earlier >= self.rate.seconds for earlier, later in zip(sent, sent[3:], strict=False))

    async def test_whoever_asks_at_the_same_moment_is_counted_one_after_the_other(
        self, messages: MessageCounters
    ) -> None:
        taken = await asyncio.gather(*[messages.take(KEY, self.rate) for _ in range(20)])

        assert taken.count(None) == self.rate.most

    async def test_keys_do_not_share_a_count(self, messages: MessageCounters) -> None:
        for _ in range(4):
            await messages.take(KEY, self.rate)

        assert await messages.take(OTHER, self.rate) is None


class ClientLimitsContract:
    """What every ClientLimits promises.

    Subclass it and provide the fixtures `clients`, which go by RATES, and `let_pass`.
    """

    async def test_so_many_pass_and_the_next_has_to_wait(self, clients: ClientLimits) -> None:
        taken = [await clients.take(Act.LOG_IN, "client") for _ in range(6)]

        assert taken[:4] == [None] * 4
        assert all(wait is not None and 1 <= wait <= 200 for wait in taken[4:])

    async def test_whoever_asks_at_the_same_moment_is_counted_too(self, clients: ClientLimits) -> None:
        taken = await asyncio.gather(*[clients.take(Act.LOG_IN, "client") for _ in range(20)])

        assert taken.count(None) == 4

    async def test_after_the_wait_there_is_room_again(self, clients: ClientLimits, let_pass: LetPass) -> None:
        for _ in range(4):
            await clients.take(Act.LOG_IN, "client")
        assert await clients.take(Act.LOG_IN, "client") is not None

        await let_pass(200)

        assert await clients.take(Act.LOG_IN, "client") is None

    async def test_asking_how_long_to_wait_counts_nothing(self, clients: ClientLimits) -> None:
        early = [await clients.wait(Act.LOG_IN, "client") for _ in range(6)]
        taken = [await clients.take(Act.LOG_IN, "client") for _ in range(4)]
        late = [await clients.wait(Act.LOG_IN, "client") for _ in range(2)]
        others = [await clients.wait(Act.LOG_IN, "another client"), await clients.wait(Act.RESET, "client")]

        assert early + taken + others == [None] * 12
        assert all(wait is not None and 1 <= wait <= 200 for wait in late)

    async def test_what_is_given_back_was_never_taken(self, clients: ClientLimits) -> None:
        for _ in range(12):
            assert await clients.take(Act.LOG_IN, "client") is None
            await clients.give_back(Act.LOG_IN, "client")

        taken = [await clients.take(Act.LOG_IN, "client") for _ in range(5)]

        assert taken[:4] == [None] * 4
        assert taken[4] is not None

    async def test_one_is_given_back_where_all_were_taken(self, clients: ClientLimits) -> None:
        for _ in range(5):
            await clients.take(Act.LOG_IN, "client")

        await clients.give_back(Act.LOG_IN, "client")
        taken = [await clients.take(Act.LOG_IN, "client") for _ in range(2)]

        assert taken[0] is None
        assert taken[1] is not None

    async def test_nothing_is_given_back_where_nothing_was_taken(self, clients: ClientLimits) -> None:
        for _ in range(3):
            await clients.give_back(Act.LOG_IN, "client")

        taken = [await clients.take(Act.LOG_IN, "client") for _ in range(5)]

        assert taken[:4] == [None] * 4
        assert taken[4] is not None

    async def test_clients_and_acts_do_not_share_a_count(self, clients: ClientLimits) -> None:
        for _ in range(5):
            await clients.take(Act.LOG_IN, "client")

        assert await clients.take(Act.LOG_IN, "another client") is None
        assert [await clients.take(Act.SIGN_UP, "client") is None for _ in range(2)] == [True, False]

    async def test_what_has_no_rate_may_be_done_for_ever(self, clients: ClientLimits) -> None:
        taken = [await clients.take(Act.RESET, "client") for _ in range(50)]
        await clients.give_back(Act.RESET, "client")

        assert taken == [None] * 50


async def _fail(failures: FailureCounters, times: int, key: bytes = KEY) -> None:
    for _ in range(times):
        assert await failures.take(key) is None
