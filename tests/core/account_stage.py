"""Passwords, links and codes in memory: everything that is sent is kept, and time passes when a test says so."""

import re
from datetime import timedelta
from itertools import count

from tests.core.session_stage import LAPTOP, SessionStage
from wallet_core.identity.addresses import Addresses
from wallet_core.identity.entities import User
from wallet_core.identity.passwords import PasswordRules, Passwords
from wallet_core.identity.people import People
from wallet_core.identity.recovery import Recovery
from wallet_core.identity.throttling import (
    Act,
    Backoff,
    CappedMessages,
    CountedAttempts,
    Digests,
    MessageCaps,
    Rate,
)
from wallet_core.notifications.messages import Message
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.notifications import HeldJobs
from wallet_core.testing.security import InMemoryCommonPasswords, InMemoryPasswordHasher
from wallet_core.testing.throttling import InMemoryClientLimits, InMemoryFailureCounters, InMemoryMessageCounters

PASSWORD = "correct horse battery"
PUBLIC_URL = "https://wallet.example"
EMAIL, PHONE = "alice@example.org", "+41446681800"


class AccountStage(SessionStage):
    """One process with all that people do about who they are."""

    def __init__(self) -> None:
        super().__init__()
        self.hasher = InMemoryPasswordHasher()
        self.jobs = HeldJobs()
        self.digests = Digests(b"a secret of the stage")
        rates = {Act.RESET: Rate(most=100, seconds=3_600), Act.SIGN_UP: Rate(most=10, seconds=3_600)}
        self.client_limits = InMemoryClientLimits(self.clock, rates)
        self.messages = CappedMessages(
            MessageCaps(),
            counters=InMemoryMessageCounters(self.clock),
            clients=self.client_limits,
            digests=self.digests,
        )
        numbers = count(1)
        self.random_bytes = lambda size: next(numbers).to_bytes(size)
        rules = PasswordRules(InMemoryCommonPasswords())
        self.addresses = Addresses(
            self.books.users,
            self.books.challenges,
            self.messages,
            self.attempts(Act.CODE),
            self.post,
            self.jobs,
            code_key=b"a key of the stage",
            random_bytes=self.random_bytes,
            ids=new_id,
            clock=self.clock,
        )
        self.people = People(
            self.books.users,
            self.hasher,
            rules,
            self.addresses,
            self.attempts(Act.SIGN_UP),
            ids=new_id,
            clock=self.clock,
        )
        self.passwords = Passwords(
            self.books.users,
            self.hasher,
            rules,
            self.books.challenges,
            self.sessions,
            self.attempts(Act.CODE),
            clock=self.clock,
        )
        self.recovery = Recovery(
            self.books.users,
            self.books.challenges,
            self.passwords,
            self.messages,
            self.post,
            self.jobs,
            self.attempts(Act.RESET),
            public_url=PUBLIC_URL,
            random_bytes=self.random_bytes,
            ids=new_id,
            clock=self.clock,
        )

    def attempts(self, act: Act) -> CountedAttempts:
        """A count of attempts at something."""
        return CountedAttempts(
            act,
            failures=InMemoryFailureCounters(self.clock, Backoff()),
            clients=self.client_limits,
            digests=self.digests,
        )

    async def alice(self, *, email: str | None = EMAIL, phone: str | None = None, verified: bool = True) -> User:
        """Somebody with a password."""
        user = a_user(email=email, phone=phone, verified=verified)
        await self.books.users.add(user, await self.hasher.hash(PASSWORD))
        return user

    async def watched(self) -> None:
        """Have the process know what became of sessions so far; what comes next is later."""
        await self.first.watch.caught_up()
        self.pass_time(seconds=1)

    async def user(self, user: User) -> User:
        """The person as they are now."""
        found = await self.books.users.by_id(user.id)
        assert found is not None
        return found

    async def knows(self, user: User, password: str) -> bool:
        """Whether that is their password."""
        return await self.hasher.verify(password, await self.books.users.password_hash(user.id))

    async def sent(self, address: str = EMAIL) -> list[Message]:
        """All that was sent to an address, once what was put off is done and what happened is told."""
        await self.jobs.finish()
        await self.tell()
        return self.notifier.to(address)

    async def link_token(self, address: str = EMAIL) -> str:
        """A token that was sent to an address just now, at their own request."""
        by_email = "@" in address
        await self.recovery.forgot(
            email=address if by_email else None, phone=None if by_email else address, device=LAPTOP
        )
        *_, last = await self.sent(address)
        return token_in(last)

    def pass_time(self, **how_much: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**how_much))


def token_in(message: Message) -> str:
    """The token of the link that a message holds."""
    found = re.search(re.escape(PUBLIC_URL) + r"/reset-password#token=([A-Za-z0-9_-]{43})(?:\s|$)", message.body)
    assert found is not None, message.body
    return found[1]


def code_in(message: Message) -> str:
    """The code that a message holds."""
    found = re.search(r"\b[0-9]{6}\b", message.body)
    assert found is not None, message.body
    return found[0]
