"""Logging in: one order of steps, whoever contributes them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from wallet_core.faults import Overloaded
from wallet_core.identity.entities import Device, User, UserStatus, normalised_password
from wallet_core.identity.ports import (
    Attempts,
    FactorPassed,
    FactorRefusal,
    PasswordHasher,
    SecondFactorRequired,
    SecondFactors,
    TooManyAttempts,
    UserRepository,
)
from wallet_core.identity.session import Granted
from wallet_core.identity.sessions import Sessions

_TRIES: Final = 2
"""When the password or the person changes between being looked at and being let in, it is looked at once more."""


class LoginRefusal(StrEnum):
    """Why nobody was let in. An unknown address and a wrong password are told apart neither by words nor by time."""

    INVALID_CREDENTIALS = "invalid_credentials"
    DEACTIVATED = "account_deactivated"
    CHALLENGE_OVER = "mfa_token_expired"


_FINAL_SIGMA: Final = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_SIGMA: Final = "\N{GREEK SMALL LETTER SIGMA}"

_LOGIN_REFUSAL: Final = {
    FactorRefusal.WRONG_CODE: LoginRefusal.INVALID_CREDENTIALS,
    FactorRefusal.CHALLENGE_OVER: LoginRefusal.CHALLENGE_OVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Somebody was let in."""

    granted: Granted
    device_proof: str | None
    """For the device to keep, so that it is known the next time; nothing where it had one already."""


LoginOutcome: TypeAlias = LoggedIn | LoginRefusal | SecondFactorRequired | TooManyAttempts


class LogIn:
    """Lets people in: counted before anything is looked at, and a session only after everything was."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        sessions: Sessions,
        second_factors: SecondFactors,
        attempts: Attempts,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._sessions = sessions
        self._second_factors = second_factors
        self._attempts = attempts

    async def with_password(
        self, *, password: str, email: str | None, phone: str | None, code: str | None = None, device: Device
    ) -> LoginOutcome:
        """A session for whoever knows the password, and the code where their account asks for one.

        Without a code, such an account gets a challenge in place of a session. Raises Overloaded when too many
        passwords are being checked.
        """
        addresses = _addresses(email, phone)
        wait_seconds = await self._attempts.take(addresses, device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        for _ in range(_TRIES):
            outcome = await self._try(password, email, phone, code, device)
            if isinstance(outcome, LoggedIn | SecondFactorRequired):
                # By the step that was counted: the answer to a challenge is counted by itself, maybe on another device.
                await self._attempts.give_back(addresses, device)
            if outcome is not None:
                return outcome
        return LoginRefusal.INVALID_CREDENTIALS

    async def with_code(self, *, challenge: str, code: str, device: Device) -> LoginOutcome:
        """A session for whoever was asked for a code and gives the right one. A challenge is answered once."""
        answered = await self._second_factors.answer(challenge, code, device)
        if isinstance(answered, TooManyAttempts):
            return answered
        if isinstance(answered, FactorRefusal):
            return _LOGIN_REFUSAL[answered]
        user = await self._users.by_id(answered.user_id)
        hashed = None if user is None else await self._users.password_hash(user.id)
        if user is None or hashed is None:
            return LoginRefusal.INVALID_CREDENTIALS
        if user.status is UserStatus.DEACTIVATED:
            return LoginRefusal.DEACTIVATED
        if _name_of(hashed) != answered.proved:
            return LoginRefusal.CHALLENGE_OVER  # the password that it was handed out for is another by now
        return await self._let_in(user, hashed, device, second_factor=True) or await self._turned_away(user)

    async def _try(
        self, password: str, email: str | None, phone: str | None, code: str | None, device: Device
    ) -> LoginOutcome | None:
        """Nothing when what was proved is no longer so."""
        user = await self._users.by_address(email=email, phone=phone)
        hashed = None if user is None else await self._users.password_hash(user.id)
        known = await self._hasher.verify(normalised_password(password, new=False), hashed)
        if user is None or hashed is None or not known:
            return LoginRefusal.INVALID_CREDENTIALS
        if user.status is UserStatus.DEACTIVATED:
            return LoginRefusal.DEACTIVATED
        demanded = await self._second_factors.demand(user, code, device, proved=_name_of(hashed))
        match demanded:
            case FactorPassed(is_on=is_on):
                kept = await self._rehashed(user, password, hashed)
                return await self._let_in(user, kept, device, second_factor=is_on)
            case SecondFactorRequired():
                # Whoever changes a password ends what is open afterwards: a challenge that came after that is told
                # to nobody.
                return demanded if await self._users.password_hash(user.id) == hashed else None
            case FactorRefusal():
                return LoginRefusal.INVALID_CREDENTIALS
        assert_never(demanded)

    async def _rehashed(self, user: User, password: str, hashed: str) -> str:
        """The hash that is kept from now on: a new one where hashes have come to cost more."""
        if not self._hasher.outdated(hashed):
            return hashed
        try:
            costly = await self._hasher.hash(normalised_password(password, new=False))
        except Overloaded:
            return hashed  # the next log-in will do
        await self._users.replace_password_hash(user.id, costly, instead_of=hashed)
        return costly

    async def _turned_away(self, user: User) -> LoginRefusal:
        """Why nobody was let in although everything was right when it was looked at."""
        present = await self._users.by_id(user.id)
        is_deactivated = present is not None and present.status is UserStatus.DEACTIVATED
        return LoginRefusal.DEACTIVATED if is_deactivated else LoginRefusal.CHALLENGE_OVER

    async def _let_in(self, user: User, password_hash: str, device: Device, *, second_factor: bool) -> LoggedIn | None:
        """Nothing when the person was deactivated, or what was proved is no longer what is asked for."""
        addresses = _addresses(user.email, user.phone)
        is_known = self._attempts.knows(addresses, device)
        granted = await self._sessions.start(
            user, device, password_hash=password_hash, second_factor=second_factor, is_new_device=not is_known
        )
        if granted is None:
            return None
        proof = await self._attempts.succeeded(addresses, device)
        return LoggedIn(granted=granted, device_proof=proof)


def _name_of(hashed: str) -> str:
    """Names a password by its hash, to be kept where hashes of passwords are not."""
    return hashlib.sha256(hashed.encode()).hexdigest()


def _addresses(email: str | None, phone: str | None) -> tuple[str, ...]:
    """What attempts are counted by: each address in one spelling, whether or not anybody has it."""
    return tuple(_in_one_spelling(address) for address in (email, phone) if address is not None)


def _in_one_spelling(address: str) -> str:
    """One for all that any database takes for the same in small letters: some make each letter a small one by itself,
    and of a dotted capital I just an i, so that `str.lower` would count two spellings of one address apart.
    """
    return "".join(letter.lower()[0] for letter in address).replace(_FINAL_SIGMA, _SIGMA)
