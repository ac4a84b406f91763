"""Logging in, in memory."""

from dataclasses import replace

import pytest

from tests.core.session_stage import SessionStage
from wallet_core.faults import Overloaded
from wallet_core.identity.entities import Device, User, UserStatus
from wallet_core.identity.login import LoggedIn, LogIn, LoginRefusal
from wallet_core.identity.ports import NoSecondFactors, SecondFactorRequired, UnlimitedAttempts
from wallet_core.testing.builders import a_user
from wallet_core.testing.security import InMemoryPasswordHasher

PASSWORD = "correct horse battery"
LAPTOP = Device(name="laptop")


class CountingAttempts(UnlimitedAttempts):
    """Knows no device, and notes whose attempts were forgotten."""

    def __init__(self) -> None:
        self.taken_for: list[tuple[str, ...]] = []
        self.succeeded_for: list[tuple[str, ...]] = []

    async def take(self, addresses, device):
        self.taken_for.append(tuple(addresses))

    def knows(self, addresses, device):
        return device.proof is not None

    async def succeeded(self, addresses, device):
        self.succeeded_for.append(tuple(addresses))
        return None if device.proof else "a proof to keep"


class ChangingHasher(InMemoryPasswordHasher):
    """Something else happens while it verifies."""

    def __init__(self, meanwhile) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def verify(self, password, hashed):
        known = await super().verify(password, hashed)
        await self._meanwhile()
        return known


@pytest.fixture
def stage() -> SessionStage:
    return SessionStage()


@pytest.fixture
def hasher() -> InMemoryPasswordHasher:
    return InMemoryPasswordHasher()


@pytest.fixture
def attempts() -> CountingAttempts:
    return CountingAttempts()


@pytest.fixture
def log_in(stage: SessionStage, hasher: InMemoryPasswordHasher, attempts: CountingAttempts) -> LogIn:
    return LogIn(stage.books.users, hasher, stage.sessions, NoSecondFactors(), attempts)


@pytest.fixture
async def alice(stage: SessionStage, hasher: InMemoryPasswordHasher) -> User:
    alice = a_user(email="alice@example.org")
    await stage.books.users.add(alice, await hasher.hash(PASSWORD))
    return alice


async def attempt(log_in: LogIn, password=PASSWORD, email="alice@example.org", device=LAPTOP):
    return await log_in.with_password(password=password, email=email, phone=None, device=device)


async def test_whoever_knows_the_password_is_let_in(log_in: LogIn, stage: SessionStage, alice: User) -> None:
    outcome = await attempt(log_in, email="Alice@Example.org")

    assert isinstance(outcome, LoggedIn)
    claims = stage.tokens.check(outcome.granted.access.token)
    assert claims is not None
    assert (claims.user_id, claims.role) == (alice.id, alice.role)
    (session,) = await stage.sessions.of(alice.id)
    assert (session.id, session.device) == (claims.session_id, "laptop")


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(
    log_in: LogIn, attempts: CountingAttempts, alice: User
) -> None:
    wrong = await attempt(log_in, "wrong horse battery")
    unknown = await attempt(log_in, email="bob@example.org")
    short = await attempt(log_in, "x")

    assert {wrong, unknown, short} == {LoginRefusal.INVALID_CREDENTIALS}
    assert attempts.succeeded_for == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@example.org", "alice@example.org"),
        ("al\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ce@example.org", "alice@example.org"),
        ("a\N{GREEK CAPITAL LETTER SIGMA}@example.org", "a\N{GREEK SMALL LETTER SIGMA}@example.org"),
    ],
)
async def test_what_a_database_takes_for_one_address_is_counted_as_one(
    log_in: LogIn, attempts: CountingAttempts, one: str, other: str
) -> None:
    for email in (one, other):
        await attempt(log_in, email=email)

    first, second = attempts.taken_for
    assert first == second


async def test_whoever_was_deactivated_is_told_so_only_with_the_right_password(
    log_in: LogIn, stage: SessionStage, alice: User
) -> None:
    await stage.books.change_person(alice.id, status=UserStatus.DEACTIVATED)

    right = await attempt(log_in)
    wrong = await attempt(log_in, "wrong horse battery")

    assert (right, wrong) == (LoginRefusal.DEACTIVATED, LoginRefusal.INVALID_CREDENTIALS)


async def test_a_device_that_is_not_known_gets_a_proof_and_its_owner_word_of_it(
    log_in: LogIn, stage: SessionStage, alice: User
) -> None:
    new = await attempt(log_in)
    known = await attempt(log_in, device=replace(LAPTOP, proof="a proof"))

    assert isinstance(new, LoggedIn)
    assert isinstance(known, LoggedIn)
    assert (new.device_proof, known.device_proof) == ("a proof to keep", None)
    await stage.tell()
    (told,) = stage.notifier.sent
    assert told.to == "alice@example.org"
    assert "laptop" in told.body


async def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(
    stage: SessionStage, alice: User, attempts: CountingAttempts
) -> None:
    async def change_the_password() -> None:
        hashed = await stage.books.users.password_hash(alice.id)
        assert hashed is not None
        await stage.books.users.replace_password_hash(
            alice.id, await InMemoryPasswordHasher().hash("x"), instead_of=hashed
        )

    hasher = ChangingHasher(change_the_password)
    log_in = LogIn(stage.books.users, hasher, stage.sessions, NoSecondFactors(), attempts)

    outcome = await attempt(log_in)

    assert outcome is LoginRefusal.INVALID_CREDENTIALS
    assert await stage.sessions.of(alice.id) == []
    assert attempts.succeeded_for == []


async def test_a_password_that_changes_before_a_code_is_asked_for_begins_no_log_in(
    stage: SessionStage, hasher: InMemoryPasswordHasher, alice: User, attempts: CountingAttempts
) -> None:
    class Asking(NoSecondFactors):
        async def demand(self, user, code, device, *, proved):
            await stage.books.users.change_password(
                user.id, await hasher.hash("plum lantern harbour"), instead_of=None, spared=None, now=stage.clock()
            )
            return SecondFactorRequired(challenge="a challenge")

    log_in = LogIn(stage.books.users, hasher, stage.sessions, Asking(), attempts)

    assert await attempt(log_in) is LoginRefusal.INVALID_CREDENTIALS


async def test_a_second_factor_that_is_turned_on_before_the_session_begins_lets_nobody_in_without_it(
    stage: SessionStage, hasher: InMemoryPasswordHasher, alice: User, attempts: CountingAttempts
) -> None:
    class TurnedOnAfterwards(NoSecondFactors):
        async def demand(self, user, code, device, *, proved):
            passed = await super().demand(user, code, device, proved=proved)
            await stage.books.change_person(alice.id, second_factor=True)
            return passed

    log_in = LogIn(stage.books.users, hasher, stage.sessions, TurnedOnAfterwards(), attempts)

    assert await attempt(log_in) is LoginRefusal.INVALID_CREDENTIALS
    assert await stage.sessions.of(alice.id) == []


async def test_whoever_is_deactivated_while_the_password_is_checked_is_not_let_in(
    stage: SessionStage, alice: User, attempts: CountingAttempts
) -> None:
    async def deactivate() -> None:
        await stage.books.change_person(alice.id, status=UserStatus.DEACTIVATED)

    log_in = LogIn(stage.books.users, ChangingHasher(deactivate), stage.sessions, NoSecondFactors(), attempts)

    assert await attempt(log_in) is LoginRefusal.DEACTIVATED
    assert await stage.sessions.of(alice.id) == []


async def test_a_hash_that_costs_too_little_is_replaced_and_opens_the_same_door(
    stage: SessionStage, alice: User, attempts: CountingAttempts
) -> None:
    before = await stage.books.users.password_hash(alice.id)
    log_in = LogIn(stage.books.users, InMemoryPasswordHasher(cost=13), stage.sessions, NoSecondFactors(), attempts)

    first, second = await attempt(log_in), await attempt(log_in)

    after = await stage.books.users.password_hash(alice.id)
    assert isinstance(first, LoggedIn)
    assert isinstance(second, LoggedIn)
    assert before != after
    assert after is not None
    assert not InMemoryPasswordHasher(cost=13).outdated(after)


async def test_nobody_waits_outside_because_their_password_cannot_be_hashed_anew(
    stage: SessionStage, alice: User, attempts: CountingAttempts
) -> None:
    class Busy(InMemoryPasswordHasher):
        async def hash(self, password):
            raise Overloaded("Too many passwords wait.")

    log_in = LogIn(stage.books.users, Busy(cost=13), stage.sessions, NoSecondFactors(), attempts)

    assert isinstance(await attempt(log_in), LoggedIn)
