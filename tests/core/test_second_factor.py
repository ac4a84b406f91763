"""Setting up a second factor, logging in with it and proving by it, in memory."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.core.factor_stage import LAPTOP, LARGE, PASSWORD, STEP, FactorStage
from wallet_core.identity.entities import User, UserStatus
from wallet_core.identity.factor_setup import SetupRefusal
from wallet_core.identity.login import LoggedIn, LoginOutcome, LoginRefusal
from wallet_core.identity.ports import SecondFactorRequired, TooManyAttempts, UnlimitedAttempts
from wallet_core.identity.proofs import ProofRefusal
from wallet_core.identity.second_factor import Enrolment, FactorState
from wallet_core.identity.throttling import Act, Backoff, CountedAttempts, DeviceProofs, Digests, Rate
from wallet_core.ids import UserId
from wallet_core.testing.builders import new_id
from wallet_core.testing.throttling import InMemoryClientLimits, InMemoryFailureCounters

WRONG = "000000"


@pytest.fixture
def stage() -> FactorStage:
    return FactorStage()


async def log_in(stage: FactorStage, user: User, code: str | None = None, password: str = PASSWORD) -> LoginOutcome:
    return await stage.log_ins.with_password(password=password, email=user.email, phone=None, code=code, device=LAPTOP)


async def challenged(stage: FactorStage, user: User) -> str:
    outcome = await log_in(stage, user)
    assert isinstance(outcome, SecondFactorRequired)
    return outcome.challenge


async def answer(stage: FactorStage, challenge: str, code: str) -> LoginOutcome:
    return await stage.log_ins.with_code(challenge=challenge, code=code, device=LAPTOP)


async def test_what_is_set_up_is_asked_for_once_a_code_has_shown_that_the_app_has_it(stage: FactorStage) -> None:
    user = await stage.person()
    active = await stage.session(user)

    begun = await stage.setup.begin(user.id)
    before = await log_in(stage, user)
    assert isinstance(begun, Enrolment)
    wrong = await stage.setup.turn_on(active, WRONG)
    right = await stage.setup.turn_on(active, stage.shown(begun))
    after = await log_in(stage, user)

    assert isinstance(before, LoggedIn)
    assert (wrong, right) == (SetupRefusal.WRONG_CODE, None)
    assert isinstance(after, SecondFactorRequired)
    assert begun.secret in begun.uri
    assert len(set(begun.recovery_codes)) == 10
    assert await stage.subjects() == ["Your second factor for Wallet is on"]


async def test_what_was_set_up_anew_replaces_what_was_not_turned_on(stage: FactorStage) -> None:
    user = await stage.person()
    active = await stage.session(user)
    first, second = [await stage.setup.begin(user.id) for _ in range(2)]
    assert isinstance(first, Enrolment)
    assert isinstance(second, Enrolment)

    by_the_first = await stage.setup.turn_on(active, stage.shown(first))
    by_the_second = await stage.setup.turn_on(active, stage.shown(second))

    assert (by_the_first, by_the_second) == (SetupRefusal.WRONG_CODE, None)


async def test_what_is_on_is_neither_set_up_nor_turned_on_again(stage: FactorStage) -> None:
    user, active, enrolment = await stage.enrolled()

    assert await stage.setup.begin(user.id) is SetupRefusal.IS_ON
    assert await stage.setup.turn_on(active, stage.shown(enrolment)) is SetupRefusal.IS_ON


async def test_what_was_never_set_up_is_not_turned_on_or_off(stage: FactorStage) -> None:
    user = await stage.person()
    active = await stage.session(user)

    assert await stage.setup.turn_on(active, WRONG) is SetupRefusal.IS_OFF
    assert await stage.setup.turn_off(active, password=PASSWORD, code=WRONG, device=LAPTOP) is SetupRefusal.IS_OFF
    assert await stage.setup.begin(UserId(new_id())) is None


async def test_the_state_says_whether_it_is_on_and_how_many_recovery_codes_are_left(stage: FactorStage) -> None:
    user = await stage.person()
    active = await stage.session(user)
    never = await stage.setup.state(user.id)
    await stage.setup.begin(user.id)
    begun = await stage.setup.state(user.id)
    enrolment = await stage.enrol(active)
    turned_on = await stage.setup.state(user.id)
    await log_in(stage, user, enrolment.recovery_codes[0])

    used = await stage.setup.state(user.id)

    assert never == begun == FactorState(enabled=False, recovery_codes_left=0)
    assert turned_on == FactorState(enabled=True, recovery_codes_left=10)
    assert used == FactorState(enabled=True, recovery_codes_left=9)


async def test_password_and_code_together_let_in_at_once(stage: FactorStage) -> None:
    user, _, enrolment = await stage.enrolled()
    code = stage.shown(enrolment)

    outcomes = [
        await log_in(stage, user, WRONG),
        await log_in(stage, user, code, password="wrong horse battery"),
        await log_in(stage, user, f"{code[:3]} {code[3:]}"),
    ]

    assert outcomes[:2] == [LoginRefusal.INVALID_CREDENTIALS] * 2
    assert isinstance(outcomes[2], LoggedIn)


async def test_a_challenge_is_answered_once(stage: FactorStage) -> None:
    user, _, enrolment = await stage.enrolled()
    challenge = await challenged(stage, user)

    first = await answer(stage, challenge, stage.shown(enrolment))
    stage.clock.advance(STEP)
    second = await answer(stage, challenge, stage.shown(enrolment))

    assert isinstance(first, LoggedIn)
    assert second is LoginRefusal.CHALLENGE_OVER


async def test_a_code_is_accepted_once_whatever_it_is_given_for(stage: FactorStage) -> None:
    """Row 21."""
    user, active, enrolment = await stage.enrolled()
    code = stage.shown(enrolment)
    challenges = await challenged(stage, user)

    first = await log_in(stage, user, code)
    others = [
        await log_in(stage, user, code),
        await answer(stage, challenges, code),
        await stage.proofs.renew(active, password=None, code=code, device=LAPTOP),
        await stage.setup.turn_off(active, password=PASSWORD, code=code, device=LAPTOP),
    ]

    assert isinstance(first, LoggedIn)
    assert others == [
        LoginRefusal.INVALID_CREDENTIALS,
        LoginRefusal.INVALID_CREDENTIALS,
        ProofRefusal.WRONG,
        ProofRefusal.WRONG,
    ]


async def test_the_code_that_turned_it_on_lets_nobody_in(stage: FactorStage) -> None:
    user = await stage.person()
    active = await stage.session(user)
    begun = await stage.setup.begin(user.id)
    assert isinstance(begun, Enrolment)
    code = stage.shown(begun)
    await stage.setup.turn_on(active, code)

    assert await log_in(stage, user, code) is LoginRefusal.INVALID_CREDENTIALS


async def test_a_challenge_ends_after_five_wrong_codes_after_five_minutes_and_with_a_newer_one(
    stage: FactorStage,
) -> None:
    """Row 23."""
    user, _, enrolment = await stage.enrolled()
    guessed, late, older = [await challenged(stage, user) for _ in range(3)]
    newest = await challenged(stage, user)
    wrong = [await answer(stage, newest, WRONG) for _ in range(5)]
    after = await answer(stage, newest, stage.shown(enrolment))
    late = await challenged(stage, user)
    stage.clock.advance(timedelta(minutes=5))

    too_late = await answer(stage, late, stage.shown(enrolment))

    assert wrong == [LoginRefusal.INVALID_CREDENTIALS] * 5
    assert after is LoginRefusal.CHALLENGE_OVER
    assert too_late is LoginRefusal.CHALLENGE_OVER
    for each in (guessed, older, "never one", ""):
        assert await answer(stage, each, stage.shown(enrolment)) is LoginRefusal.CHALLENGE_OVER


async def test_wrong_codes_count_on_over_new_challenges() -> None:
    """Row 23."""
    stage = FactorStage(attempts_max=5)
    user, _, enrolment = await stage.enrolled()
    for _ in range(5):
        await answer(stage, await challenged(stage, user), WRONG)

    sixth = await answer(stage, await challenged(stage, user), stage.shown(enrolment))

    assert sixth == TooManyAttempts(7)
    assert set(stage.attempts.taken) == {(str(user.id),)}


@pytest.mark.parametrize("first_is_known", [True, False])
async def test_two_steps_of_one_log_in_leave_a_client_as_many_failures_as_there_were(
    stage: FactorStage, first_is_known: bool
) -> None:
    user, _, enrolment = await stage.enrolled()
    digests = Digests(b"a secret of the test")
    proofs = DeviceProofs(digests, ids=new_id)
    attempts = CountedAttempts(
        Act.LOG_IN,
        failures=InMemoryFailureCounters(stage.clock, Backoff()),
        clients=InMemoryClientLimits(stage.clock, {Act.LOG_IN: Rate(most=3, seconds=900)}),
        digests=digests,
        proofs=proofs,
    )
    stage.log_ins = stage.log_ins_counted_by(attempts)
    assert user.email is not None
    known = replace(LAPTOP, proof=proofs.issue([user.email]))
    first, second = (known, LAPTOP) if first_is_known else (LAPTOP, known)
    for number in range(2):
        await attempts.take([f"person-{number}@example.com"], LAPTOP)

    asked = await stage.log_ins.with_password(password=PASSWORD, email=user.email, phone=None, device=first)
    assert isinstance(asked, SecondFactorRequired)
    code = stage.shown(enrolment)
    let_in = await stage.log_ins.with_code(challenge=asked.challenge, code=code, device=second)
    left = [await attempts.take([f"somebody-{number}@example.com"], LAPTOP) for number in range(2)]

    assert isinstance(let_in, LoggedIn)
    assert left[0] is None
    assert left[1] is not None


async def test_of_many_codes_at_once_a_challenge_looks_at_five(stage: FactorStage) -> None:
    user, _, _ = await stage.enrolled()
    challenge = await challenged(stage, user)

    outcomes = await asyncio.gather(*(answer(stage, challenge, WRONG) for _ in range(20)))

    assert outcomes.count(LoginRefusal.INVALID_CREDENTIALS) == 5
    assert outcomes.count(LoginRefusal.CHALLENGE_OVER) == 15


async def test_a_password_that_changes_between_the_two_steps_lets_nobody_in(stage: FactorStage) -> None:
    user, _, enrolment = await stage.enrolled()
    before = await stage.sessions.of(user.id)
    challenge = await challenged(stage, user)
    hashed = await stage.books.users.password_hash(user.id)
    assert hashed is not None
    # As between the change and the end of the challenges that came before it.
    await stage.books.users.replace_password_hash(user.id, "another hash", instead_of=hashed)

    outcome = await answer(stage, challenge, stage.shown(enrolment))

    assert outcome is LoginRefusal.CHALLENGE_OVER
    assert await stage.sessions.of(user.id) == before


@pytest.mark.parametrize("change", [{"second_factor": False}, {"status": UserStatus.DEACTIVATED}])
async def test_who_changes_between_the_answer_and_the_session_is_not_let_in(
    stage: FactorStage, change: dict[str, Any]
) -> None:
    user, _, enrolment = await stage.enrolled()
    challenge = await challenged(stage, user)
    before = len(await stage.sessions.of(user.id))

    class ChangedAfterwards(UnlimitedAttempts):
        def knows(self, addresses, device):
            stage.books.sessions.change_person(user.id, **change)
            return True

    stage.log_ins = stage.log_ins_counted_by(ChangedAfterwards())
    outcome = await answer(stage, challenge, stage.shown(enrolment))

    is_deactivated = "status" in change
    assert outcome is (LoginRefusal.DEACTIVATED if is_deactivated else LoginRefusal.CHALLENGE_OVER)
    assert len(await stage.sessions.of(user.id)) == (0 if is_deactivated else before)


async def test_a_code_that_has_to_wait_is_no_try_at_the_challenge() -> None:
    stage = FactorStage(attempts_max=1)
    user, _, enrolment = await stage.enrolled()
    challenge = await challenged(stage, user)

    outcomes = [await answer(stage, challenge, WRONG) for _ in range(7)]
    stage.attempts.taken.clear()
    after_the_wait = await answer(stage, challenge, stage.shown(enrolment))

    assert outcomes == [LoginRefusal.INVALID_CREDENTIALS] + [TooManyAttempts(7)] * 6
    assert isinstance(after_the_wait, LoggedIn)


async def test_a_challenge_of_somebody_who_turned_codes_off_is_over(stage: FactorStage) -> None:
    user, active, enrolment = await stage.enrolled()
    challenge = await challenged(stage, user)
    await stage.setup.turn_off(active, password=PASSWORD, code=stage.shown(enrolment), device=LAPTOP)

    assert await answer(stage, challenge, stage.shown(enrolment, 1)) is LoginRefusal.CHALLENGE_OVER


async def test_each_recovery_code_lets_in_once_and_its_owner_is_told(stage: FactorStage) -> None:
    """Row 26."""
    user, _, enrolment = await stage.enrolled()
    await stage.tell()
    stage.notifier.sent.clear()

    first = [await log_in(stage, user, code.lower()) for code in enrolment.recovery_codes]
    second = [await log_in(stage, user, code) for code in enrolment.recovery_codes]

    assert all(isinstance(outcome, LoggedIn) for outcome in first)
    assert second == [LoginRefusal.INVALID_CREDENTIALS] * 10
    await stage.tell()
    assert len(stage.notifier.to(user.email or "")) == 10
    assert "You have 9 left" in getattr(stage.notifier.sent[0], "body", "")
    assert "You have 0 left" in getattr(stage.notifier.sent[9], "body", "")


async def test_turning_it_off_takes_the_password_and_a_code_and_forgets_the_secret(stage: FactorStage) -> None:
    user, active, enrolment = await stage.enrolled()
    code = stage.shown(enrolment)
    await stage.tell()
    stage.notifier.sent.clear()

    refused = [
        await stage.setup.turn_off(active, password="wrong horse battery", code=code, device=LAPTOP),
        await stage.setup.turn_off(active, password=PASSWORD, code=WRONG, device=LAPTOP),
    ]
    told_before = await stage.subjects()
    done = await stage.setup.turn_off(active, password=PASSWORD, code=code, device=LAPTOP)

    assert refused == [ProofRefusal.WRONG] * 2
    assert told_before == []
    assert done is None
    assert await stage.subjects() == ["Your second factor for Wallet is off"]
    assert await stage.books.second_factors.of(user.id) is None
    assert isinstance(await log_in(stage, user), LoggedIn)


async def test_whoever_lost_the_app_turns_it_off_by_a_recovery_code(stage: FactorStage) -> None:
    _, active, enrolment = await stage.enrolled()

    assert (
        await stage.setup.turn_off(active, password=PASSWORD, code=enrolment.recovery_codes[3], device=LAPTOP) is None
    )


async def test_turning_it_on_proves_this_session_and_no_other(stage: FactorStage) -> None:
    user = await stage.person()
    here, elsewhere = await stage.session(user), await stage.session(user)
    stage.pass_seconds(20)

    await stage.enrol(here)

    assert await stage.sessions.is_proved(await stage.anew(here))
    assert not await stage.sessions.is_proved(await stage.anew(elsewhere))


async def test_a_proof_takes_the_password_where_no_codes_are_asked_for(stage: FactorStage) -> None:
    active = await stage.session(await stage.person())

    proved = [
        await stage.proofs.renew(active, password=password, code=code, device=LAPTOP)
        for password, code in ((None, None), (None, WRONG), ("wrong horse battery", None), (PASSWORD, None))
    ]

    assert proved == [ProofRefusal.PASSWORD_MISSING, ProofRefusal.PASSWORD_MISSING, ProofRefusal.WRONG, None]


async def test_a_proof_takes_a_code_where_codes_are_asked_for(stage: FactorStage) -> None:
    _, active, enrolment = await stage.enrolled()
    code = stage.shown(enrolment)

    proved = [
        await stage.proofs.renew(active, password=password, code=given, device=LAPTOP)
        for password, given in (
            (None, None),
            (PASSWORD, None),
            (PASSWORD, WRONG),
            ("wrong horse battery", code),
            (None, code),
        )
    ]

    assert proved == [
        ProofRefusal.CODE_MISSING,
        ProofRefusal.CODE_MISSING,
        ProofRefusal.WRONG,
        ProofRefusal.WRONG,
        None,
    ]


async def test_proofs_that_are_wrong_are_counted_and_the_next_has_to_wait() -> None:
    stage = FactorStage(attempts_max=3)
    _, active, enrolment = await stage.enrolled()
    for _ in range(3):
        await stage.proofs.renew(active, password=None, code=WRONG, device=LAPTOP)

    right = await stage.proofs.renew(active, password=None, code=stage.shown(enrolment), device=LAPTOP)

    assert right == TooManyAttempts(7)


async def test_a_session_that_has_ended_is_not_proved_any_more(stage: FactorStage) -> None:
    user, active, enrolment = await stage.enrolled()
    await stage.sessions.log_out_everywhere(user.id)

    refused = await stage.proofs.renew(active, password=None, code=stage.shown(enrolment), device=LAPTOP)

    assert refused is ProofRefusal.SESSION_OVER


async def test_much_money_moves_only_within_five_minutes_of_a_code(stage: FactorStage) -> None:
    """Row 28."""
    _, active, enrolment = await stage.enrolled()
    moves = [await stage.large_amounts.may_move(active, "USD", LARGE + 1)]
    stage.pass_seconds(5 * 60)
    moves.append(await stage.large_amounts.may_move(active, "USD", LARGE + 1))
    little = await stage.large_amounts.may_move(active, "USD", LARGE)
    await stage.proofs.renew(active, password=None, code=stage.shown(enrolment), device=LAPTOP)

    moves.append(await stage.large_amounts.may_move(active, "USD", LARGE + 1))

    assert moves == [True, False, True]
    assert little


async def test_who_has_no_second_factor_moves_what_they_will(stage: FactorStage) -> None:
    active = await stage.session(await stage.person())
    stage.pass_seconds(3_600)

    assert await stage.large_amounts.may_move(active, "USD", LARGE * 1_000)


async def test_who_turned_codes_off_a_moment_ago_is_not_asked_for_one(stage: FactorStage) -> None:
    _, as_it_was, enrolment = await stage.enrolled()
    stage.pass_seconds(600)
    code = stage.shown(enrolment)
    await stage.setup.turn_off(as_it_was, password=PASSWORD, code=code, device=LAPTOP)

    assert as_it_was.second_factor
    assert await stage.large_amounts.may_move(as_it_was, "USD", LARGE + 1)


def test_what_must_not_show_does_not(stage: FactorStage) -> None:
    enrolment = Enrolment(secret="JBSWY3DPEHPK3PXP", uri="otpauth://totp/JBSWY3DPEHPK3PXP", recovery_codes=("JBSWY",))

    assert "JBSWY" not in repr(enrolment)
