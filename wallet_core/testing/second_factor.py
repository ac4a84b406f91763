"""A second factor in memory: the same codes as the real one's, and a repository over dictionaries."""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from wallet_core.clock import Clock, system_clock
from wallet_core.identity.changes import recovery_code_used, second_factor_off, second_factor_on
from wallet_core.identity.second_factor import STEPS_BACK, SecondFactor
from wallet_core.identity.session import Session
from wallet_core.ids import FactorId, SessionId, UserId
from wallet_core.testing.records import Records

_STEP_SECONDS: Final = 30
_SECRET_BYTES: Final = 20


class InMemoryOneTimeCodes:
    """RFC 6238 by the standard library alone."""

    def new_secret(self) -> str:
        """As OneTimeCodes.new_secret."""
        return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")

    def step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """As OneTimeCodes.step_of."""
        present = step_at(now)
        steps = range(present, present - STEPS_BACK - 1, -1)
        return next((step for step in steps if code == code_of(secret, step)), None)

    def uri(self, secret: str, *, account: str) -> str:
        """As OneTimeCodes.uri."""
        escaped = "".join(each if each.isalnum() or each in ".-_~" else f"%{ord(each):02X}" for each in account)
        return f"otpauth://totp/Tests:{escaped}?secret={secret}&issuer=Tests"


class InMemoryRecoveryCodes:
    """Codes that are random and hashes that are quick."""

    def make(self, number: int) -> tuple[str, ...]:
        """As RecoveryCodes.make."""
        return tuple("-".join(f"A{secrets.token_hex(2)}" for _ in range(4)).upper() for _ in range(number))

    def hashed(self, code: str) -> bytes:
        """As RecoveryCodes.hashed."""
        meant = code.upper().replace("-", "").replace(" ", "")
        return hashlib.sha256(meant.encode("utf-8", errors="surrogatepass")).digest()


class InMemorySecondFactorRepository:
    """A SecondFactorRepository over the people of `Records`."""

    def __init__(self, records: Records, clock: Clock = system_clock) -> None:
        """By `clock` goes `changed_at` of sessions, as by a database's own."""
        self._records = records
        self._clock = clock
        self._factors: dict[UserId, SecondFactor] = {}
        self._unused: dict[FactorId, set[bytes]] = {}

    async def begin(self, factor: SecondFactor, recovery_hashes: Sequence[bytes]) -> bool:
        """As SecondFactorRepository.begin."""
        if factor.user_id not in self._records.users:
            raise ValueError("There is no such person.")
        earlier = self._factors.get(factor.user_id)
        if earlier is not None and earlier.enabled_at is not None:
            return False
        self._factors[factor.user_id] = factor
        self._unused[factor.id] = set(recovery_hashes)
        return True

    async def of(self, user_id: UserId) -> SecondFactor | None:
        """As SecondFactorRepository.of."""
        return self._factors.get(user_id)

    async def turn_on(self, factor: SecondFactor, *, step: int, session_id: SessionId, now: datetime) -> bool:
        """As SecondFactorRepository.turn_on."""
        kept = self._kept(factor)
        if kept is None or kept.enabled_at is not None:
            return False
        self._factors[factor.user_id] = replace(kept, enabled_at=now, last_step=step)
        self._tell_sessions(factor.user_id, is_on=True)
        for session in self._open_sessions(factor.user_id):
            proved_at = now if session.id == session_id else None
            self._records.sessions[session.id] = replace(session, proved_at=proved_at)
        self._records.note(second_factor_on(kept))
        return True

    async def advance(self, factor: SecondFactor, step: int) -> bool:
        """As SecondFactorRepository.advance."""
        kept = self._kept(factor)
        if kept is None or kept.enabled_at is None or (kept.last_step is not None and kept.last_step >= step):
            return False
        self._factors[factor.user_id] = replace(kept, last_step=step)
        return True

    async def spend(self, factor: SecondFactor, recovery_hash: bytes) -> int | None:
        """As SecondFactorRepository.spend."""
        kept = self._kept(factor)
        if kept is None or kept.enabled_at is None or recovery_hash not in self._unused[factor.id]:
            return None
        self._unused[factor.id].remove(recovery_hash)
        left = len(self._unused[factor.id])
        self._records.note(recovery_code_used(kept, left))
        return left

    async def recovery_codes_left(self, factor: SecondFactor) -> int:
        """As SecondFactorRepository.recovery_codes_left."""
        return 0 if self._kept(factor) is None else len(self._unused[factor.id])

    async def turn_off(self, factor: SecondFactor) -> bool:
        """As SecondFactorRepository.turn_off."""
        kept = self._kept(factor)
        if kept is None:
            return False
        del self._factors[factor.user_id]
        del self._unused[factor.id]
        self._tell_sessions(factor.user_id, is_on=False)
        self._records.note(second_factor_off(kept))
        return True

    def _tell_sessions(self, user_id: UserId, *, is_on: bool) -> None:
        self._records.second_factors_on[user_id] = is_on
        for session in self._open_sessions(user_id):
            self._records.sessions[session.id] = replace(session, changed_at=self._clock())

    def _open_sessions(self, user_id: UserId) -> list[Session]:
        sessions = self._records.sessions.values()
        return [session for session in sessions if session.user_id == user_id and session.ended_at is None]

    def _kept(self, factor: SecondFactor) -> SecondFactor | None:
        kept = self._factors.get(factor.user_id)
        return kept if kept is not None and kept.id == factor.id else None


def step_at(now: datetime) -> int:
    """The time step of a moment."""
    return int(now.timestamp()) // _STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """The code that an app shows in that step."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0xF
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFF_FFFF) % 1_000_000:06}"
