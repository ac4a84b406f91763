"""Signing up, logging in and changing oneself, in memory."""

import pytest

from wallet_core.identity.entities import AccessToken, User, UserStatus, WeakPasswordError
from wallet_core.identity.people import LoginRefusal, People
from wallet_core.identity.ports import Taken
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.clock import NOON, SettableClock
from wallet_core.testing.security import InMemoryAccessTokens, InMemoryPasswordHasher

PASSWORD = "correct horse battery"


@pytest.fixture
def books() -> InMemoryBooks:
    return InMemoryBooks()


@pytest.fixture
def hasher() -> InMemoryPasswordHasher:
    return InMemoryPasswordHasher()


@pytest.fixture
def tokens() -> InMemoryAccessTokens:
    return InMemoryAccessTokens(clock=SettableClock())


@pytest.fixture
def people(books: InMemoryBooks, hasher: InMemoryPasswordHasher, tokens: InMemoryAccessTokens) -> People:
    return People(books.users, hasher, tokens, ids=new_id, clock=SettableClock())


async def _alice(people: People) -> User:
    alice = await people.sign_up(name="Alice", password=PASSWORD, email="alice@example.org", phone=None)
    assert isinstance(alice, User)
    return alice


async def test_a_person_who_signed_up_logs_in(people: People, tokens: InMemoryAccessTokens) -> None:
    alice = await _alice(people)

    token = await people.log_in(password=PASSWORD, email="Alice@Example.org", phone=None)

    assert isinstance(token, AccessToken)
    claims = tokens.check(token.token)
    assert claims is not None
    assert (claims.user_id, claims.role) == (alice.id, alice.role)
    assert await people.find(alice.id) == alice
    assert alice.created_at == NOON


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(people: People) -> None:
    await _alice(people)

    wrong = await people.log_in(password="wrong horse battery", email="alice@example.org", phone=None)
    unknown = await people.log_in(password=PASSWORD, email="bob@example.org", phone=None)
    short = await people.log_in(password="x", email="alice@example.org", phone=None)

    assert {wrong, unknown, short} == {LoginRefusal.INVALID_CREDENTIALS}


async def test_whoever_was_deactivated_is_told_so_only_with_the_right_password(
    people: People, books: InMemoryBooks, hasher: InMemoryPasswordHasher
) -> None:
    await books.users.add(a_user(email="alice@example.org", status=UserStatus.DEACTIVATED), await hasher.hash(PASSWORD))

    right = await people.log_in(password=PASSWORD, email="alice@example.org", phone=None)
    wrong = await people.log_in(password="wrong horse battery", email="alice@example.org", phone=None)

    assert (right, wrong) == (LoginRefusal.DEACTIVATED, LoginRefusal.INVALID_CREDENTIALS)


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

    changed = await people.change(alice.id, name=None, phone="+41446681800", time_zone=None)

    assert isinstance(changed, User)
    assert (changed.name, changed.phone, changed.time_zone) == ("Alice", "+41446681800", "UTC")
    assert await people.find(alice.id) == changed


async def test_nobody_changes_who_is_not_there(people: People) -> None:
    assert await people.change(a_user().id, name="Bob", phone=None, time_zone=None) is None
