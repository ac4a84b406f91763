"""What every challenge repository promises."""

import asyncio
from datetime import datetime, timedelta

from wallet_core.identity.challenges import ATTEMPTS_MAX, Challenge, Purpose
from wallet_core.ids import ChallengeId, UserId
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import BooksUnderTest

HASH = b"h" * 32
OTHER_HASH = b"o" * 32
MINUTE = timedelta(minutes=1)


class ChallengeRepositoryContract:
    """What every ChallengeRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_an_open_challenge_is_found_by_its_secret_until_it_expires(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books), subject="alice@example.org")

        await books.challenges.open(challenge)

        in_time = challenge.expires_at - timedelta(microseconds=1)
        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, in_time) == challenge
        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, challenge.expires_at) is None
        assert not await books.challenges.use(challenge.id, challenge.expires_at)

    async def test_it_is_found_by_no_other_secret_and_for_no_other_purpose(self, books: BooksUnderTest) -> None:
        await books.challenges.open(a_challenge(await somebody(books)))

        assert await books.challenges.find(Purpose.PASSWORD_RESET, OTHER_HASH, NOON) is None
        assert await books.challenges.find(Purpose.SECOND_FACTOR, HASH, NOON) is None
        assert await books.challenges.attempt(Purpose.SECOND_FACTOR, HASH, NOON) is None

    async def test_it_is_used_once_however_many_try_at_once(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books))
        await books.challenges.open(challenge)

        answers = await asyncio.gather(*(books.challenges.use(challenge.id, NOON) for _ in range(6)))

        assert sorted(answers) == [False] * 5 + [True]
        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, NOON) is None
        assert await books.challenges.attempt(Purpose.PASSWORD_RESET, HASH, NOON) is None

    async def test_a_newer_one_ends_the_older_one_of_its_purpose_alone(self, books: BooksUnderTest) -> None:
        user_id = await somebody(books)
        older, other = a_challenge(user_id), a_challenge(user_id, purpose=Purpose.SECOND_FACTOR)
        newer = a_challenge(user_id, secret_hash=OTHER_HASH, created_at=NOON + MINUTE)

        for challenge in (older, other, newer):
            await books.challenges.open(challenge)

        now = NOON + MINUTE
        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, now) is None
        assert not await books.challenges.use(older.id, now)
        assert await books.challenges.find(Purpose.PASSWORD_RESET, OTHER_HASH, now) == newer
        assert await books.challenges.find(Purpose.SECOND_FACTOR, HASH, now) == other

    async def test_one_person_does_not_end_anothers(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books))
        await books.challenges.open(challenge)

        await books.challenges.open(a_challenge(await somebody(books), secret_hash=OTHER_HASH))
        await books.challenges.end(await somebody(books), Purpose.PASSWORD_RESET, NOON)

        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, NOON) == challenge

    async def test_many_opened_at_once_leave_one_open(self, books: BooksUnderTest) -> None:
        user_id = await somebody(books)
        opened = [a_challenge(user_id, secret_hash=bytes([number]) * 32) for number in range(6)]

        await asyncio.gather(*(books.challenges.open(challenge) for challenge in opened))

        found = [await books.challenges.find(Purpose.PASSWORD_RESET, each.secret_hash, NOON) for each in opened]
        assert len([challenge for challenge in found if challenge is not None]) == 1

    async def test_it_ends_on_request(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books))
        await books.challenges.open(challenge)

        await books.challenges.end(challenge.user_id, Purpose.PASSWORD_RESET, NOON + MINUTE)

        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, NOON + MINUTE) is None

    async def test_so_many_attempts_and_no_more_even_at_once(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books))
        await books.challenges.open(challenge)

        answers = await asyncio.gather(
            *(books.challenges.attempt(Purpose.PASSWORD_RESET, HASH, NOON) for _ in range(ATTEMPTS_MAX + 3))
        )

        assert [answer for answer in answers if answer is not None] == [challenge] * ATTEMPTS_MAX
        assert await books.challenges.find(Purpose.PASSWORD_RESET, HASH, NOON) is None

    async def test_what_was_attempted_for_the_last_time_may_still_be_used(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books))
        await books.challenges.open(challenge)
        for _ in range(ATTEMPTS_MAX):
            await books.challenges.attempt(Purpose.PASSWORD_RESET, HASH, NOON)

        assert await books.challenges.use(challenge.id, NOON)
        assert not await books.challenges.use(challenge.id, NOON)

    async def test_the_right_answer_is_taken_once_even_at_once(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books), purpose=Purpose.EMAIL, subject="alice@example.org")
        await books.challenges.open(challenge)

        answers = await asyncio.gather(
            *(books.challenges.answer(challenge.user_id, Purpose.EMAIL, HASH, NOON) for _ in range(4))
        )

        assert [answer for answer in answers if answer is not None] == [challenge]

    async def test_wrong_answers_are_counted_and_the_right_one_comes_too_late_after_the_last(
        self, books: BooksUnderTest
    ) -> None:
        early, late = await somebody(books), await somebody(books)
        for user_id in (early, late):
            await books.challenges.open(a_challenge(user_id, purpose=Purpose.EMAIL))

        for _ in range(ATTEMPTS_MAX - 1):
            assert await books.challenges.answer(early, Purpose.EMAIL, OTHER_HASH, NOON) is None
        await asyncio.gather(
            *(books.challenges.answer(late, Purpose.EMAIL, OTHER_HASH, NOON) for _ in range(ATTEMPTS_MAX))
        )

        assert await books.challenges.answer(early, Purpose.EMAIL, HASH, NOON) is not None
        assert await books.challenges.answer(late, Purpose.EMAIL, HASH, NOON) is None

    async def test_an_answer_counts_for_its_person_its_purpose_and_its_time(self, books: BooksUnderTest) -> None:
        challenge = a_challenge(await somebody(books), purpose=Purpose.EMAIL)
        await books.challenges.open(challenge)

        assert await books.challenges.answer(await somebody(books), Purpose.EMAIL, HASH, NOON) is None
        assert await books.challenges.answer(challenge.user_id, Purpose.PHONE, HASH, NOON) is None
        assert await books.challenges.answer(challenge.user_id, Purpose.EMAIL, HASH, challenge.expires_at) is None
        assert await books.challenges.answer(challenge.user_id, Purpose.EMAIL, HASH, NOON) == challenge

    async def test_nobody_is_challenged_who_is_not_there(self, books: BooksUnderTest) -> None:
        refused = False
        try:
            await books.challenges.open(a_challenge(UserId(new_id())))
        except ValueError:
            refused = True

        assert refused


def a_challenge(
    user_id: UserId,
    *,
    purpose: Purpose = Purpose.PASSWORD_RESET,
    secret_hash: bytes = HASH,
    subject: str | None = None,
    created_at: datetime = NOON,
) -> Challenge:
    """A challenge that is open for half an hour."""
    return Challenge(
        id=ChallengeId(new_id()),
        user_id=user_id,
        purpose=purpose,
        secret_hash=secret_hash,
        subject=subject,
        created_at=created_at,
        expires_at=created_at + 30 * MINUTE,
    )


async def somebody(books: BooksUnderTest) -> UserId:
    """A new person."""
    user = a_user()
    assert await books.users.add(user, "hash") is None
    return user.id
