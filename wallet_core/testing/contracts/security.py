"""What every password hasher and every issuer of access tokens promises."""

import asyncio
from datetime import timedelta

from wallet_core.faults import Fault, Overloaded
from wallet_core.identity.entities import Role
from wallet_core.identity.passwords import CommonPasswords
from wallet_core.identity.ports import AccessTokens, PasswordHasher
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.ids import SequentialIds


class PasswordHasherContract:
    """What every PasswordHasher promises.

    Subclass it and provide the fixtures `hasher`, one that takes in at most `callers_max` calls at once, and
    `earlier_hasher`, the same at a lower cost.
    """

    callers_max = 3

    async def test_a_password_matches_its_own_hash(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("correct horse battery")

        assert await hasher.verify("correct horse battery", hashed)

    async def test_another_password_does_not_match(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("correct horse battery")

        assert not await hasher.verify("correct horse batterY", hashed)

    async def test_the_hash_of_one_password_is_different_each_time(self, hasher: PasswordHasher) -> None:
        first = await hasher.hash("correct horse battery")
        second = await hasher.hash("correct horse battery")

        assert first != second
        assert await hasher.verify("correct horse battery", first)
        assert await hasher.verify("correct horse battery", second)

    async def test_the_hash_does_not_show_the_password(self, hasher: PasswordHasher) -> None:
        assert "correct horse battery" not in await hasher.hash("correct horse battery")

    async def test_nothing_matches_where_there_is_no_hash(self, hasher: PasswordHasher) -> None:
        assert not await hasher.verify("correct horse battery", None)

    async def test_every_byte_of_a_long_password_counts(self, hasher: PasswordHasher) -> None:
        long = "\N{PILE OF POO}" * 255

        hashed = await hasher.hash(long + "a")

        assert await hasher.verify(long + "a", hashed)
        assert not await hasher.verify(long + "b", hashed)

    async def test_a_nul_does_not_end_a_password(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("before\0after")

        assert not await hasher.verify("before\0other", hashed)

    async def test_one_text_typed_on_two_keyboards_is_one_password(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("cr\N{LATIN SMALL LETTER E WITH GRAVE}me br\u00fbl\u00e9e")

        assert await hasher.verify("cre\N{COMBINING GRAVE ACCENT}me bru\u0302le\u0301e", hashed)

    async def test_text_that_cannot_be_encoded_is_a_wrong_password(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("correct horse battery")

        assert not await hasher.verify("lone \ud800 surrogate", hashed)

    async def test_a_damaged_hash_is_a_fault_and_no_wrong_password(self, hasher: PasswordHasher) -> None:
        hashed = await hasher.hash("correct horse battery")

        for damaged in ("", "damaged", hashed[:-1], hashed + "a", hashed[1:], hashed + "\n"):
            assert await _is_a_fault(hasher, damaged), damaged

    async def test_a_hash_of_a_lower_cost_is_outdated_and_still_matches(
        self, hasher: PasswordHasher, earlier_hasher: PasswordHasher
    ) -> None:
        earlier, present = (
            await earlier_hasher.hash("correct horse battery"),
            await hasher.hash("correct horse battery"),
        )

        assert hasher.outdated(earlier)
        assert not hasher.outdated(present)
        assert not earlier_hasher.outdated(present)
        assert await hasher.verify("correct horse battery", earlier)
        assert not await hasher.verify("correct horse batterY", earlier)
        assert await earlier_hasher.verify("correct horse battery", present)

    async def test_more_callers_than_may_wait_are_refused_at_once_and_the_others_answered(
        self, hasher: PasswordHasher
    ) -> None:
        callers = [asyncio.create_task(hasher.hash("correct horse battery")) for _ in range(self.callers_max * 4)]

        answers = await asyncio.gather(*callers, return_exceptions=True)

        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(refusal) for refusal in refused} == {Overloaded}
        assert len(answers) - len(refused) >= self.callers_max
        assert isinstance(await hasher.hash("correct horse battery"), str)

    async def test_callers_that_go_away_leave_their_places_to_others(self, hasher: PasswordHasher) -> None:
        for _ in range(3):
            callers = [asyncio.create_task(hasher.hash("correct horse battery")) for _ in range(self.callers_max)]
            await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
            await _a_place(hasher)

        callers = [asyncio.create_task(hasher.hash("correct horse battery")) for _ in range(self.callers_max)]
        answers = await asyncio.gather(*callers, return_exceptions=True)

        assert [type(answer) for answer in answers] == [str] * self.callers_max


async def _is_a_fault(hasher: PasswordHasher, damaged: str) -> bool:
    try:
        await hasher.verify("correct horse battery", damaged)
    except Fault:
        return True
    return False


async def _a_place(hasher: PasswordHasher) -> None:
    """Wait until the hasher takes in somebody again: what runs already may have to end first."""
    async with asyncio.timeout(10):
        while True:
            try:
                await hasher.verify("correct horse battery", None)
                return
            except Overloaded:
                await asyncio.sleep(0.01)


class CommonPasswordsContract:
    """What all CommonPasswords promise. Subclass it and provide the fixture `common`."""

    def test_what_is_guessed_first_is_among_them(self, common: CommonPasswords) -> None:
        missing = [word for word in ("password", "12345678", "password123", "iloveyou") if not common.include(word)]

        assert missing == []

    def test_what_nobody_guesses_is_not_among_them(self, common: CommonPasswords) -> None:
        for word in ("", "correct horse battery", "plum-lantern-harbour-72", "password 7319 harbour", "\ud800" * 8):
            assert not common.include(word), ascii(word)


class AccessTokensContract:
    """What every AccessTokens promises.

    Subclass it and provide the fixtures `clock`; `tokens`, which go by that clock; and `foreign_tokens`, which go by
    it too but belong to another service.
    """

    def test_a_token_says_whose_it_is(self, tokens: AccessTokens, clock: SettableClock) -> None:
        user_id, session_id = _a_person()

        issued = tokens.issue(user_id=user_id, session_id=session_id, role=Role.ADMIN)
        claims = tokens.check(issued.token)

        assert claims is not None
        assert (claims.user_id, claims.session_id, claims.role) == (user_id, session_id, Role.ADMIN)
        assert claims.expires_at == clock() + timedelta(seconds=issued.expires_in)

    def test_a_token_passes_as_often_as_it_is_shown(self, tokens: AccessTokens) -> None:
        token = _a_token(tokens)

        first, second = tokens.check(token), tokens.check(token)

        assert first is not None
        assert first == second

    def test_two_tokens_of_one_person_differ(self, tokens: AccessTokens) -> None:
        user_id, session_id = _a_person()

        issued = [tokens.issue(user_id=user_id, session_id=session_id, role=Role.USER) for _ in range(2)]

        assert issued[0].token != issued[1].token

    def test_a_token_lasts_until_its_time_is_over_and_no_longer(
        self, tokens: AccessTokens, clock: SettableClock
    ) -> None:
        user_id, session_id = _a_person()
        issued = tokens.issue(user_id=user_id, session_id=session_id, role=Role.USER)

        clock.advance(timedelta(seconds=issued.expires_in) - timedelta(microseconds=1))
        in_time = tokens.check(issued.token)
        clock.advance(timedelta(microseconds=1))
        too_late = tokens.check(issued.token)

        assert in_time is not None
        assert too_late is None

    def test_a_token_that_was_never_shown_in_time_has_expired_as_well(
        self, tokens: AccessTokens, clock: SettableClock
    ) -> None:
        user_id, session_id = _a_person()
        issued = tokens.issue(user_id=user_id, session_id=session_id, role=Role.USER)

        clock.advance(timedelta(seconds=issued.expires_in))

        assert tokens.check(issued.token) is None

    def test_a_token_with_any_character_changed_is_nothing(self, tokens: AccessTokens) -> None:
        token = _a_token(tokens)

        # The last character of a base64 segment may carry unused bits: it is left alone.
        for position in range(0, len(token) - 1, 7):
            changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
            if token[position] != "." and token[position + 1] != ".":
                assert tokens.check(changed) is None, position

    def test_a_token_with_something_before_or_after_it_is_nothing(self, tokens: AccessTokens) -> None:
        token = _a_token(tokens)

        for changed in (f" {token}", f"{token} ", f"{token}\n", f"{token}=", f"Bearer {token}", token[:-1], token * 2):
            assert tokens.check(changed) is None, changed

    def test_a_token_of_another_service_is_nothing(self, tokens: AccessTokens, foreign_tokens: AccessTokens) -> None:
        assert tokens.check(_a_token(foreign_tokens)) is None

    def test_what_is_no_token_is_nothing(self, tokens: AccessTokens) -> None:
        for text in ("", ".", "..", "a.b.c", "null", "{}", "\0", "\ud800", "\N{SNOWMAN}" * 300, "A" * 1_000_000):
            assert tokens.check(text) is None, text[:20]


def _a_person() -> tuple[UserId, SessionId]:
    ids = SequentialIds()
    return UserId(ids()), SessionId(ids())


def _a_token(tokens: AccessTokens) -> str:
    user_id, session_id = _a_person()
    return tokens.issue(user_id=user_id, session_id=session_id, role=Role.USER).token
