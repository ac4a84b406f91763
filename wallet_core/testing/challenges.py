"""Challenges in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from wallet_core.identity.challenges import ATTEMPTS_MAX, Challenge, Purpose
from wallet_core.ids import ChallengeId, UserId
from wallet_core.testing.records import Records


@dataclass(slots=True)
class _Kept:
    challenge: Challenge
    attempts: int = 0
    used: bool = False

    def is_open(self, now: datetime) -> bool:
        return not self.used and self.challenge.expires_at > now and self.attempts < ATTEMPTS_MAX


class InMemoryChallengeRepository:
    """A ChallengeRepository for the people of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._kept: list[_Kept] = []

    async def open(self, challenge: Challenge) -> None:
        """As ChallengeRepository.open."""
        if challenge.user_id not in self._records.users:
            raise ValueError("A challenge is opened for somebody who is there.")
        await self.end(challenge.user_id, challenge.purpose, challenge.created_at)
        self._kept.append(_Kept(challenge))

    async def find(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.find."""
        kept = self._of_secret(purpose, secret_hash, now)
        return None if kept is None else kept.challenge

    async def attempt(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.attempt."""
        kept = self._of_secret(purpose, secret_hash, now)
        if kept is None:
            return None
        kept.attempts += 1
        return kept.challenge

    async def use(self, challenge_id: ChallengeId, now: datetime) -> bool:
        """As ChallengeRepository.use."""
        for kept in self._kept:
            if kept.challenge.id == challenge_id and not kept.used and kept.challenge.expires_at > now:
                kept.used = True
                return True
        return False

    async def answer(self, user_id: UserId, purpose: Purpose, secret_hash: bytes, now: datetime) -> Challenge | None:
        """As ChallengeRepository.answer."""
        kept = self._open(lambda each: (each.user_id, each.purpose) == (user_id, purpose), now)
        if kept is None:
            return None
        kept.attempts += 1
        kept.used = kept.challenge.secret_hash == secret_hash
        return kept.challenge if kept.used else None

    async def end(self, user_id: UserId, purpose: Purpose, now: datetime) -> None:
        """As ChallengeRepository.end."""
        for kept in self._kept:
            challenge = kept.challenge
            if (challenge.user_id, challenge.purpose) == (user_id, purpose) and challenge.expires_at > now:
                kept.challenge = replace(challenge, expires_at=now)

    def _of_secret(self, purpose: Purpose, secret_hash: bytes, now: datetime) -> _Kept | None:
        return self._open(lambda each: (each.purpose, each.secret_hash) == (purpose, secret_hash), now)

    def _open(self, fits: Callable[[Challenge], bool], now: datetime) -> _Kept | None:
        return next((kept for kept in self._kept if kept.is_open(now) and fits(kept.challenge)), None)
