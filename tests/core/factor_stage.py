"""Second factors in memory: people with authenticator apps, on a clock that a test sets."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from tests.core.session_stage import LAPTOP, SessionStage
from wallet_core.identity.entities import Device, User
from wallet_core.identity.factor_codes import FactorCodes
from wallet_core.identity.factor_setup import FactorSetup
from wallet_core.identity.login import LogIn
from wallet_core.identity.ports import Attempts, UnlimitedAttempts
from wallet_core.identity.proofs import LargeAmounts, Proofs
from wallet_core.identity.second_factor import Enrolment
from wallet_core.identity.second_step import SecondStep
from wallet_core.identity.session import ActiveSession
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.second_factor import InMemoryOneTimeCodes, InMemoryRecoveryCodes, code_of, step_at
from wallet_core.testing.security import InMemoryPasswordHasher

PASSWORD = "correct horse battery"
LARGE = 50_00
STEP = timedelta(seconds=30)


class FewAttempts(UnlimitedAttempts):
    """So many attempts until one succeeds; then whoever tries has to wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken: list[tuple[str, ...]] = []

    async def take(self, addresses: Sequence[str], device: Device) -> int | None:
        if len(self.taken) >= self._most:
            return 7
        self.taken.append(tuple(addresses))
        return None

    async def succeeded(self, addresses: Sequence[str], device: Device) -> None:
        self.taken.clear()


class FactorStage(SessionStage):
    """What logging in and proving come to where there are second factors."""

    def __init__(self, *, attempts_max: int = 100) -> None:
        super().__init__()
        self.attempts = FewAttempts(attempts_max)
        self.codes = InMemoryOneTimeCodes()
        users, factors = self.books.users, self.books.second_factors
        hasher, recovery_codes = InMemoryPasswordHasher(), InMemoryRecoveryCodes()
        accepted = FactorCodes(factors, self.codes, recovery_codes, clock=self.clock)
        self.proofs = Proofs(users, hasher, factors, accepted, self.attempts, self.sessions)
        self.setup = FactorSetup(
            factors, self.codes, recovery_codes, users, self.proofs, self.sessions, ids=new_id, clock=self.clock
        )
        self.second_step = SecondStep(
            factors,
            accepted,
            self.books.challenges,
            self.attempts,
            random_bytes=secrets.token_bytes,
            ids=new_id,
            clock=self.clock,
        )
        self._hasher = hasher
        self.log_ins = self.log_ins_counted_by(UnlimitedAttempts())
        self.large_amounts = LargeAmounts(self.sessions, {"USD": LARGE})

    def log_ins_counted_by(self, attempts: Attempts) -> LogIn:
        """Logging in where attempts at it are counted so."""
        return LogIn(self.books.users, self._hasher, self.sessions, self.second_step, attempts)

    async def person(self) -> User:
        """Somebody new, with a password."""
        user = a_user()
        await self.books.users.add(user, await self._hasher.hash(PASSWORD))
        return user

    async def session(self, user: User) -> ActiveSession:
        """A new session of theirs, proved just now."""
        _, claims = await self.log_in(user)
        active = await self.sessions.check(claims)
        assert isinstance(active, ActiveSession)
        return active

    async def enrol(self, active: ActiveSession) -> Enrolment:
        """Turn a second factor on, by the code that the app shows now; the next one is shown when this returns."""
        begun = await self.setup.begin(active.user_id)
        assert isinstance(begun, Enrolment)
        assert await self.setup.turn_on(active, self.shown(begun)) is None
        self.clock.advance(STEP)
        return begun

    async def enrolled(self) -> tuple[User, ActiveSession, Enrolment]:
        """Somebody new with a second factor, and the session on which they turned it on."""
        user = await self.person()
        active = await self.session(user)
        begun = await self.enrol(active)
        return user, await self.anew(active), begun

    async def anew(self, active: ActiveSession) -> ActiveSession:
        """The session as it is now."""
        found = await self.sessions.check_anew(active)
        assert isinstance(found, ActiveSession)
        return found

    def shown(self, enrolment: Enrolment, steps: int = 0) -> str:
        """The code that the app shows now, or so many steps later."""
        return code_of(enrolment.secret, step_at(self.clock()) + steps)

    async def subjects(self) -> list[str]:
        """What the mails were about that went out."""
        await self.tell()
        return [getattr(message, "subject", "") for message in self.notifier.sent]


__all__ = ["LAPTOP", "LARGE", "PASSWORD", "STEP", "FactorStage"]
