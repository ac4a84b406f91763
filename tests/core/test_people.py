"""Signing up and changing oneself, in memory."""

import pytest

from tests.core.account_stage import PASSWORD, AccountStage
from tests.core.session_stage import LAPTOP
from wallet_core.identity.entities import User, WeakPasswordError
from wallet_core.identity.people import People
from wallet_core.identity.ports import Taken, TooManyAttempts
from wallet_core.testing.builders import a_user
from wallet_core.testing.clock import NOON


@pytest.fixture
def people() -> People:
    return AccountStage().people


async def _alice(people: People) -> User:
    alice = await people.sign_up(name="Alice", password=PASSWORD, email="alice@example.org", phone=None)
    assert isinstance(alice, User)
    return alice


async def test_a_person_who_signed_up_is_found(people: People) -> None:
    alice = await _alice(people)

    assert await people.find(alice.id) == alice
    assert alice.created_at == NOON


async def test_an_address_is_taken_once(people: People) -> None:
    await _alice(people)

    again = await people.sign_up(name="Alice", password=PASSWORD, email="ALICE@example.org", phone=None)

    assert again is Taken.EMAIL


@pytest.mark.parametrize("password", ["short", "x" * 257, "with a \0 in it", "with a \ud800 in it"])
async def test_a_weak_password_signs_nobody_up(people: People, password: str) -> None:
    with pytest.raises(WeakPasswordError):
        await people.sign_up(name="Alice", password=password, email="alice@example.org", phone=None)


async def test_what_is_not_given_does_not_change(people: People) -> None:
    alice = await _alice(people)

    changed = await people.change(alice.id, phone="+41446681800")

    assert isinstance(changed, User)
    assert (changed.name, changed.phone, changed.time_zone) == ("Alice", "+41446681800", "UTC")
    assert await people.find(alice.id) == changed


async def test_nobody_changes_who_is_not_there(people: People) -> None:
    assert await people.change(a_user().id, name="Bob") is None


async def test_who_signs_up_too_often_from_one_place_waits(people: People) -> None:
    asked = [
        await people.sign_up(name="Alice", password=PASSWORD, email=f"n{number}@example.org", phone=None, device=LAPTOP)
        for number in range(11)
    ]

    assert [type(answer) for answer in asked[:10]] == [User] * 10
    assert isinstance(asked[10], TooManyAttempts)
