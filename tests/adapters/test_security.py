"""bcrypt and PyJWT behind their ports."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from adapters.security.common_passwords import ListedPasswords
from adapters.security.passwords import BcryptPasswordHasher
from adapters.security.tokens import TOKEN_LENGTH_MAX, JwtAccessTokens
from wallet_core.faults import Unavailable
from wallet_core.identity.entities import PASSWORD_LENGTH_MIN, AccessClaims, Role
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.security import (
    AccessTokensContract,
    CommonPasswordsContract,
    PasswordHasherContract,
)
from wallet_core.testing.ids import SequentialIds

PEPPER = b"p" * 32
SECRET = b"s" * 32
OTHER_SECRET = b"o" * 32
HEADER = {"typ": "at+jwt", "alg": "HS256"}
USER = UserId(UUID("019bc173-0000-7000-8000-000000000001"))
SESSION = SessionId(UUID("019bc173-0000-7000-8000-000000000002"))


def a_hasher(*, pepper: bytes = PEPPER, cost: int = 8, waiting_max: int = 2) -> BcryptPasswordHasher:
    return BcryptPasswordHasher(pepper=pepper, cost=cost, threads=1, waiting_max=waiting_max)


def some_tokens(clock: SettableClock, **changes: Any) -> JwtAccessTokens:
    settings: dict[str, Any] = {
        "secret": SECRET,
        "issuer": "wallet",
        "audience": "wallet-api",
        "clock": clock,
        "ids": SequentialIds(),
    }
    return JwtAccessTokens(**settings | changes)


def segment(document: object) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: object, *, header: object = HEADER, secret: bytes = SECRET) -> str:
    """A token made by hand, so that nothing of PyJWT's own checks stands in the way of a wrong one."""
    head = segment(header)
    signing_input = f"{head}.{segment(claims)}"
    return f"{signing_input}.{segment(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def good_claims(clock: SettableClock, **changes: object) -> dict[str, object]:
    now = int(clock().timestamp())
    claims: dict[str, object] = {
        "iss": "wallet",
        "aud": "wallet-api",
        "sub": str(USER),
        "sid": str(SESSION),
        "jti": "019bc173-0000-7000-8000-000000000003",
        "role": "user",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    }
    return claims | changes


class TestBcryptPasswordHasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> Iterator[BcryptPasswordHasher]:
        hasher = a_hasher(waiting_max=self.callers_max - 1)
        yield hasher
        hasher.close()

    @pytest.fixture
    def earlier_hasher(self) -> Iterator[BcryptPasswordHasher]:
        hasher = a_hasher(cost=5)
        yield hasher
        hasher.close()


class TestListedPasswords(CommonPasswordsContract):
    @pytest.fixture
    def common(self) -> ListedPasswords:
        return ListedPasswords()

    def test_row_12_the_three_thousand_most_frequent_ones_are_among_them(self, common: ListedPasswords) -> None:
        most_frequent = FREQUENCY_LISTS["passwords"][:3_000]

        possible = [word for word in most_frequent if len(word) >= PASSWORD_LENGTH_MIN]

        assert len(possible) > 400
        assert all(common.include(word) for word in possible)


class TestJwtAccessTokens(AccessTokensContract):
    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    def tokens(self, clock: SettableClock) -> JwtAccessTokens:
        return some_tokens(clock)

    @pytest.fixture
    def foreign_tokens(self, clock: SettableClock) -> JwtAccessTokens:
        return some_tokens(clock, secret=OTHER_SECRET)


async def test_row_14_an_outdated_hash_is_checked_for_as_long_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    present, earlier = a_hasher(cost=7), a_hasher(cost=4)
    hashed = await earlier.hash("correct horse battery")
    work: list[int] = []
    checkpw = bcrypt.checkpw

    def noted(password: bytes, against: bytes) -> bool:
        work.append(2 ** int(against[4:6]))
        return checkpw(password, against)

    monkeypatch.setattr(bcrypt, "checkpw", noted)
    spent = {}
    for what, stored, password in (
        ("nobody", None, "wrong"),
        ("wrong", hashed, "wrong"),
        ("right", hashed, "correct horse battery"),
    ):
        work.clear()
        await present.verify(password, stored)
        spent[what] = sum(work)
    for hasher in (present, earlier):
        hasher.close()

    assert spent == {"nobody": 2**7, "wrong": 2**7, "right": 2**7}


def test_a_short_pepper_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        a_hasher(pepper=b"p" * 31)


async def test_a_hash_is_worth_nothing_without_its_pepper() -> None:
    hasher, thief = a_hasher(), a_hasher(pepper=b"q" * 32)

    hashed = await hasher.hash("correct horse battery")

    assert not await thief.verify("correct horse battery", hashed)
    hasher.close()
    thief.close()


async def test_an_unknown_person_costs_as_much_work_as_a_wrong_password() -> None:
    hasher = a_hasher(cost=10)
    hashed = await hasher.hash("correct horse battery")

    async def work_of(stored: str | None) -> float:
        before = time.process_time()
        for _ in range(3):
            await hasher.verify("wrong", stored)
        return time.process_time() - before

    wrong, unknown = await work_of(hashed), await work_of(None)

    assert 0.5 < unknown / wrong < 2
    hasher.close()


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    hasher = a_hasher(cost=11)
    turns = 0

    hashing = asyncio.create_task(hasher.hash("correct horse battery"))
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns > 10
    hasher.close()


async def test_who_still_waits_at_the_end_is_told_so_and_who_is_being_served_gets_an_answer() -> None:
    hasher = a_hasher(cost=10)
    callers = [asyncio.create_task(hasher.hash("correct horse battery")) for _ in range(3)]
    await asyncio.sleep(0.01)

    hasher.close()
    answers = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(answer) for answer in answers] == [str, Unavailable, Unavailable]
    with pytest.raises(Unavailable):
        await hasher.hash("correct horse battery")


@pytest.mark.parametrize("secrets", [{"secret": b"s" * 31}, {"previous_secrets": [b"s" * 31]}])
def test_a_short_secret_is_refused_at_construction(secrets: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        some_tokens(SettableClock(), **secrets)


def test_a_token_signed_with_a_previous_secret_passes_and_new_ones_are_signed_with_the_present_one() -> None:
    clock = SettableClock()
    old, new = some_tokens(clock), some_tokens(clock, secret=OTHER_SECRET, previous_secrets=[SECRET])

    from_old = old.issue(user_id=USER, session_id=SESSION, role=Role.USER)
    from_new = new.issue(user_id=USER, session_id=SESSION, role=Role.USER)

    assert new.check(from_old.token) is not None
    assert old.check(from_new.token) is None


def test_a_token_made_by_hand_with_the_right_claims_passes() -> None:
    clock = SettableClock()

    claims = some_tokens(clock).check(signed(good_claims(clock)))

    assert claims == AccessClaims(
        user_id=USER, session_id=SESSION, role=Role.USER, expires_at=clock() + timedelta(seconds=600)
    )


@pytest.mark.parametrize("name", sorted(good_claims(SettableClock())))
@pytest.mark.parametrize(
    "wrong",
    [..., None, True, -1, 1.5, float("nan"), 10**30, "", "1", "x", [], ["wallet-api"], {}, str(USER).upper(), "\0"],
    ids=repr,
)
def test_a_signed_token_with_a_claim_missing_or_of_a_wrong_kind_is_nothing(name: str, wrong: object) -> None:
    clock = SettableClock()
    claims = good_claims(clock, **{name: wrong})
    if wrong is ...:
        del claims[name]
    harmless = name == "jti" and isinstance(wrong, str)

    checked = some_tokens(clock).check(signed(claims))

    assert (checked is not None) == harmless


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256"},
        {"typ": "JWT", "alg": "HS256"},
        {"typ": "refresh+jwt", "alg": "HS256"},
        {"typ": ["at+jwt"], "alg": "HS256"},
        {"typ": "at+jwt"},
        {"typ": "at+jwt", "alg": "none"},
        {"typ": "at+jwt", "alg": "HS512"},
        {"typ": "at+jwt", "alg": ["HS256"]},
        {"typ": "at+jwt", "alg": None},
        {"typ": "at+jwt", "alg": "HS256", "crit": ["exp"]},
        {"typ": "at+jwt", "alg": "HS256", "crit": []},
        {"typ": "at+jwt", "alg": "HS256", "b64": False, "crit": ["b64"]},
        {"typ": "at+jwt", "alg": "HS256", "kid": 7},
        {"typ": "at+jwt", "alg": "HS256", "kid": "another"},
        {"typ": "at+jwt", "alg": "HS256", "jku": "https://evil.example/keys"},
        {"typ": "at+jwt", "alg": "HS256", "x5u": "https://evil.example/chain"},
        {"typ": "at+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}},
        ["at+jwt", "HS256"],
        b"\xff\xfe",
        b"[" * 2_000,
    ],
    ids=repr,
)
def test_a_signed_token_with_another_header_is_nothing(header: object) -> None:
    clock = SettableClock()

    assert some_tokens(clock).check(signed(good_claims(clock), header=header)) is None


def test_a_token_without_a_signature_is_nothing() -> None:
    clock = SettableClock()
    head, body, _ = signed(good_claims(clock), header={"typ": "at+jwt", "alg": "none"}).split(".")

    assert some_tokens(clock).check(f"{head}.{body}.") is None


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_clock_a_little_ahead_is_forgiven_and_one_far_ahead_is_not(name: str) -> None:
    clock = SettableClock()
    now = int(clock().timestamp())

    ahead = some_tokens(clock).check(signed(good_claims(clock, **{name: now + 5})))
    far_ahead = some_tokens(clock).check(signed(good_claims(clock, **{name: now + 6})))

    assert ahead is not None
    assert far_ahead is None


def test_a_token_longer_than_four_kilobytes_is_nothing_even_when_it_is_well_signed() -> None:
    clock = SettableClock()
    tokens = some_tokens(clock)
    short = signed(good_claims(clock, padding="x" * 2_000))
    long = signed(good_claims(clock, padding="x" * 4_000))

    assert len(short) < TOKEN_LENGTH_MAX < len(long)
    assert tokens.check(short) is not None
    assert tokens.check(long) is None


def test_a_signature_padded_with_what_a_lax_decoder_skips_is_nothing() -> None:
    clock = SettableClock()
    token = signed(good_claims(clock))

    assert some_tokens(clock).check(token) is not None
    assert some_tokens(clock).check(f"{token[:-10]}!!!!{token[-10:]}") is None


def test_only_so_many_tokens_are_remembered_and_the_forgotten_ones_still_pass() -> None:
    clock = SettableClock()
    tokens = some_tokens(clock, memory_max=3)
    issued = [tokens.issue(user_id=USER, session_id=SESSION, role=Role.USER).token for _ in range(10)]

    checked = [tokens.check(token) for token in issued * 2]

    assert None not in checked
    assert len(tokens._remembered) == 3


def test_tokens_that_have_expired_are_forgotten_when_another_is_remembered() -> None:
    clock = SettableClock()
    tokens = some_tokens(clock)
    for _ in range(10):
        tokens.check(tokens.issue(user_id=USER, session_id=SESSION, role=Role.USER).token)
    clock.advance(timedelta(seconds=600))

    tokens.check(tokens.issue(user_id=USER, session_id=SESSION, role=Role.USER).token)

    assert len(tokens._remembered) == 1


def test_a_repeated_check_costs_a_small_part_of_the_first() -> None:
    clock = SettableClock()
    tokens = some_tokens(clock)
    issued = [tokens.issue(user_id=USER, session_id=SESSION, role=Role.USER).token for _ in range(300)]

    def seconds() -> float:
        before = time.process_time()
        for token in issued:
            tokens.check(token)
        return time.process_time() - before

    first, repeated = seconds(), min(seconds() for _ in range(5))

    assert repeated < first / 5


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
claim_names = st.sampled_from(sorted(good_claims(SettableClock())))


@given(text=st.text(max_size=200) | st.text("abcXYZ019-_.=", max_size=200))
def test_no_text_whatever_makes_a_check_fail(text: str) -> None:
    assert some_tokens(SettableClock()).check(text) is None


@given(header=json_values | st.fixed_dictionaries({"typ": st.just("at+jwt"), "alg": json_values, "crit": json_values}))
def test_no_signed_header_whatever_makes_a_check_fail(header: object) -> None:
    clock = SettableClock()

    assert some_tokens(clock).check(signed(good_claims(clock), header=header)) is None


@given(claims=json_values)
def test_no_signed_body_whatever_makes_a_check_fail(claims: object) -> None:
    assert some_tokens(SettableClock()).check(signed(claims)) is None


@given(changes=st.dictionaries(claim_names, json_values, min_size=1, max_size=3))
def test_no_signed_claim_whatever_makes_a_check_fail(changes: dict[str, object]) -> None:
    clock = SettableClock()
    harmless = set(changes) <= {"jti"} and isinstance(changes.get("jti"), str)
    tokens = some_tokens(clock)

    claims = tokens.check(signed(good_claims(clock, **changes)))

    # Hypothesis may hit upon a right date; it never hits upon a right name.
    assert claims is None or harmless or set(changes) <= {"iat", "nbf", "jti"}


@given(order=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_no_token_sewn_together_from_two_passes(order: list[int]) -> None:
    clock = SettableClock()
    tokens = some_tokens(clock)
    first = signed(good_claims(clock)).split(".")
    second = signed(good_claims(clock, role="admin"), secret=OTHER_SECRET).split(".")

    claims = tokens.check(".".join([*first, *second][index] for index in order))

    # The two headers are alike, so that the second's may stand in for the first's.
    assert (claims is not None) == (order in ([0, 1, 2], [3, 1, 2]))


async def test_hashing_gives_way_to_everything_else_in_the_process() -> None:
    hasher = BcryptPasswordHasher(pepper=b"p" * 32, cost=4)

    await hasher.hash("correct horse battery")
    priorities = {
        thread.name: os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) for thread in threading.enumerate()
    }
    hasher.close()

    ours = priorities["MainThread"]
    given = [priority - ours for name, priority in priorities.items() if name.startswith("bcrypt")]
    # Elsewhere a thread has no priority of its own.
    assert given == ([10] if sys.platform == "linux" else [0])
