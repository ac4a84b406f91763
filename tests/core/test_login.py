"""Logging in, in memory."""

import pytest

from wallet_core.identity.entities import Device, UserStatus
from wallet_core.identity.login import LoggedIn, LogIn, LoginRefusal
from wallet_core.identity.ports import NoSecondFactors, UnlimitedAttempts
from wallet_core.identity.sessions import Sessions
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.security import InMemoryAccessTokens, InMemoryPasswordHasher

PASSWORD = "correct horse battery"
LAPTOP = Device(name="laptop")


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
def log_in(books: InMemoryBooks, hasher: InMemoryPasswordHasher, tokens: InMemoryAccessTokens) -> LogIn:
    return LogIn(books.users, hasher, Sessions(tokens, ids=new_id), NoSecondFactors(), UnlimitedAttempts())


async def test_whoever_knows_the_password_is_let_in(
    log_in: LogIn, books: InMemoryBooks, hasher: InMemoryPasswordHasher, tokens: InMemoryAccessTokens
) -> None:
    alice = a_user(email="alice@example.org")
    await books.users.add(alice, await hasher.hash(PASSWORD))

    outcome = await log_in.with_password(password=PASSWORD, email="Alice@Example.org", phone=None, device=LAPTOP)

    assert isinstance(outcome, LoggedIn)
    claims = tokens.check(outcome.access.token)
    assert claims is not None
    assert (claims.user_id, claims.role) == (alice.id, alice.role)


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(
    log_in: LogIn, books: InMemoryBooks, hasher: InMemoryPasswordHasher
) -> None:
    await books.users.add(a_user(email="alice@example.org"), await hasher.hash(PASSWORD))

    wrong = await log_in.with_password(
        password="wrong horse battery", email="alice@example.org", phone=None, device=LAPTOP
    )
    unknown = await log_in.with_password(password=PASSWORD, email="bob@example.org", phone=None, device=LAPTOP)
    short = await log_in.with_password(password="x", email="alice@example.org", phone=None, device=LAPTOP)

    assert {wrong, unknown, short} == {LoginRefusal.INVALID_CREDENTIALS}


async def test_whoever_was_deactivated_is_told_so_only_with_the_right_password(
    log_in: LogIn, books: InMemoryBooks, hasher: InMemoryPasswordHasher
) -> None:
    await books.users.add(a_user(email="alice@example.org", status=UserStatus.DEACTIVATED), await hasher.hash(PASSWORD))

    right = await log_in.with_password(password=PASSWORD, email="alice@example.org", phone=None, device=LAPTOP)
    wrong = await log_in.with_password(
        password="wrong horse battery", email="alice@example.org", phone=None, device=LAPTOP
    )

    assert (right, wrong) == (LoginRefusal.DEACTIVATED, LoginRefusal.INVALID_CREDENTIALS)
