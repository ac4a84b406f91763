"""Sessions in memory: who is let through, until when, and what ends it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.core.session_stage import IDLE, LIFETIME, SessionStage
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.identity.refreshing import REFRESHES_MAX, PresentedToken, RefreshRefusal, judge
from wallet_core.identity.session import ActiveSession, Granted, SessionEnd
from wallet_core.identity.sessions import PROOF_LASTS, SESSIONS_MAX, SessionRefusal
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.builders import a_session, new_id
from wallet_core.testing.clock import NOON


@pytest.fixture
def stage() -> SessionStage:
    return SessionStage()


async def active(stage: SessionStage, claims) -> ActiveSession:
    checked = await stage.sessions.check(claims)
    assert isinstance(checked, ActiveSession)
    return checked


async def test_whoever_logged_in_is_known_with_what_they_may_do(stage: SessionStage) -> None:
    user = await stage.person()

    _, claims = await stage.log_in(user)

    assert await stage.sessions.check(claims) == ActiveSession(
        user_id=user.id, session_id=claims.session_id, role=Role.USER, second_factor=False, proved_at=NOON
    )


async def test_a_session_that_is_used_lasts_and_one_that_is_not_expires(stage: SessionStage) -> None:
    """Row 9, to the second."""
    _, claims = await stage.log_in()

    for _ in range(5):
        stage.pass_seconds(29)
        assert isinstance(await stage.sessions.check(claims), ActiveSession)
    stage.pass_seconds(31)

    assert await stage.sessions.check(claims) is SessionRefusal.EXPIRED


async def test_asking_in_the_background_uses_no_session(stage: SessionStage) -> None:
    _, claims = await stage.log_in()

    await stage.first.watch.caught_up()
    for _ in range(29):
        stage.pass_seconds(1)
        await stage.first.watch.caught_up()
        assert isinstance(await stage.sessions.check(claims, background=True), ActiveSession)
    stage.pass_seconds(2)

    assert await stage.sessions.check(claims, background=True) is SessionRefusal.EXPIRED
    assert await stage.sessions.check(claims) is SessionRefusal.EXPIRED


async def test_a_session_is_over_after_its_lifetime_however_much_it_is_used(stage: SessionStage) -> None:
    _, claims = await stage.log_in()

    stage.clock.advance(LIFETIME - timedelta(seconds=1))
    await stage.books.sessions.touch({claims.session_id: stage.clock()})
    before = await stage.sessions.check(claims)
    stage.pass_seconds(1)
    after = await stage.sessions.check(claims)

    assert isinstance(before, ActiveSession)
    assert after is SessionRefusal.EXPIRED


async def test_a_token_of_no_session_or_of_somebody_elses_is_unknown(stage: SessionStage) -> None:
    _, claims = await stage.log_in()

    nowhere = await stage.sessions.check(replace(claims, session_id=SessionId(new_id())))
    others = await stage.sessions.check(replace(claims, user_id=UserId(new_id())))

    assert nowhere is others is SessionRefusal.UNKNOWN


async def test_what_has_ended_is_refused_at_once_and_for_good(stage: SessionStage) -> None:
    granted, claims = await stage.log_in()

    await stage.sessions.log_out(claims)
    refused = await stage.sessions.check(claims)
    await stage.sessions.log_out(claims)
    stage.pass_seconds(3_600)

    assert refused is await stage.sessions.check(claims) is SessionRefusal.ENDED
    assert await stage.sessions.refresh(granted.refresh) is RefreshRefusal.EXPIRED


async def test_logging_out_everywhere_ends_all_sessions_of_one_person(stage: SessionStage) -> None:
    user = await stage.person()
    mine = [(await stage.log_in(user))[1] for _ in range(2)]
    _, other = await stage.log_in()

    await stage.sessions.log_out_everywhere(user.id)

    assert [await stage.sessions.check(claims) for claims in mine] == [SessionRefusal.ENDED] * 2
    assert isinstance(await stage.sessions.check(other), ActiveSession)


async def test_people_end_their_own_sessions_and_nobody_elses(stage: SessionStage) -> None:
    alice = await stage.person()
    _, first = await stage.log_in(alice)
    _, second = await stage.log_in(alice)
    _, other = await stage.log_in()
    by_alice = await active(stage, first)

    own = await stage.sessions.end(by_alice, second.session_id)
    others = await stage.sessions.end(by_alice, other.session_id)
    nobodys = await stage.sessions.end(by_alice, SessionId(new_id()))

    assert (own, others, nobodys) == (True, False, False)
    ended = [await stage.books.sessions.find(each.session_id) for each in (second, other)]
    assert [each and each.ended_because for each in ended] == [SessionEnd.ENDED_BY_OWNER, None]


async def test_the_session_that_was_used_last_is_listed_first(stage: SessionStage) -> None:
    user = await stage.person()
    claims = [(await stage.log_in(user))[1] for _ in range(3)]
    stage.pass_seconds(1)

    await active(stage, claims[1])
    listed = await stage.sessions.of(user.id)

    assert listed[0].id == claims[1].session_id
    assert [session.last_seen_at for session in listed] == [stage.clock(), NOON, NOON]


async def test_a_person_has_so_many_sessions_and_no_more(stage: SessionStage) -> None:
    user = await stage.person()

    for _ in range(SESSIONS_MAX + 3):
        await stage.log_in(user)
        stage.clock.advance(timedelta(milliseconds=1))

    assert len(await stage.sessions.of(user.id)) == SESSIONS_MAX


async def test_nobody_who_was_deactivated_begins_a_session(stage: SessionStage) -> None:
    user = await stage.person()
    await stage.books.change_person(user.id, status=UserStatus.DEACTIVATED)

    assert await stage.sessions.start(user, stage.device) is None


# --- Refreshing ---


async def test_a_refresh_gives_new_tokens_of_the_same_session(stage: SessionStage) -> None:
    granted, claims = await stage.log_in()

    refreshed = await stage.sessions.refresh(granted.refresh)

    assert isinstance(refreshed, Granted)
    assert refreshed.refresh != granted.refresh
    assert refreshed.access.token != granted.access.token
    assert stage.claims(refreshed).session_id == claims.session_id


async def test_a_lost_answer_is_given_again_within_the_grace(stage: SessionStage) -> None:
    granted, claims = await stage.log_in()

    first = await stage.sessions.refresh(granted.refresh)
    stage.pass_seconds(10)
    again = await stage.sessions.refresh(granted.refresh)

    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert again.refresh == first.refresh
    assert isinstance(await stage.sessions.check(claims), ActiveSession)


async def test_a_token_in_two_hands_ends_the_session_and_its_owner_is_told(stage: SessionStage) -> None:
    user = await stage.person()
    granted, claims = await stage.log_in(user)
    successor = await stage.sessions.refresh(granted.refresh)
    assert isinstance(successor, Granted)

    stage.pass_seconds(11)
    reused = await stage.sessions.refresh(granted.refresh)

    assert reused is RefreshRefusal.REUSED
    assert await stage.sessions.check(claims) is SessionRefusal.ENDED
    assert await stage.sessions.refresh(successor.refresh) is RefreshRefusal.EXPIRED
    await stage.tell()
    (told,) = stage.notifier.sent
    assert told.to == user.email


async def test_a_refresh_revives_nothing_and_keeps_nothing_alive(stage: SessionStage) -> None:
    granted, claims = await stage.log_in()

    stage.pass_seconds(20)
    refreshed = await stage.sessions.refresh(granted.refresh)
    stage.pass_seconds(11)

    assert isinstance(refreshed, Granted)
    assert await stage.sessions.refresh(refreshed.refresh) is RefreshRefusal.EXPIRED
    assert await stage.sessions.check(claims) is SessionRefusal.EXPIRED


async def test_what_was_never_handed_out_is_no_refresh_token(stage: SessionStage) -> None:
    granted, _ = await stage.log_in()

    for text in ("", "abc", granted.access.token, stage.refresh_tokens.first(), granted.refresh[:-1]):
        assert await stage.sessions.refresh(text) is RefreshRefusal.UNKNOWN, text


def test_a_session_is_refreshed_so_often_and_no_oftener() -> None:
    session = a_session()
    refreshed_often = PresentedToken(session=session, spent_at=None, refreshes=REFRESHES_MAX - 1)

    assert judge(refreshed_often, NOON, idle=IDLE) is None
    assert judge(replace(refreshed_often, refreshes=REFRESHES_MAX), NOON, idle=IDLE) is RefreshRefusal.EXPIRED


# --- Proof ---


async def test_a_log_in_is_a_proof_for_five_minutes(stage: SessionStage) -> None:
    _, claims = await stage.log_in()
    session = await active(stage, claims)

    stage.clock.advance(PROOF_LASTS - timedelta(seconds=1))
    before = await stage.sessions.is_proved(session)
    stage.pass_seconds(1)
    after = await stage.sessions.is_proved(session)

    assert (before, after) == (True, False)


async def test_a_proof_that_was_given_to_another_process_counts_here(stage: SessionStage) -> None:
    elsewhere = stage.process().sessions
    _, claims = await stage.log_in()
    here = await active(stage, claims)
    there = await elsewhere.check(claims)
    assert isinstance(there, ActiveSession)
    stage.clock.advance(PROOF_LASTS)

    proved = await elsewhere.prove(there)

    assert proved
    assert await stage.sessions.is_proved(here)


async def test_a_session_that_has_ended_cannot_be_proved(stage: SessionStage) -> None:
    _, claims = await stage.log_in()
    session = await active(stage, claims)
    await stage.sessions.log_out(claims)
    stage.clock.advance(PROOF_LASTS)

    assert not await stage.sessions.prove(session)
    assert not await stage.sessions.is_proved(session)
