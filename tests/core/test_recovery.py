"""Getting back in by a link, in memory."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from tests.core.account_stage import EMAIL, PASSWORD, PHONE, PUBLIC_URL, AccountStage, token_in
from tests.core.session_stage import LAPTOP
from wallet_core.faults import Overloaded
from wallet_core.identity.challenges import Purpose
from wallet_core.identity.entities import UserStatus, WeakPasswordError
from wallet_core.identity.ports import TooManyAttempts
from wallet_core.identity.recovery import ResetRefusal
from wallet_core.testing.builders import a_user

NEXT = "plum lantern harbour"
INVALID = ResetRefusal.INVALID_TOKEN


@pytest.fixture
def stage() -> AccountStage:
    return AccountStage()


async def test_row_29_a_link_gives_a_new_password_once(stage: AccountStage) -> None:
    user = await stage.alice()
    token = await stage.link_token()

    first = await stage.recovery.reset(token, NEXT, LAPTOP)
    again = await stage.recovery.reset(token, PASSWORD, LAPTOP)

    assert (first, again) == (None, INVALID)
    assert (await stage.knows(user, NEXT), await stage.knows(user, PASSWORD)) == (True, False)


async def test_row_29_of_two_at_once_one_counts(stage: AccountStage) -> None:
    user = await stage.alice()
    token = await stage.link_token()
    wanted = [f"plum lantern harbour {number}" for number in range(5)]

    answers = await asyncio.gather(*(stage.recovery.reset(token, password, LAPTOP) for password in wanted))

    assert sorted(answers, key=str) == [None, *[INVALID] * 4]
    assert await stage.knows(user, wanted[answers.index(None)])


async def test_row_29_a_link_ends_after_half_an_hour_and_by_a_newer_one(stage: AccountStage) -> None:
    await stage.alice()
    early = await stage.link_token()
    stage.pass_time(minutes=31)
    late = await stage.recovery.reset(early, NEXT, LAPTOP)
    older, newer = await stage.link_token(), await stage.link_token()

    outdated = await stage.recovery.reset(older, NEXT, LAPTOP)
    good = await stage.recovery.reset(newer, NEXT, LAPTOP)

    assert (late, outdated, good) == (INVALID, INVALID, None)


async def test_row_29_a_link_of_one_person_says_nothing_of_another(stage: AccountStage) -> None:
    alice, bob = await stage.alice(), await stage.alice(email="bob@example.org")
    token = await stage.link_token("bob@example.org")

    await stage.recovery.reset(token, NEXT, LAPTOP)

    assert (await stage.knows(alice, PASSWORD), await stage.knows(bob, NEXT)) == (True, True)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800", "\N{SNOWMAN}" * 43])
async def test_what_is_no_token_resets_nothing(stage: AccountStage, token: str) -> None:
    await stage.alice()
    await stage.link_token()

    assert await stage.recovery.reset(token, NEXT, LAPTOP) is INVALID


async def test_row_30_of_a_token_of_256_bits_nothing_but_its_hash_is_kept(stage: AccountStage) -> None:
    await stage.alice()
    token = await stage.link_token()

    digest = hashlib.sha256(token.encode()).digest()
    kept = await stage.books.challenges.find(Purpose.PASSWORD_RESET, digest, stage.clock())

    assert len(token) == 43
    assert kept is not None
    assert token not in repr(kept)


async def test_row_30_the_token_stands_in_the_fragment_of_the_configured_address(stage: AccountStage) -> None:
    await stage.alice()
    await stage.link_token()

    [message] = await stage.sent()

    assert f"{PUBLIC_URL}/reset-password#token={token_in(message)}" in message.body.split()


async def test_row_32_a_reset_ends_every_session_and_is_told(stage: AccountStage) -> None:
    user = await stage.alice()
    claims = [(await stage.log_in(user))[1] for _ in range(2)]
    token = await stage.link_token()
    await stage.watched()

    await stage.recovery.reset(token, NEXT, LAPTOP)

    assert await stage.sessions.of(user.id) == []
    assert [await stage.sessions.check(each) for each in claims] == ["session_ended"] * 2
    assert "changed" in (await stage.sent())[-1].body


async def test_row_32_a_person_gets_three_mails_an_hour_and_is_locked_out_by_none(stage: AccountStage) -> None:
    user = await stage.alice()

    for _ in range(9):
        assert await stage.recovery.forgot(email=EMAIL.upper(), phone=None, device=LAPTOP) is None
    mails = await stage.sent()
    stage.pass_time(minutes=61)
    await stage.recovery.forgot(email=EMAIL, phone=None, device=LAPTOP)

    assert len(mails) == 3
    assert len(await stage.sent()) == 4
    assert await stage.knows(user, PASSWORD)


async def test_row_15_an_address_of_nobody_is_answered_alike_and_looked_up_after_the_answer(
    stage: AccountStage,
) -> None:
    await stage.alice()

    known = await stage.recovery.forgot(email=EMAIL, phone=None, device=LAPTOP)
    unknown = await stage.recovery.forgot(email="nobody@example.org", phone=None, device=LAPTOP)

    assert known is unknown is None
    assert stage.notifier.sent == []
    assert len(stage.jobs.jobs) == 2
    assert await stage.sent("nobody@example.org") == []
    assert len(await stage.sent()) == 1


async def test_a_mail_goes_to_the_address_as_it_is_kept(stage: AccountStage) -> None:
    await stage.alice(email="Alice@Example.org")

    await stage.recovery.forgot(email="aLICE@example.ORG", phone=None, device=LAPTOP)

    assert len(await stage.sent("Alice@Example.org")) == 1


async def test_a_link_may_go_by_text_message(stage: AccountStage) -> None:
    user = await stage.alice(email=None, phone=PHONE)

    token = await stage.link_token(PHONE)

    assert await stage.recovery.reset(token, NEXT, LAPTOP) is None
    assert await stage.knows(user, NEXT)


async def test_an_address_that_nobody_showed_to_be_theirs_opens_no_account_that_has_a_better_one(
    stage: AccountStage,
) -> None:
    user = replace(a_user(email=EMAIL, phone=PHONE), email_verified_at=None)
    await stage.books.users.add(user, await stage.hasher.hash(PASSWORD))
    lonely = await stage.alice(email="bob@example.org", verified=False)

    await stage.recovery.forgot(email=EMAIL, phone=None, device=LAPTOP)
    await stage.recovery.forgot(email=None, phone=PHONE, device=LAPTOP)
    token = await stage.link_token("bob@example.org")
    await stage.recovery.reset(token, NEXT, LAPTOP)

    assert (len(await stage.sent(EMAIL)), len(await stage.sent(PHONE))) == (0, 1)
    assert (await stage.user(lonely)).email_verified_at == stage.clock()


async def test_a_link_to_an_address_they_have_left_leads_nowhere_before_anything_is_tidied_up(
    stage: AccountStage,
) -> None:
    user = await stage.alice()
    token = await stage.link_token()
    stage.jobs.is_full = True

    await stage.people.change(user.id, email="alicia@example.org", device=LAPTOP)

    assert await stage.recovery.reset(token, NEXT, LAPTOP) is INVALID
    assert await stage.knows(user, PASSWORD)


async def test_whoever_is_deactivated_gets_no_link_and_no_new_password(stage: AccountStage) -> None:
    user = await stage.alice()
    token = await stage.link_token()
    await stage.books.change_person(user.id, status=UserStatus.DEACTIVATED)

    await stage.recovery.forgot(email=EMAIL, phone=None, device=LAPTOP)

    assert len(await stage.sent()) == 1
    assert await stage.recovery.reset(token, NEXT, LAPTOP) is INVALID


async def test_a_weak_password_does_not_use_up_the_link(stage: AccountStage) -> None:
    user = await stage.alice()
    token = await stage.link_token()

    for weak in ("short", "password123", "alice in wonderland"):
        with pytest.raises(WeakPasswordError):
            await stage.recovery.reset(token, weak, LAPTOP)

    assert await stage.recovery.reset(token, NEXT, LAPTOP) is None
    assert await stage.knows(user, NEXT)


async def test_who_asks_too_often_from_one_place_waits_whatever_is_asked_for(stage: AccountStage) -> None:
    asked = [await stage.recovery.forgot(email=f"n{n}@example.org", phone=None, device=LAPTOP) for n in range(101)]
    reset = await stage.recovery.reset("A" * 43, NEXT, LAPTOP)

    assert asked[:100] == [None] * 100
    assert isinstance(asked[100], TooManyAttempts)
    assert isinstance(reset, TooManyAttempts)


async def test_a_crowd_that_asks_is_turned_away_whomever_they_ask_for(stage: AccountStage) -> None:
    await stage.alice()
    stage.jobs.is_full = True

    for email in (EMAIL, "nobody@example.org"):
        with pytest.raises(Overloaded):
            await stage.recovery.forgot(email=email, phone=None, device=LAPTOP)
