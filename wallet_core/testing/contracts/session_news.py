"""What all word of sessions between processes, and all refresh tokens, promise."""

import asyncio
import time
from typing import Final

from wallet_core.identity.session_ports import RefreshTokens, SessionNews

_LONG: Final = 10.0


class SessionNewsContract:
    """What every SessionNews promises.

    Subclass it and provide the fixtures `here` and `there`: two that hear each other, each as a process of its own.
    """

    async def test_what_is_announced_here_is_heard_there(self, here: SessionNews, there: SessionNews) -> None:
        await _listening(here, there)
        heard = asyncio.create_task(there.heard(seconds_max=_LONG))
        await asyncio.sleep(0.05)
        began = time.monotonic()

        await here.announce()
        await heard

        assert time.monotonic() - began < _LONG / 2

    async def test_what_is_announced_while_nobody_waits_is_heard_by_the_next_who_does(
        self, here: SessionNews, there: SessionNews
    ) -> None:
        await _listening(here, there)
        await here.announce()
        await asyncio.sleep(0.05)
        began = time.monotonic()

        await there.heard(seconds_max=_LONG)

        assert time.monotonic() - began < _LONG / 2

    async def test_who_hears_nothing_returns_when_the_time_is_over(self, here: SessionNews, there: SessionNews) -> None:
        await _listening(here, there)
        began = time.monotonic()

        await there.heard(seconds_max=0.2)

        assert 0.15 < time.monotonic() - began < _LONG / 2

    async def test_what_was_heard_once_is_not_heard_again(self, here: SessionNews, there: SessionNews) -> None:
        await _listening(here, there)
        for _ in range(5):
            await here.announce()
        await there.heard(seconds_max=_LONG)
        await asyncio.sleep(0.05)
        await there.heard(seconds_max=0.05)
        began = time.monotonic()

        await there.heard(seconds_max=0.2)

        assert time.monotonic() - began > 0.15


async def _listening(*everybody: SessionNews) -> None:
    """Whoever listens does so from the first time on that they wait."""
    for each in everybody:
        await each.heard(seconds_max=0.1)


class RefreshTokensContract:
    """What all RefreshTokens promise.

    Subclass it and provide the fixtures `tokens`, and `foreign_tokens`, which belong to another service.
    """

    def test_no_two_first_tokens_are_alike(self, tokens: RefreshTokens) -> None:
        assert len({tokens.first() for _ in range(100)}) == 100

    def test_a_token_has_one_successor_and_another_token_another(self, tokens: RefreshTokens) -> None:
        first, other = tokens.first(), tokens.first()

        assert tokens.successor_of(first) == tokens.successor_of(first)
        assert len({first, other, tokens.successor_of(first), tokens.successor_of(other)}) == 4

    def test_a_family_never_comes_back_to_itself(self, tokens: RefreshTokens) -> None:
        family = [tokens.first()]
        for _ in range(100):
            family.append(tokens.successor_of(family[-1]))

        assert len(set(family)) == len(family)

    def test_nobody_else_can_tell_the_successor(self, tokens: RefreshTokens, foreign_tokens: RefreshTokens) -> None:
        token = tokens.first()

        assert tokens.successor_of(token) != foreign_tokens.successor_of(token)

    def test_a_token_has_one_hash_which_does_not_show_it(self, tokens: RefreshTokens) -> None:
        token = tokens.first()

        hashed = tokens.hashed(token)

        assert hashed is not None
        assert hashed == tokens.hashed(token) != tokens.hashed(tokens.successor_of(token))
        assert token.encode() not in hashed

    def test_what_cannot_be_a_token_has_no_hash(self, tokens: RefreshTokens) -> None:
        token = tokens.first()

        for text in (
            "",
            "a",
            token[:-1],
            token + "A",
            token + "=",
            f" {token}",
            f"{token}\n",
            "\0",
            "\ud800",
            "é" * 43,
        ):
            assert tokens.hashed(text) is None, text

    def test_a_token_has_one_spelling(self, tokens: RefreshTokens) -> None:
        token = tokens.first()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

        spelled = [token[:-1] + last for last in alphabet]

        assert tokens.hashed(token) is not None
        assert sum(tokens.hashed(each) == tokens.hashed(token) for each in spelled) == 1
