"""Which passwords people may have, and changing one's own, in memory."""

import pytest

from tests.core.account_stage import EMAIL, PASSWORD, AccountStage
from tests.core.session_stage import LAPTOP
from wallet_core.identity.entities import WeakPasswordError
from wallet_core.identity.passwords import Owner, PasswordRefusal, PasswordRules
from wallet_core.identity.ports import TooManyAttempts
from wallet_core.identity.session import ActiveSession
from wallet_core.testing.security import InMemoryCommonPasswords

NEXT = "plum lantern harbour"
ZOE = Owner(name="Zo\u00eb M\u00fcller-Li Ng", email="mx.17@example.org", phone="+41446681800")


@pytest.fixture
def stage() -> AccountStage:
    return AccountStage()


@pytest.fixture
def rules() -> PasswordRules:
    return PasswordRules(InMemoryCommonPasswords())


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("7 chars", "8 to 256 characters"),
        ("x" * 257, "8 to 256 characters"),
        ("with a \0 in it", "control characters"),
        ("iloveyou", "Many people"),
        ("PassWord123", "Many people"),
        ("my Wallet 2026", "name of this service"),
        ("Zo\u00eb-and-her-cat", "your name"),
        ("zoe and her cat", "your name"),
        ("xXmullerXx 12", "your name"),
        ("mx.17@example.org", "your email address"),
        ("call +41446681800", "phone number"),
    ],
)
def test_row_12_a_password_that_is_guessed_first_is_refused_with_the_reason(
    rules: PasswordRules, password: str, reason: str
) -> None:
    with pytest.raises(WeakPasswordError, match=reason) as refused:
        rules.checked(password, ZOE)

    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    ["eight ch", "aaaaaaab", "no digits no signs", "wall and et", "canada goose zoetrope", "\N{GRINNING FACE}" * 256],
)
def test_row_12_nothing_else_is_asked_of_a_password(rules: PasswordRules, password: str) -> None:
    assert rules.checked(password, ZOE) == password


def test_row_13_a_password_is_kept_in_the_form_in_which_all_keyboards_agree(rules: PasswordRules) -> None:
    assert rules.checked("cre\N{COMBINING GRAVE ACCENT}me 12", ZOE) == "cr\u00e8me 12"


async def _logged_in(stage: AccountStage) -> ActiveSession:
    """Alice at her laptop."""
    _, claims = await stage.log_in(await stage.alice())
    active = await stage.sessions.check(claims)
    assert isinstance(active, ActiveSession)
    return active


async def test_row_20_a_new_password_ends_every_other_session_and_is_told(stage: AccountStage) -> None:
    active = await _logged_in(stage)
    user = await stage.books.users.by_id(active.user_id)
    assert user is not None
    _, elsewhere = await stage.log_in(user)
    await stage.watched()

    refused = await stage.passwords.change(active, current=PASSWORD, new=NEXT, device=LAPTOP)

    assert refused is None
    assert (await stage.knows(user, NEXT), await stage.knows(user, PASSWORD)) == (True, False)
    assert [each.id for each in await stage.sessions.of(user.id)] == [active.session_id]
    assert await stage.sessions.check(elsewhere) == "session_ended"
    assert ["changed" in message.body for message in await stage.sent()] == [True]


async def test_row_20_a_wrong_password_changes_nothing_and_counts(stage: AccountStage) -> None:
    active = await _logged_in(stage)
    user = await stage.books.users.by_id(active.user_id)
    assert user is not None

    answers = [
        await stage.passwords.change(active, current="wrong horse battery", new=NEXT, device=LAPTOP) for _ in range(6)
    ]
    in_vain = await stage.passwords.change(active, current=PASSWORD, new=NEXT, device=LAPTOP)

    assert answers == [PasswordRefusal.WRONG_PASSWORD] * 5 + [TooManyAttempts(1)]
    assert in_vain == TooManyAttempts(1)
    assert await stage.knows(user, PASSWORD)
    assert await stage.sent() == []


async def test_the_right_password_forgets_the_wrong_ones(stage: AccountStage) -> None:
    active = await _logged_in(stage)

    for _ in range(2):
        for _ in range(4):
            await stage.passwords.change(active, current="wrong horse battery", new=NEXT, device=LAPTOP)
        assert await stage.passwords.change(active, current=PASSWORD, new=PASSWORD, device=LAPTOP) is None


async def test_a_weak_password_replaces_none_and_counts_as_no_attempt(stage: AccountStage) -> None:
    active = await _logged_in(stage)

    for _ in range(9):
        with pytest.raises(WeakPasswordError):
            await stage.passwords.change(active, current=PASSWORD, new="alice in wonderland", device=LAPTOP)

    assert await stage.passwords.change(active, current=PASSWORD, new=NEXT, device=LAPTOP) is None


async def test_who_has_a_second_factor_proves_who_they_are_first(stage: AccountStage) -> None:
    active = await _logged_in(stage)
    await stage.books.change_person(active.user_id, second_factor=True)
    stage.pass_time(minutes=5)
    asked_anew = await stage.sessions.check_anew(active)
    assert isinstance(asked_anew, ActiveSession)

    late = await stage.passwords.change(asked_anew, current=PASSWORD, new=NEXT, device=LAPTOP)
    await stage.sessions.prove(asked_anew)
    fresh = await stage.passwords.change(asked_anew, current=PASSWORD, new=NEXT, device=LAPTOP)

    assert (late, fresh) == (PasswordRefusal.NOT_PROVED, None)


async def test_a_hash_that_is_renewed_meanwhile_is_still_the_same_password(stage: AccountStage) -> None:
    active = await _logged_in(stage)
    renewed = await stage.hasher.hash(PASSWORD)
    verify = stage.hasher.verify

    async def verify_slowly(password: str, hashed: str | None) -> bool:
        known = await verify(password, hashed)
        if hashed != renewed:
            await stage.books.users.replace_password_hash(active.user_id, renewed, instead_of=hashed or "")
        return known

    stage.hasher.verify = verify_slowly  # type: ignore[method-assign] # what happens in between is what is tested

    assert await stage.passwords.change(active, current=PASSWORD, new=NEXT, device=LAPTOP) is None


async def test_a_new_password_makes_links_worthless_that_were_sent_before(stage: AccountStage) -> None:
    active = await _logged_in(stage)
    token = await stage.link_token(EMAIL)

    await stage.passwords.change(active, current=PASSWORD, new=NEXT, device=LAPTOP)

    assert await stage.recovery.reset(token, PASSWORD, LAPTOP) is not None
