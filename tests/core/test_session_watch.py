"""Several processes with the same sessions: what one does, the others know in time, whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.core.session_stage import IDLE, Process, SessionStage
from wallet_core.faults import Unavailable
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.identity.session import ActiveSession, SessionEnd
from wallet_core.identity.session_watch import STALE_SECONDS_MAX
from wallet_core.identity.sessions import SessionRefusal
from wallet_core.testing.sessions import InMemorySessionRepository

STALE = STALE_SECONDS_MAX + 0.1


class CountedRepository(InMemorySessionRepository):
    """Notes what it is asked, and answers nothing while it is away."""

    def __init__(self, other: InMemorySessionRepository) -> None:
        self.__dict__.update(other.__dict__)
        self.asked: list[str] = []
        self.is_away = False

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.is_away:
            raise Unavailable("The database does not answer.")

    async def find(self, session_id):
        self._note("find")
        return await super().find(session_id)

    async def changes(self, since, *, rows_max):
        await asyncio.sleep(0)
        self._note("changes")
        return await super().changes(since, rows_max=rows_max)

    async def touch(self, seen):
        self._note("touch")
        await super().touch(seen)


@pytest.fixture
def stage() -> SessionStage:
    return SessionStage()


@pytest.fixture
def kept(stage: SessionStage) -> CountedRepository:
    return CountedRepository(stage.books.sessions)


@pytest.fixture
def other(stage: SessionStage, kept: CountedRepository) -> Process:
    """A second process."""
    return stage.process(kept)


async def is_active(process: Process, claims, *, background: bool = False) -> bool:
    return isinstance(await process.sessions.check(claims, background=background), ActiveSession)


async def stored(stage: SessionStage, claims):
    session = await stage.books.sessions.find(claims.session_id)
    assert session is not None
    return session


async def test_a_check_of_a_session_that_is_known_asks_nobody(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)
    kept.asked.clear()

    for _ in range(100):
        assert await is_active(other, claims)

    assert kept.asked == []


async def test_an_end_is_known_elsewhere_once_what_is_known_there_is_a_second_old(
    stage: SessionStage, other: Process
) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)

    await stage.sessions.log_out(claims)
    stage.pass_seconds(STALE)

    assert await other.sessions.check(claims) is SessionRefusal.ENDED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"role": Role.ADMIN}, (Role.ADMIN, False)),
        ({"second_factor": True}, (Role.USER, True)),
        ({"status": UserStatus.DEACTIVATED}, None),
    ],
)
async def test_what_a_person_may_do_is_known_everywhere_in_time(
    stage: SessionStage, other: Process, change, expected
) -> None:
    user = await stage.person()
    _, claims = await stage.log_in(user)
    assert await is_active(other, claims)

    await stage.books.change_person(user.id, **change)
    stage.pass_seconds(STALE)
    checked = await other.sessions.check(claims)

    if expected is None:
        assert checked is SessionRefusal.ENDED
    else:
        assert isinstance(checked, ActiveSession)
        assert (checked.role, checked.second_factor) == expected


async def test_however_many_ask_at_once_they_share_a_look(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)
    stage.pass_seconds(STALE)
    kept.asked.clear()

    checked = await asyncio.gather(*[is_active(other, claims) for _ in range(50)])

    assert all(checked)
    # The first to ask has begun a look when the others come, and those share the next.
    assert kept.asked == ["changes", "changes"]


async def test_while_nothing_can_be_read_nobody_is_let_through_on_old_knowledge(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)
    kept.is_away = True
    kept.asked.clear()

    at_once = await is_active(other, claims)
    stage.pass_seconds(STALE)
    refused = await asyncio.gather(*[other.sessions.check(claims) for _ in range(20)], return_exceptions=True)
    kept.is_away = False

    assert at_once
    assert {type(each) for each in refused} == {Unavailable}
    assert kept.asked.count("changes") == 2
    assert await is_active(other, claims)


async def test_an_end_that_is_known_is_refused_even_while_nothing_can_be_read(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    await other.sessions.log_out(claims)
    stage.pass_seconds(STALE)
    assert await other.sessions.check(claims) is SessionRefusal.ENDED
    kept.is_away = True
    stage.pass_seconds(STALE)

    assert await other.sessions.check(claims) is SessionRefusal.ENDED


async def test_an_end_that_is_committed_while_the_session_is_read_is_not_missed(stage: SessionStage) -> None:
    _, claims = await stage.log_in()

    class Slow(CountedRepository):
        async def find(self, session_id):
            session = await super().find(session_id)
            await stage.sessions.log_out(claims)
            await process.watch.caught_up()
            return session

    process = stage.process(Slow(stage.books.sessions))

    first = await process.sessions.check(claims)

    assert first is SessionRefusal.ENDED


async def test_more_changes_than_a_look_reads_make_a_process_read_anew(stage: SessionStage, monkeypatch) -> None:
    monkeypatch.setattr("wallet_core.identity.session_watch._CHANGES_MAX", 2)
    other = stage.process()
    people = [await stage.person() for _ in range(5)]
    claims = [(await stage.log_in(user))[1] for user in people]
    assert all([await is_active(other, each) for each in claims])

    for user in people:
        await stage.sessions.log_out_everywhere(user.id)
    stage.pass_seconds(STALE)

    assert [await other.sessions.check(each) for each in claims] == [SessionRefusal.ENDED] * 5


async def test_sessions_that_made_room_are_read_again_and_lose_no_use(
    stage: SessionStage, kept: CountedRepository
) -> None:
    small = stage.process(kept, memory_max=2)
    claims = [(await stage.log_in())[1] for _ in range(4)]
    stage.pass_seconds(1)

    for each in claims:
        assert await is_active(small, each)
    await small.watch.write(everything=True)

    assert [(await stored(stage, each)).last_seen_at for each in claims] == [stage.clock()] * 4


# --- Being used ---


async def test_a_use_is_written_once_in_half_an_idle_time(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()

    for _ in range(60):
        stage.pass_seconds(1)
        assert await is_active(other, claims)
        await other.watch.write()

    assert kept.asked.count("touch") == 60 / (IDLE.total_seconds() / 2)


async def test_a_use_that_others_would_soon_miss_is_written_before_it_is_answered(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    stage.pass_seconds(28)

    assert await is_active(other, claims)

    assert kept.asked.count("touch") == 1
    assert (await stored(stage, claims)).last_seen_at == stage.clock()


async def test_no_process_calls_a_session_idle_that_another_one_uses(stage: SessionStage, other: Process) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)

    for second in range(300):
        stage.pass_seconds(1)
        if second % 7 == 0:
            assert await is_active(stage.first, claims)
        await stage.first.watch.write()
        assert await is_active(other, claims, background=True), second


async def test_what_cannot_be_written_is_written_later(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    _, claims = await stage.log_in()
    stage.pass_seconds(16)
    assert await is_active(other, claims)
    used_at = stage.clock()
    kept.is_away = True

    with pytest.raises(Unavailable):
        await other.watch.write()
    kept.is_away = False
    await other.watch.write()

    assert (await stored(stage, claims)).last_seen_at == used_at


# --- The task ---


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[None]:
    async with process.watch.running():
        await asyncio.sleep(0.1)
        yield


async def test_a_process_that_hears_of_an_end_knows_it_long_before_it_would_look(
    stage: SessionStage, other: Process
) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)

    async with running(other):
        await stage.sessions.log_out(claims)
        await asyncio.sleep(0.1)

    assert await other.sessions.check(claims) is SessionRefusal.ENDED


async def test_a_process_that_hears_nothing_looks_for_itself(stage: SessionStage, other: Process) -> None:
    _, claims = await stage.log_in()
    assert await is_active(other, claims)

    async with running(other):
        await stage.books.sessions.end(claims.session_id, SessionEnd.LOGGED_OUT, stage.clock())
        await asyncio.sleep(0.6)

    assert await other.sessions.check(claims) is SessionRefusal.ENDED


async def test_what_was_used_is_written_when_a_process_stops(stage: SessionStage, other: Process) -> None:
    _, claims = await stage.log_in()

    async with running(other):
        stage.pass_seconds(1)
        assert await is_active(other, claims)
    last_seen_at = (await stored(stage, claims)).last_seen_at

    assert last_seen_at == stage.clock()


async def test_trouble_is_told_once_and_watching_goes_on(
    stage: SessionStage, other: Process, kept: CountedRepository
) -> None:
    kept.is_away = True

    async with running(other):
        await asyncio.sleep(0.6)
        kept.is_away = False
        stage.pass_seconds(STALE)
        await asyncio.sleep(0.6)
        looked_again = other.watch.is_current()
        kept.is_away = True
        await asyncio.sleep(0.6)

    assert looked_again
    assert [str(trouble) for trouble in stage.troubles] == ["The database does not answer."] * 2
