"""People in memory."""

from dataclasses import replace
from datetime import datetime

from wallet_core.clock import system_clock
from wallet_core.identity.changes import addresses_changed, password_changed
from wallet_core.identity.entities import User
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.records import Records


class InMemoryUserRepository:
    """A UserRepository over the people of `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def add(self, user: User, password_hash: str) -> Taken | None:
        """As UserRepository.add. Raises ValueError for a person without any address."""
        if user.email is None and user.phone is None:
            raise ValueError("A person is reached by an email address, a phone number, or both.")
        if self._reached(email=user.email) is not None:
            return Taken.EMAIL
        if self._reached(phone=user.phone) is not None:
            return Taken.PHONE
        self._records.users[user.id] = user
        self._records.password_hashes[user.id] = password_hash
        return None

    async def by_id(self, user_id: UserId) -> User | None:
        """As UserRepository.by_id."""
        return self._records.users.get(user_id)

    async def by_address(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        """As UserRepository.by_address."""
        found = self._reached(email=email, phone=phone)
        if found is None or email is None or phone is None:
            return found
        return found if self._reached(email=email) == self._reached(phone=phone) else None

    async def password_hash(self, user_id: UserId) -> str | None:
        """As UserRepository.password_hash."""
        return self._records.password_hashes.get(user_id)

    async def replace_password_hash(self, user_id: UserId, hashed: str, *, instead_of: str) -> bool:
        """As UserRepository.replace_password_hash."""
        if self._records.password_hashes.get(user_id) != instead_of:
            return False
        self._records.password_hashes[user_id] = hashed
        return True

    async def change_password(
        self, user_id: UserId, hashed: str, *, instead_of: str | None, spared: SessionId | None, now: datetime
    ) -> bool:
        """As UserRepository.change_password."""
        if user_id not in self._records.users or instead_of not in (None, self._records.password_hashes[user_id]):
            return False
        self._records.password_hashes[user_id] = hashed
        for session in list(self._records.sessions.values()):
            if session.user_id == user_id and session.id != spared and session.ended_at is None:
                self._records.sessions[session.id] = replace(
                    session, ended_at=now, ended_because=SessionEnd.PASSWORD_CHANGED, changed_at=system_clock()
                )
        self._records.note(password_changed(user_id))
        return True

    async def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        time_zone: str | None = None,
    ) -> User | Taken | None:
        """As UserRepository.change."""
        kept = self._records.users.get(user_id)
        if kept is None:
            return None
        for taken, reached in ((Taken.EMAIL, self._reached(email=email)), (Taken.PHONE, self._reached(phone=phone))):
            if reached is not None and reached.id != user_id:
                return taken
        same_email = email is None or (kept.email is not None and kept.email.lower() == email.lower())
        same_phone = phone is None or kept.phone == phone
        changed = replace(
            kept,
            name=name or kept.name,
            email=email or kept.email,
            email_verified_at=kept.email_verified_at if same_email else None,
            phone=phone or kept.phone,
            phone_verified_at=kept.phone_verified_at if same_phone else None,
            time_zone=time_zone or kept.time_zone,
        )
        self._records.users[user_id] = changed
        self._records.note(*addresses_changed(kept, changed))
        return changed

    async def verify_address(
        self, user_id: UserId, *, email: str | None = None, phone: str | None = None, now: datetime
    ) -> User | None:
        """As UserRepository.verify_address."""
        kept = self._records.users.get(user_id)
        if kept is None:
            return None
        if email is not None and kept.email is not None and kept.email.lower() == email.lower():
            kept = replace(kept, email_verified_at=kept.email_verified_at or now)
        if phone is not None and kept.phone == phone:
            kept = replace(kept, phone_verified_at=kept.phone_verified_at or now)
        self._records.users[user_id] = kept
        return kept

    async def warn(self, user_id: UserId, *, now: datetime, unless_since: datetime) -> bool:
        """As UserRepository.warn."""
        warned_at = self._records.warned_at.get(user_id)
        if user_id not in self._records.users or (warned_at is not None and warned_at > unless_since):
            return False
        self._records.warned_at[user_id] = now
        return True

    def _reached(self, *, email: str | None = None, phone: str | None = None) -> User | None:
        for user in self._records.users.values():
            if email is not None and user.email is not None and user.email.lower() == email.lower():
                return user
            if phone is not None and user.phone == phone:
                return user
        return None
