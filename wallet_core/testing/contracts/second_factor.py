"""What every repository of second factors, every app's codes and every recovery code promise."""

import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wallet_core.identity.second_factor import (
    OneTimeCodes,
    RecoveryCodes,
    SecondFactor,
    SecondFactorRepository,
)
from wallet_core.identity.session import Session
from wallet_core.ids import FactorId, SessionId, UserId
from wallet_core.testing.builders import a_session, a_user, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import BooksUnderTest
from wallet_core.testing.contracts.outbox import PostUnderTest, told
from wallet_core.testing.second_factor import code_of, step_at

SECRET = base64.b32encode(b"twenty bytes secret.").decode()
HASHES = tuple(bytes([number]) * 32 for number in range(10))


class OneTimeCodesContract:
    """What every OneTimeCodes promises.

    Subclass it and provide the fixture `codes`.
    """

    # RFC 6238, appendix B, of which apps show the last six digits.
    @pytest.mark.parametrize(
        ("seconds", "code"),
        [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
    )
    def test_codes_are_those_of_the_standard(self, codes: OneTimeCodes, seconds: int, code: str) -> None:
        secret = base64.b32encode(b"12345678901234567890").decode()

        assert codes.step_of(secret, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30

    @pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, False), (2, False)])
    def test_a_code_may_be_one_step_late_and_never_early(self, codes: OneTimeCodes, steps: int, accepted: bool) -> None:
        """Row 22, on either edge of a step."""
        step = step_at(NOON)
        code = code_of(SECRET, step + steps)

        for now in (NOON, NOON + timedelta(seconds=30) - timedelta(microseconds=1)):
            assert codes.step_of(SECRET, code, now) == (step + steps if accepted else None)

    def test_the_code_of_another_secret_is_wrong(self, codes: OneTimeCodes) -> None:
        other = codes.new_secret()

        assert codes.step_of(SECRET, code_of(other, step_at(NOON)), NOON) is None

    def test_what_is_no_code_is_wrong(self, codes: OneTimeCodes) -> None:
        code = code_of(SECRET, step_at(NOON))
        arabic = code.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})

        for text in (
            "",
            code[:-1],
            f"{code}0",
            f" {code}",
            f"{code}\n",
            f"-{code[1:]}",
            "abcdef",
            arabic,
            "\ud800" * 6,
        ):
            assert codes.step_of(SECRET, text, NOON) is None, text

    def test_secrets_are_of_160_random_bits(self, codes: OneTimeCodes) -> None:
        made = [codes.new_secret() for _ in range(100)]

        assert len(set(made)) == 100
        assert {len(base64.b32decode(secret)) for secret in made} == {20}

    def test_the_uri_tells_an_app_all_that_it_needs(self, codes: OneTimeCodes) -> None:
        uri = codes.uri(SECRET, account="ada+1@example.com")

        # And nothing else: an app takes SHA-1, six digits and 30 seconds for granted.
        said = re.fullmatch(r"otpauth://totp/([^:/?]+):ada%2B1%40example\.com\?secret=([A-Z2-7]+)&issuer=([^&]+)", uri)
        assert said is not None, uri
        assert said[2] == SECRET
        assert said[1] == said[3]


class RecoveryCodesContract:
    """What every RecoveryCodes promises.

    Subclass it and provide the fixture `recovery_codes`.
    """

    def test_codes_are_as_many_as_asked_for_and_all_different(self, recovery_codes: RecoveryCodes) -> None:
        made = [code for _ in range(50) for code in recovery_codes.make(10)]

        assert len(set(made)) == 500

    def test_codes_can_be_read_from_paper_and_are_not_taken_for_an_apps(self, recovery_codes: RecoveryCodes) -> None:
        for code in recovery_codes.make(100):
            assert re.fullmatch(r"[0-9A-Z]{4,5}(-[0-9A-Z]{4,5}){3}", code)

    def test_a_code_has_one_hash_however_it_is_typed(self, recovery_codes: RecoveryCodes) -> None:
        (code,) = recovery_codes.make(1)

        typed = (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} ")

        assert len({recovery_codes.hashed(each) for each in typed}) == 1

    def test_other_codes_have_other_hashes(self, recovery_codes: RecoveryCodes) -> None:
        made = recovery_codes.make(100)

        assert len({recovery_codes.hashed(code) for code in made}) == 100
        assert {len(recovery_codes.hashed(code)) for code in made} == {32}

    def test_anything_has_a_hash(self, recovery_codes: RecoveryCodes) -> None:
        (code,) = recovery_codes.make(1)

        for text in ("", "-", "\0", "\ud800", "\N{SNOWMAN}", "A" * 10_000):
            assert recovery_codes.hashed(text) != recovery_codes.hashed(code)


class SecondFactorRepositoryContract:
    """What every SecondFactorRepository promises.

    Subclass it and provide the fixtures `books`, a BooksUnderTest, and `factors`, over the same people.
    """

    async def test_a_factor_is_found_as_it_was_begun(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor(books, factors)

        assert await factors.of(factor.user_id) == factor
        assert await factors.recovery_codes_left(factor) == 10

    async def test_nobody_has_one_unasked(self, books: BooksUnderTest, factors: SecondFactorRepository) -> None:
        await a_factor(books, factors)

        assert await factors.of(await a_person_of(books)) is None

    async def test_nobody_unknown_begins_one(self, factors: SecondFactorRepository) -> None:
        with pytest.raises(ValueError, match="no such person"):
            await factors.begin(_a_factor_of(UserId(new_id())), HASHES)

    async def test_one_that_is_not_on_gives_way_to_the_next(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        first = await a_factor(books, factors)
        second = _a_factor_of(first.user_id)

        assert await factors.begin(second, HASHES[:3])
        assert await factors.of(first.user_id) == second
        assert await factors.recovery_codes_left(second) == 3
        assert not await factors.turn_on(first, step=1, session_id=_a_session(), now=NOON)

    async def test_one_that_is_on_stays(self, books: BooksUnderTest, factors: SecondFactorRepository) -> None:
        on = await a_factor_that_is_on(books, factors)

        assert not await factors.begin(_a_factor_of(on.user_id), HASHES)
        assert await factors.of(on.user_id) == on
        assert await factors.recovery_codes_left(on) == 10

    async def test_of_many_that_are_begun_at_once_the_last_one_counts(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        user_id = await a_person_of(books)
        begun = [_a_factor_of(user_id) for _ in range(5)]

        answers = await asyncio.gather(*(factors.begin(factor, HASHES) for factor in begun))

        kept = await factors.of(user_id)
        assert answers == [True] * 5
        assert kept in begun
        assert await factors.recovery_codes_left(kept) == 10

    async def test_it_is_turned_on_once_and_its_code_counts_as_accepted(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor(books, factors)

        first = await factors.turn_on(factor, step=100, session_id=_a_session(), now=NOON)
        second = await factors.turn_on(factor, step=101, session_id=_a_session(), now=NOON + timedelta(hours=1))

        assert (first, second) == (True, False)
        assert await factors.of(factor.user_id) == replace(factor, enabled_at=NOON, last_step=100)
        assert not await factors.advance(factor, 100)

    async def test_the_persons_sessions_are_told_and_only_the_one_that_gave_the_code_is_proved(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor(books, factors)
        here, elsewhere, somebody_elses = [
            await _a_session_of(books, user_id)
            for user_id in (factor.user_id, factor.user_id, await a_person_of(books))
        ]

        await factors.turn_on(factor, step=100, session_id=here.id, now=NOON + timedelta(minutes=7))

        sessions = [await books.sessions.find(each.id) for each in (here, elsewhere, somebody_elses)]
        assert [(each.second_factor, each.proved_at) for each in sessions if each is not None] == [
            (True, NOON + timedelta(minutes=7)),
            (True, None),
            (False, NOON),
        ]
        assert [each.changed_at is not None for each in sessions if each is not None] == [True, True, False]

    async def test_turning_it_off_tells_the_persons_sessions_too(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor(books, factors)
        session = await _a_session_of(books, factor.user_id)
        await factors.turn_on(factor, step=100, session_id=session.id, now=NOON)
        told = await books.sessions.find(session.id)

        await factors.turn_off(factor)

        told_again = await books.sessions.find(session.id)
        assert told is not None
        assert told_again is not None
        assert (told.second_factor, told_again.second_factor) == (True, False)
        assert told.changed_at is not None
        assert told_again.changed_at is not None
        assert told_again.changed_at > told.changed_at

    async def test_a_step_is_accepted_once_and_none_before_it_any_more(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor_that_is_on(books, factors, step=100)

        accepted = [await factors.advance(factor, step) for step in (99, 100, 102, 102, 101, 103)]

        assert accepted == [False, False, True, False, False, True]

    async def test_of_many_uses_of_a_step_at_once_one_is_accepted(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        """Row 21."""
        factor = await a_factor_that_is_on(books, factors, step=100)

        accepted = await asyncio.gather(*(factors.advance(factor, 101) for _ in range(20)))

        assert sorted(accepted) == [False] * 19 + [True]

    async def test_what_is_not_on_accepts_nothing(self, books: BooksUnderTest, factors: SecondFactorRepository) -> None:
        factor = await a_factor(books, factors)

        assert not await factors.advance(factor, 100)
        assert await factors.spend(factor, HASHES[0]) is None
        assert await factors.recovery_codes_left(factor) == 10

    async def test_each_recovery_code_is_accepted_once(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        """Row 26."""
        factor = await a_factor_that_is_on(books, factors)

        left = [await factors.spend(factor, each) for each in (*HASHES, *HASHES)]

        assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] + [None] * 10

    async def test_of_many_uses_of_a_recovery_code_at_once_one_is_accepted(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor_that_is_on(books, factors)

        left = await asyncio.gather(*(factors.spend(factor, HASHES[0]) for _ in range(20)))

        assert sorted(left, key=str) == [9] + [None] * 19

    async def test_a_recovery_code_is_its_owners_alone(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        await a_factor_that_is_on(books, factors, hashes=[b"a" * 32])
        other = await a_factor_that_is_on(books, factors, hashes=[b"b" * 32])

        assert await factors.spend(other, b"a" * 32) is None
        assert await factors.spend(other, b"b" * 32) == 0

    async def test_one_that_was_turned_off_is_gone_and_another_may_be_begun(
        self, books: BooksUnderTest, factors: SecondFactorRepository
    ) -> None:
        off = await a_factor_that_is_on(books, factors)
        another = _a_factor_of(off.user_id)

        answers = [await factors.turn_off(off), await factors.turn_off(off)]
        gone = await factors.of(off.user_id)
        begun = await factors.begin(another, HASHES)

        assert answers == [True, False]
        assert gone is None
        assert begun
        assert not await factors.advance(off, 1_000_000)
        assert await factors.spend(off, HASHES[0]) is None
        assert await factors.recovery_codes_left(off) == 0
        assert await factors.of(off.user_id) == another


class SecondFactorEventsContract:
    """What every SecondFactorRepository has to say of what it keeps.

    Subclass it and provide the fixtures `books`, a PostUnderTest, and `factors`, over the same people.
    """

    async def test_what_changes_is_told_and_what_does_not_is_not(
        self, books: PostUnderTest, factors: SecondFactorRepository
    ) -> None:
        factor = await a_factor_that_is_on(books, factors)
        await factors.turn_on(factor, step=5, session_id=_a_session(), now=NOON)
        for recovery_hash in (HASHES[0], HASHES[0], b"?" * 32):
            await factors.spend(factor, recovery_hash)
        for _ in range(2):
            await factors.turn_off(factor)

        await books.outbox.relay(events_max=100)

        found = [(kind, dict(facts)) for kind, facts in await told(books, factor.user_id)]
        assert found == [
            ("second_factor.off", {}),
            ("recovery_code.used", {"left": len(HASHES) - 1}),
            ("second_factor.on", {}),
        ]


async def a_person_of(books: BooksUnderTest) -> UserId:
    """Somebody new."""
    user = a_user()
    assert await books.users.add(user, "hash") is None
    return user.id


async def a_factor(
    books: BooksUnderTest, factors: SecondFactorRepository, *, hashes: Sequence[bytes] = HASHES
) -> SecondFactor:
    """Somebody's second factor that is not turned on yet."""
    factor = _a_factor_of(await a_person_of(books))
    assert await factors.begin(factor, hashes)
    return factor


async def a_factor_that_is_on(
    books: BooksUnderTest, factors: SecondFactorRepository, *, step: int = 0, hashes: Sequence[bytes] = HASHES
) -> SecondFactor:
    """Somebody's second factor, turned on by a code of that step."""
    factor = await a_factor(books, factors, hashes=hashes)
    assert await factors.turn_on(factor, step=step, session_id=_a_session(), now=NOON)
    return replace(factor, enabled_at=NOON, last_step=step)


async def _a_session_of(books: BooksUnderTest, user_id: UserId) -> Session:
    """A session of theirs that was proved when it began, at noon."""
    session = a_session(user_id=user_id)
    kept = await books.sessions.add(session, session.id.bytes, password_hash=None, sessions_max=10)
    assert kept is not None
    return kept


def _a_factor_of(user_id: UserId) -> SecondFactor:
    return SecondFactor(id=FactorId(new_id()), user_id=user_id, secret=SECRET, created_at=NOON)


def _a_session() -> SessionId:
    return SessionId(new_id())
