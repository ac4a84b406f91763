"""Who listens, for how long, and what it costs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from wallet_core.faults import Unavailable
from wallet_core.identity.entities import Role
from wallet_core.identity.session import ActiveSession
from wallet_core.ids import SessionId, UserId
from wallet_core.ledger.accounts import Account
from wallet_core.live import feed as feed_module
from wallet_core.live.feed import LiveFeed, StreamLimits
from wallet_core.live.news import AccountLine, BalanceIs, LiveEvent, Moved, Span
from wallet_core.live.subscription import StreamRefusal, Subscription
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, new_id
from wallet_core.testing.contracts.books import a_person, owner

SECONDS_MAX = 5.0


@dataclass
class Stage:
    """A feed over books in memory, and the sessions that have ended."""

    books: InMemoryBooks = field(default_factory=InMemoryBooks)
    over: set[SessionId] = field(default_factory=set)
    unknown: bool = False
    reported: list[BaseException] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.feed = LiveFeed(
            self.books.live,
            self.is_live,
            StreamLimits(in_all=300, of_one_person=2),
            monotonic=lambda: self.now,
            report=self.reported.append,
        )

    async def is_live(self, session: ActiveSession) -> bool:
        if self.unknown:
            raise Unavailable("Nobody knows.")
        return session.session_id not in self.over


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.06)
    monkeypatch.setattr(feed_module, "CHECK_SECONDS", 0.02)
    stage = Stage()
    yield stage
    await stage.feed.close()
    assert stage.feed._at_work == {}


def a_session(user_id: UserId) -> ActiveSession:
    return ActiveSession(
        user_id=user_id, session_id=SessionId(new_id()), role=Role.USER, second_factor=False, proved_at=None
    )


def listen(
    stage: Stage, stack: ExitStack, account: Account, *, is_gone: Callable[[], bool] = lambda: False
) -> Subscription:
    """A stream of the account's owner from now on."""
    stream = stack.enter_context(stage.feed.opened(a_session(owner(account)), None, is_gone=is_gone))
    assert isinstance(stream, Subscription)
    return stream


async def heard(stream: Subscription) -> Sequence[LiveEvent] | None:
    return await asyncio.wait_for(stream.next(), SECONDS_MAX)


async def test_everybody_is_told_of_their_own_and_of_nothing_else(stage: Stage) -> None:
    alice, bob = await a_person(stage.books, balance=500), await a_person(stage.books)
    with ExitStack() as stack:
        alices, bobs = listen(stage, stack, alice), listen(stage, stack, bob)
        begun = [await heard(alices), await heard(bobs)]

        await stage.books.ledger.post([a_deposit(alice, amount=5)])
        told = await heard(alices)
        await asyncio.sleep(0.2)
        silent = not bobs._events

    assert [len(each or ()) for each in begun] == [2, 2]
    assert told is not None
    assert [type(event) for event in told] == [Moved, BalanceIs]
    assert silent


async def test_two_hundred_streams_cost_one_question_a_poll(stage: Stage) -> None:
    people = [await a_person(stage.books) for _ in range(200)]
    with ExitStack() as stack:
        for stream in [listen(stage, stack, person) for person in people]:
            await heard(stream)
        polls, questions = stage.feed.polls, stage.books.live.questions
        listeners = [asyncio.create_task(each.next()) for each in stage.feed._streams]

        await asyncio.sleep(0.5)
        idle = stage.feed.polls - polls, stage.books.live.questions - questions
        await stage.books.ledger.post([a_deposit(person, amount=5) for person in people])
        await asyncio.wait_for(asyncio.gather(*listeners), SECONDS_MAX)
        busy = stage.feed.polls - polls, stage.books.live.questions - questions

    assert idle[0] >= 3
    assert idle[0] == idle[1]
    # The lines of two hundred accounts, a hundred people at a time.
    assert busy[1] - busy[0] == 2


async def test_nothing_is_asked_while_nobody_listens(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        await heard(listen(stage, stack, alice))
    await asyncio.sleep(0.2)
    asked = stage.books.live.questions

    await asyncio.sleep(0.3)
    after = stage.books.live.questions
    with ExitStack() as stack:
        again = await heard(listen(stage, stack, alice))

    assert (after, stage.feed.open_streams) == (asked, 0)
    assert again


async def test_whoever_comes_just_as_the_last_one_leaves_is_told_and_watched_over(stage: Stage) -> None:
    alice = await a_person(stage.books)
    for wait_seconds in (0.0, 0.01, 0.03, 0.05, 0.07):
        with ExitStack() as stack:
            await heard(listen(stage, stack, alice))
        await asyncio.sleep(wait_seconds)
        with ExitStack() as stack:
            stream = listen(stage, stack, alice)
            await heard(stream)
            await stage.books.ledger.post([a_deposit(alice, amount=5)])

            assert len(await heard(stream) or ()) == 2
            stage.over.add(stream.session.session_id)
            assert await heard(stream) is None


async def test_a_stream_ends_with_its_session_and_no_other_does(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        one, other = listen(stage, stack, alice), listen(stage, stack, alice)
        for stream in (one, other):
            await heard(stream)

        stage.over.add(one.session.session_id)
        ended = await heard(one)
        await stage.books.ledger.post([a_deposit(alice, amount=5)])
        told = await heard(other)

    assert ended is None
    assert told


async def test_who_may_not_be_known_to_be_logged_in_hears_nothing(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        stream = listen(stage, stack, alice)
        await heard(stream)

        stage.unknown = True

        assert await heard(stream) is None


async def test_a_stream_that_nobody_reads_any_more_ends(stage: Stage) -> None:
    alice = await a_person(stage.books)
    gone = asyncio.Event()
    with ExitStack() as stack:
        stream = listen(stage, stack, alice, is_gone=gone.is_set)
        await heard(stream)

        gone.set()

        assert await heard(stream) is None


async def test_a_person_and_all_people_have_so_many_streams_and_no_more(stage: Stage) -> None:
    alice = await a_person(stage.books)
    others = [await a_person(stage.books) for _ in range(298)]
    with ExitStack() as stack:
        for _ in range(2):
            listen(stage, stack, alice)
        third = stack.enter_context(stage.feed.opened(a_session(owner(alice)), None, is_gone=lambda: False))
        for other in others:
            listen(stage, stack, other)
        one_more = stack.enter_context(stage.feed.opened(a_session(UserId(new_id())), None, is_gone=lambda: False))
    with ExitStack() as stack:
        listen(stage, stack, alice)

    assert third is StreamRefusal.TOO_MANY_OF_THIS_PERSON
    assert one_more is StreamRefusal.TOO_MANY


async def test_nothing_is_gathered_for_who_does_not_read(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        slow, quick = listen(stage, stack, alice), listen(stage, stack, alice)
        await heard(slow)
        await heard(quick)

        for _ in range(3):
            await stage.books.ledger.post([a_deposit(alice, amount=5)])
            assert len(await heard(quick) or ()) == 2
        gathered = slow._events
        late = await heard(slow)

    assert gathered == ()
    assert late is not None
    assert [type(event) for event in late] == [Moved, Moved, Moved, BalanceIs]


async def test_who_hears_nothing_for_long_is_told_that_there_is_nothing(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        stream = listen(stage, stack, alice)
        await heard(stream)
        waiting = asyncio.create_task(stream.next())
        await asyncio.sleep(0.1)
        told_before = waiting.done()

        stage.now += feed_module.HEARTBEAT_SECONDS

        assert not told_before
        assert await asyncio.wait_for(waiting, SECONDS_MAX) == ()


async def test_a_database_that_fails_for_a_while_delays_news_and_is_reported_once(stage: Stage) -> None:
    alice = await a_person(stage.books)
    with ExitStack() as stack:
        stream = listen(stage, stack, alice)
        await heard(stream)
        works, failures = stage.books.live.standings, 0

        async def fail(_: object) -> object:
            nonlocal failures
            failures += 1
            raise Unavailable("Not now.")

        stage.books.live.standings = fail  # type: ignore[assignment, method-assign]  # it is down
        waiting = asyncio.create_task(stream.next())
        await stage.books.ledger.post([a_deposit(alice, amount=5)])
        async with asyncio.timeout(SECONDS_MAX):
            while failures < 3:  # noqa: ASYNC110 - the feed sets no event of ours
                await asyncio.sleep(0.01)
        stage.books.live.standings = works  # type: ignore[method-assign]  # and up again
        told = await asyncio.wait_for(waiting, SECONDS_MAX)

    assert told is not None
    assert [type(event) for event in told] == [Moved, BalanceIs]
    assert [str(error) for error in stage.reported] == ["Not now."]


async def test_where_it_takes_long_to_tell_who_may_listen_it_takes_no_longer_for_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await a_person(stage.books) for _ in range(20)]

    async def wait_in_vain(_: object) -> bool:
        await asyncio.sleep(0.3)
        raise Unavailable("Nobody knows.")

    with ExitStack() as stack:
        streams = [listen(stage, stack, person) for person in people]
        for stream in streams:
            await heard(stream)
        monkeypatch.setattr(stage.feed, "_is_live", wait_in_vain)

        # One after the other it would be 6 s.
        ended = await asyncio.wait_for(asyncio.gather(*(stream.next() for stream in streams)), 3.0)

    assert ended == [None] * 20


async def test_who_cannot_be_told_keeps_nobody_else_from_being_told(stage: Stage) -> None:
    alice, bob = await a_person(stage.books), await a_person(stage.books)
    lines = stage.books.live.lines

    async def fail_for_alice(spans: Sequence[Span]) -> Sequence[AccountLine]:
        if any(span.account_id == alice.id for span in spans):
            raise ValueError("Nobody can read that.")
        return await lines(spans)

    stage.books.live.lines = fail_for_alice  # type: ignore[method-assign]  # what is kept of her is spoilt
    with ExitStack() as stack:
        alices, bobs = listen(stage, stack, alice), listen(stage, stack, bob)
        for stream in (alices, bobs):
            await heard(stream)

        await stage.books.ledger.post([a_deposit(each, amount=5) for each in (alice, bob)])
        told = [await heard(bobs), await heard(alices)]

    assert [type(event) for event in told[0] or ()] == [Moved, BalanceIs]
    assert told[1] is None
    assert [str(error) for error in stage.reported] == ["Nobody can read that."]


async def test_closing_ends_every_stream_at_once_and_opens_none(stage: Stage) -> None:
    people = [await a_person(stage.books) for _ in range(20)]
    with ExitStack() as stack:
        streams = [listen(stage, stack, person) for person in people]
        for stream in streams:
            await heard(stream)
        waiting = [asyncio.create_task(stream.next()) for stream in streams]
        await asyncio.sleep(0)

        await asyncio.wait_for(stage.feed.close(), SECONDS_MAX)
        ended = await asyncio.wait_for(asyncio.gather(*waiting), SECONDS_MAX)
        refused = stack.enter_context(stage.feed.opened(a_session(UserId(new_id())), None, is_gone=lambda: False))

    assert ended == [None] * 20
    assert refused is StreamRefusal.CLOSED
