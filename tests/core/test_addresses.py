"""Showing that an address is one's own, in memory."""

import pytest

from tests.core.account_stage import EMAIL, PASSWORD, PHONE, AccountStage, code_in
from tests.core.session_stage import LAPTOP
from wallet_core.identity.addresses import AddressRefusal, Channel
from wallet_core.identity.entities import Device, User
from wallet_core.identity.ports import Taken, TooManyAttempts
from wallet_core.notifications.messages import Mail, Sms

INVALID = AddressRefusal.INVALID_CODE
OTHER_EMAIL = "alicia@example.org"


@pytest.fixture
def stage() -> AccountStage:
    return AccountStage()


async def _signed_up(stage: AccountStage, email: str | None = EMAIL, phone: str | None = None) -> User:
    user = await stage.people.sign_up(name="Alice", password=PASSWORD, email=email, phone=phone, device=LAPTOP)
    assert isinstance(user, User)
    return user


async def _code(stage: AccountStage, address: str = EMAIL) -> str:
    *_, last = await stage.sent(address)
    return code_in(last)


async def test_somebody_new_gets_a_code_at_each_address_and_verifies_each_by_its_own(stage: AccountStage) -> None:
    user = await _signed_up(stage, EMAIL, PHONE)
    [mail], [sms] = await stage.sent(EMAIL), await stage.sent(PHONE)

    crossed = await stage.addresses.verify(user.id, Channel.PHONE, code_in(mail), LAPTOP)
    by_email = await stage.addresses.verify(user.id, Channel.EMAIL, code_in(mail), LAPTOP)
    by_phone = await stage.addresses.verify(user.id, Channel.PHONE, code_in(sms), LAPTOP)

    assert (type(mail), type(sms)) == (Mail, Sms)
    assert crossed is INVALID
    assert isinstance(by_email, User)
    assert isinstance(by_phone, User)
    assert (by_email.email_verified_at, by_email.phone_verified_at) == (stage.clock(), None)
    assert by_phone == await stage.user(user)
    assert by_phone.phone_verified_at == stage.clock()


async def test_signing_up_does_not_wait_for_the_codes(stage: AccountStage) -> None:
    await _signed_up(stage)

    assert stage.notifier.sent == []
    assert len(stage.jobs.jobs) == 1


async def test_a_code_is_good_once_for_a_quarter_of_an_hour_and_until_the_next_one(stage: AccountStage) -> None:
    user = await _signed_up(stage, EMAIL, PHONE)
    early = await _code(stage)
    stage.pass_time(minutes=15)
    late = await stage.addresses.verify(user.id, Channel.EMAIL, early, LAPTOP)
    await stage.addresses.send_again(user.id, Channel.EMAIL, LAPTOP)
    older = await _code(stage)
    await stage.addresses.send_again(user.id, Channel.EMAIL, LAPTOP)
    newer = await _code(stage)

    outdated = await stage.addresses.verify(user.id, Channel.EMAIL, older, LAPTOP)
    good = await stage.addresses.verify(user.id, Channel.EMAIL, newer, LAPTOP)
    again = await stage.addresses.verify(user.id, Channel.EMAIL, newer, LAPTOP)

    assert (late, outdated, again) == (INVALID, INVALID, INVALID)
    assert isinstance(good, User)


async def test_the_fifth_wrong_code_is_the_last_try(stage: AccountStage) -> None:
    user = await _signed_up(stage)
    code = await _code(stage)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    answers = [await stage.addresses.verify(user.id, Channel.EMAIL, wrong, LAPTOP) for _ in range(5)]
    held_up = await stage.addresses.verify(user.id, Channel.EMAIL, code, LAPTOP)
    stage.pass_time(seconds=2)
    dead = await stage.addresses.verify(user.id, Channel.EMAIL, code, LAPTOP)

    assert answers == [INVALID] * 5
    assert held_up == TooManyAttempts(1)
    assert dead is INVALID
    assert (await stage.user(user)).email_verified_at is None


async def test_a_code_of_another_person_proves_nothing(stage: AccountStage) -> None:
    alice, bob = await _signed_up(stage), await _signed_up(stage, "bob@example.org")

    answer = await stage.addresses.verify(bob.id, Channel.EMAIL, await _code(stage), LAPTOP)

    assert answer is INVALID
    assert (await stage.user(alice)).email_verified_at is None


async def test_what_is_verified_or_missing_gets_no_code(stage: AccountStage) -> None:
    user = await stage.alice()

    answers = [await stage.addresses.send_again(user.id, channel, LAPTOP) for channel in Channel]

    assert answers == [AddressRefusal.VERIFIED, AddressRefusal.NO_ADDRESS]
    assert await stage.sent() == []


async def test_an_address_gets_three_codes_an_hour_whoever_asks(stage: AccountStage) -> None:
    user = await _signed_up(stage)
    await stage.jobs.finish()

    answers = [
        await stage.addresses.send_again(user.id, Channel.EMAIL, Device(name=f"device {number}")) for number in range(3)
    ]

    assert answers[:2] == [None, None]
    assert isinstance(answers[2], TooManyAttempts)
    assert len(await stage.sent()) == 3


async def test_another_address_is_not_verified_gets_a_code_and_the_former_is_told(stage: AccountStage) -> None:
    user = await stage.alice(phone=PHONE)

    changed = await stage.people.change(user.id, email=OTHER_EMAIL, device=LAPTOP)
    [told], [mail] = await stage.sent(EMAIL), await stage.sent(OTHER_EMAIL)
    verified = await stage.addresses.verify(user.id, Channel.EMAIL, code_in(mail), LAPTOP)

    assert isinstance(changed, User)
    assert (changed.email, changed.email_verified_at) == (OTHER_EMAIL, None)
    assert "email address" in told.body
    assert OTHER_EMAIL not in told.body
    assert isinstance(verified, User)
    assert verified.email_verified_at == stage.clock()
    assert await stage.sent(PHONE) == []


async def test_row_80_whoever_claims_addresses_of_others_fills_no_inbox_by_leaving_them_again(
    stage: AccountStage,
) -> None:
    user = await stage.alice()

    for _ in range(10):
        for email in (OTHER_EMAIL, "mallory@example.org"):
            await stage.people.change(user.id, email=email, phone=PHONE)
        await stage.people.change(user.id, phone="+41446681801")

    assert len(await stage.sent(OTHER_EMAIL)) == len(await stage.sent(PHONE)) == 3


async def test_another_case_of_letters_is_the_same_address_and_tells_nobody(stage: AccountStage) -> None:
    user = await stage.alice()

    await stage.people.change(user.id, email=EMAIL.upper(), device=LAPTOP)

    assert await stage.sent(EMAIL) == await stage.sent(EMAIL.upper()) == []


async def test_row_15_who_has_not_verified_an_address_is_told_there_that_it_is_taken(stage: AccountStage) -> None:
    await stage.alice(verified=False)

    await stage.people.sign_up(name="Eve", password=PASSWORD, email=EMAIL, phone=None, device=LAPTOP)

    assert len(await stage.sent()) == 1


async def test_a_code_that_was_sent_to_the_former_address_proves_nothing(stage: AccountStage) -> None:
    user = await _signed_up(stage)
    code = await _code(stage)

    await stage.books.users.change(user.id, email=OTHER_EMAIL)

    assert await stage.addresses.verify(user.id, Channel.EMAIL, code, LAPTOP) is INVALID
    assert (await stage.user(user)).email_verified_at is None


async def test_a_link_that_was_sent_to_the_former_address_leads_nowhere(stage: AccountStage) -> None:
    user = await stage.alice()
    token = await stage.link_token()

    await stage.people.change(user.id, email=OTHER_EMAIL, device=LAPTOP)
    await stage.jobs.finish()

    assert await stage.recovery.reset(token, "plum lantern harbour", LAPTOP) is not None


async def test_what_is_no_change_of_an_address_sends_nothing(stage: AccountStage) -> None:
    user = await stage.alice()

    await stage.people.change(user.id, name="Alicia", email=EMAIL, time_zone="Europe/Rome", device=LAPTOP)

    assert stage.jobs.jobs == []
    assert (await stage.user(user)).email_verified_at is not None


async def test_row_15_whose_address_others_sign_up_with_is_told_once_an_hour(stage: AccountStage) -> None:
    await stage.alice(phone=PHONE)

    async def try_to_take(email: str, phone: str | None = None) -> object:
        return await stage.people.sign_up(name="Eve", password=PASSWORD, email=email, phone=phone, device=LAPTOP)

    answers = [await try_to_take(EMAIL), await try_to_take(EMAIL), await try_to_take("eve@example.org", PHONE)]
    told = len(await stage.sent())
    stage.pass_time(minutes=61)
    await try_to_take(EMAIL)

    assert answers == [Taken.EMAIL, Taken.EMAIL, Taken.PHONE]
    assert (told, len(await stage.sent())) == (1, 2)
    assert await stage.sent("eve@example.org") == []


async def test_row_15_trying_whose_addresses_there_are_by_claiming_them_is_counted_and_told(
    stage: AccountStage,
) -> None:
    await stage.alice()
    eve = await stage.alice(email="eve@example.org")

    answers = [await stage.people.change(eve.id, email=EMAIL, device=LAPTOP) for _ in range(11)]
    free = await stage.people.change(eve.id, email=OTHER_EMAIL, device=LAPTOP)
    same = await stage.people.change(eve.id, email="eve@example.org", name="Eve", device=LAPTOP)

    assert answers[:10] == [Taken.EMAIL] * 10
    assert isinstance(answers[10], TooManyAttempts)
    assert isinstance(free, TooManyAttempts)
    assert isinstance(same, User)
    assert len(await stage.sent()) == 1


async def test_whom_the_operator_vouches_for_is_verified_at_once(stage: AccountStage) -> None:
    user = await stage.people.sign_up(name="Root", password=PASSWORD, email=EMAIL, phone=None, verified=True)

    assert isinstance(user, User)
    assert user.email_verified_at == stage.clock()
    assert stage.jobs.jobs == []
