"""Getting back in without the password: a link that is sent to an address of the person, and works once."""

from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from wallet_core.clock import Clock
from wallet_core.faults import Overloaded
from wallet_core.identity.challenges import (
    Challenge,
    ChallengeRepository,
    Purpose,
    RandomBytes,
    new_token,
    token_hash,
)
from wallet_core.identity.entities import Device, User, UserStatus
from wallet_core.identity.passwords import Passwords
from wallet_core.identity.ports import Attempts, TooManyAttempts, UserRepository
from wallet_core.identity.throttling import CappedMessages
from wallet_core.ids import ChallengeId, IdGenerator
from wallet_core.notifications.background import Background
from wallet_core.notifications.letters import password_reset
from wallet_core.notifications.post import Post

LINK_LASTS: Final = timedelta(minutes=30)
RESET_PATH: Final = "/reset-password"


class ResetRefusal(StrEnum):
    """Why a password stays as it is. One word for all: a token tells nobody whether it ever was one."""

    INVALID_TOKEN = "invalid_reset_token"  # noqa: S105 - a reason, no token


class Recovery:
    """Sends links, and takes the new password of whoever followed one."""

    def __init__(
        self,
        users: UserRepository,
        challenges: ChallengeRepository,
        passwords: Passwords,
        messages: CappedMessages,
        post: Post,
        background: Background,
        attempts: Attempts,
        *,
        public_url: str,
        random_bytes: RandomBytes,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        """`public_url` is where people reach the service: what a request says of that decides nothing."""
        self._users = users
        self._challenges = challenges
        self._passwords = passwords
        self._messages = messages
        self._post = post
        self._background = background
        self._attempts = attempts
        self._public_url = public_url.rstrip("/")
        self._random_bytes = random_bytes
        self._ids = ids
        self._clock = clock

    async def forgot(self, *, email: str | None, phone: str | None, device: Device) -> TooManyAttempts | None:
        """Have a link sent to whoever is reached by that address, if anybody is. It takes as long if nobody is.

        Nothing is looked up before the caller has gone on. Raises Overloaded when too much waits to be looked up.
        """
        wait_seconds = await self._attempts.take((), device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        if not self._background.start(partial(self._send_link, email, phone, device)):
            raise Overloaded("Too many ask for a new password.")
        return None

    async def reset(self, token: str, new: str, device: Device) -> ResetRefusal | TooManyAttempts | None:
        """Replace the password of whoever the token was sent to, and end all of their sessions. They log in anew.

        Raises WeakPasswordError, and Overloaded when too many passwords are being hashed: the token is still good then.
        """
        wait_seconds = await self._attempts.take((), device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        challenge = await self._challenges.find(Purpose.PASSWORD_RESET, token_hash(token), self._clock())
        user = None if challenge is None else await self._users.by_id(challenge.user_id)
        if challenge is None or user is None or user.status is UserStatus.DEACTIVATED:
            return ResetRefusal.INVALID_TOKEN
        if challenge.subject not in (user.email, user.phone):
            # They have left that address. Its links are ended too, but in the background, and a new one may race that.
            return ResetRefusal.INVALID_TOKEN
        hashed = await self._passwords.hashed(new, user)
        now = self._clock()
        if not await self._challenges.use(challenge.id, now):
            return ResetRefusal.INVALID_TOKEN
        await self._passwords.replace(user, hashed)
        # Whoever has the token reads what is sent to the address that it went to.
        subject = challenge.subject or ""
        await self._users.verify_address(user.id, email=subject, phone=subject, now=now)
        return None

    async def _send_link(self, email: str | None, phone: str | None, device: Device) -> None:
        user = await self._users.by_address(email=email, phone=phone)
        if user is None or user.status is UserStatus.DEACTIVATED:
            return
        # As it is kept, never as it was asked for: two spellings that are one here may be two to a mail server.
        address = user.email if email is not None else user.phone
        verified_at = user.email_verified_at if email is not None else user.phone_verified_at
        if address is None or (verified_at is None and _has_verified_address(user)):
            return  # an address that nobody has shown to be theirs opens no account that has a better one
        by_sms = email is None
        counted_as = address if by_sms else f"reset:{address.lower()}"
        if await self._messages.take(counted_as, by_sms=by_sms, person=None, device=device) is not None:
            return
        letter = password_reset(await self._link(user, address), minutes=LINK_LASTS.seconds // 60)
        if by_sms:
            self._post.to_phone(address, letter)
        else:
            self._post.to_email(address, letter)

    async def _link(self, user: User, address: str) -> str:
        token, now = new_token(self._random_bytes), self._clock()
        await self._challenges.open(
            Challenge(
                id=ChallengeId(self._ids()),
                user_id=user.id,
                purpose=Purpose.PASSWORD_RESET,
                secret_hash=token_hash(token),
                subject=address,
                created_at=now,
                expires_at=now + LINK_LASTS,
            )
        )
        # After the #, which no browser sends to a server and none puts into a Referer.
        return f"{self._public_url}{RESET_PATH}#token={token}"


def _has_verified_address(user: User) -> bool:
    return user.email_verified_at is not None or user.phone_verified_at is not None
