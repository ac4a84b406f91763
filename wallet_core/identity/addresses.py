"""Addresses of people: a code is sent to each, and whoever gives it back reads what is sent there."""

from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from wallet_core.clock import Clock
from wallet_core.identity.challenges import (
    Challenge,
    ChallengeRepository,
    Purpose,
    RandomBytes,
    code_hash,
    new_code,
)
from wallet_core.identity.entities import Device, User
from wallet_core.identity.ports import Attempts, Taken, TooManyAttempts, UserRepository
from wallet_core.identity.throttling import CappedMessages
from wallet_core.ids import ChallengeId, IdGenerator, UserId
from wallet_core.notifications.background import Background
from wallet_core.notifications.letters import Letter, address_code, signup_refused
from wallet_core.notifications.post import Post

CODE_LASTS: Final = timedelta(minutes=15)
WARNED_EVERY: Final = timedelta(hours=1)
"""How often somebody is told at most that others try to sign up with their address."""


class Channel(StrEnum):
    """How somebody is reached."""

    EMAIL = "email"
    PHONE = "phone"


class AddressRefusal(StrEnum):
    """Why an address is not shown to be anybody's."""

    INVALID_CODE = "invalid_code"
    NO_ADDRESS = "no_address"
    VERIFIED = "already_verified"


class Addresses:
    """Sends codes to addresses, takes them back, and tells people what others do with their addresses."""

    def __init__(
        self,
        users: UserRepository,
        challenges: ChallengeRepository,
        messages: CappedMessages,
        attempts: Attempts,
        post: Post,
        background: Background,
        *,
        code_key: bytes,
        random_bytes: RandomBytes,
        ids: IdGenerator,
        clock: Clock,
    ) -> None:
        """With `code_key` codes are hashed: six digits alone are found by trying."""
        self._users = users
        self._challenges = challenges
        self._messages = messages
        self._attempts = attempts
        self._post = post
        self._background = background
        self._code_key = code_key
        self._random_bytes = random_bytes
        self._ids = ids
        self._clock = clock

    def welcome(self, user: User, device: Device) -> None:
        """Send a code to each address of somebody new, in the background: they are there whatever comes of it."""
        self._background.start(partial(self._welcome, user, device))

    def warn(self, taken: Taken, *, email: str | None, phone: str | None) -> None:
        """Tell whoever has the address that was taken that somebody tried to; now and then, in the background."""
        match taken:
            case Taken.EMAIL:
                self._background.start(partial(self._warn, email, None))
            case Taken.PHONE:
                self._background.start(partial(self._warn, None, phone))

    def changed(self, before: User, after: User, device: Device) -> None:
        """Send a code to each address that is another one now, in the background."""
        if any(_address(before, channel) != _address(after, channel) for channel in Channel):
            self._background.start(partial(self._changed, before, after, device))

    async def send_again(
        self, user_id: UserId, channel: Channel, device: Device
    ) -> AddressRefusal | TooManyAttempts | None:
        """Send another code to an address of theirs; the one before is good no longer."""
        user = await self._users.by_id(user_id)
        if user is None or _address(user, channel) is None:
            return AddressRefusal.NO_ADDRESS
        if _is_verified(user, channel):
            return AddressRefusal.VERIFIED
        return await self._send_code(user, channel, device)

    async def verify(
        self, user_id: UserId, channel: Channel, code: str, device: Device
    ) -> User | AddressRefusal | TooManyAttempts:
        """The person, with that address shown to be theirs, if the code is the one that was sent to it last.

        Wrong ones are counted, on whichever code.
        """
        counted_by = (f"{user_id}:{channel}",)
        wait_seconds = await self._attempts.take(counted_by, device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        purpose, now = Purpose(channel.value), self._clock()
        hashed = code_hash(self._code_key, user_id, purpose, code)
        challenge = await self._challenges.answer(user_id, purpose, hashed, now)
        if challenge is None:
            return AddressRefusal.INVALID_CODE
        await self._attempts.give_back(counted_by, device)
        await self._attempts.succeeded(counted_by, device)
        subject = challenge.subject
        user = await self._users.verify_address(
            user_id,
            email=subject if channel is Channel.EMAIL else None,
            phone=subject if channel is Channel.PHONE else None,
            now=now,
        )
        # The address may have become another one while the code was on its way.
        return user if user is not None and _is_verified(user, channel) else AddressRefusal.INVALID_CODE

    async def _welcome(self, user: User, device: Device) -> None:
        for channel in Channel:
            await self._send_code(user, channel, device)

    async def _warn(self, email: str | None, phone: str | None) -> None:
        user, now = await self._users.by_address(email=email, phone=phone), self._clock()
        if user is None or not await self._users.warn(user.id, now=now, unless_since=now - WARNED_EVERY):
            return
        if any(_is_verified(user, channel) for channel in Channel):
            self._post.to_person(user, signup_refused())
            return
        # Whoever reads what is sent there may well be the one who has just been refused.
        channel = Channel.EMAIL if email is not None else Channel.PHONE
        self._send(channel, _address(user, channel) or "", signup_refused())

    async def _changed(self, before: User, after: User, device: Device) -> None:
        # A link that was sent to the former address leads nowhere any more.
        await self._challenges.end(after.id, Purpose.PASSWORD_RESET, self._clock())
        for channel in Channel:
            former, present = _address(before, channel), _address(after, channel)
            if former == present:
                continue
            if _is_verified(after, channel):
                continue  # the same one in another case of letters
            await self._send_code(after, channel, device)

    async def _send_code(self, user: User, channel: Channel, device: Device) -> TooManyAttempts | None:
        address = _address(user, channel)
        if address is None:
            return None
        by_sms = channel is Channel.PHONE
        wait_seconds = await self._messages.take(address.lower(), by_sms=by_sms, person=str(user.id), device=device)
        if wait_seconds is not None:
            return TooManyAttempts(wait_seconds)
        code, purpose, now = new_code(self._random_bytes), Purpose(channel.value), self._clock()
        await self._challenges.open(
            Challenge(
                id=ChallengeId(self._ids()),
                user_id=user.id,
                purpose=purpose,
                secret_hash=code_hash(self._code_key, user.id, purpose, code),
                subject=address,
                created_at=now,
                expires_at=now + CODE_LASTS,
            )
        )
        self._send(channel, address, address_code(code, minutes=CODE_LASTS.seconds // 60))
        return None

    def _send(self, channel: Channel, address: str, letter: Letter) -> None:
        match channel:
            case Channel.EMAIL:
                self._post.to_email(address, letter)
            case Channel.PHONE:
                self._post.to_phone(address, letter)


def _address(user: User, channel: Channel) -> str | None:
    return user.email if channel is Channel.EMAIL else user.phone


def _is_verified(user: User, channel: Channel) -> bool:
    return (user.email_verified_at if channel is Channel.EMAIL else user.phone_verified_at) is not None
