"""Sessions in memory, in as many processes as a test wants, on clocks that it sets."""

import asyncio
from datetime import timedelta

from wallet_core.identity.entities import AccessClaims, Device, User
from wallet_core.identity.session import Granted
from wallet_core.identity.session_memory import SessionMemory
from wallet_core.identity.session_ports import SessionRepository
from wallet_core.identity.session_watch import SessionWatch
from wallet_core.identity.sessions import SessionRules, Sessions
from wallet_core.money import Currencies
from wallet_core.notifications.post import Post, Secretary
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.notifications import PlainStationery, RecordingNotifier
from wallet_core.testing.security import InMemoryAccessTokens
from wallet_core.testing.sessions import InMemoryRefreshTokens, InMemorySessionNews

IDLE = timedelta(seconds=30)
LIFETIME = timedelta(hours=12)
LAPTOP = Device(name="laptop", address="192.0.2.1")


class Process:
    """What one process makes of sessions that all keep in the same place."""

    def __init__(
        self,
        stage: "SessionStage",
        repository: SessionRepository,
        *,
        memory_max: int = 1_000,
        idle: timedelta = IDLE,
    ) -> None:
        self.memory = SessionMemory(idle=idle, size_max=memory_max)
        news = InMemorySessionNews(stage.listeners)
        self.watch = SessionWatch(
            repository,
            self.memory,
            news,
            clock=stage.clock,
            monotonic=lambda: stage.clock().timestamp(),
            report=stage.troubles.append,
        )
        self.sessions = Sessions(
            repository,
            self.memory,
            self.watch,
            stage.tokens,
            stage.refresh_tokens,
            news=news,
            rules=SessionRules(lifetime=LIFETIME, idle=idle),
            ids=new_id,
            clock=stage.clock,
        )


class SessionStage:
    """A place where sessions are kept, and one process; more of them by `process`."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.device = LAPTOP
        self.books = InMemoryBooks(self.clock)
        self.tokens = InMemoryAccessTokens(clock=self.clock, lifetime_seconds=86_400)
        self.refresh_tokens = InMemoryRefreshTokens()
        self.notifier = RecordingNotifier()
        self.post = Post(self.notifier, PlainStationery())
        self.listeners: list[asyncio.Event] = []
        self.troubles: list[Exception] = []
        self.first = self.process()
        self.sessions = self.first.sessions

    def process(self, repository: SessionRepository | None = None, *, memory_max: int = 1_000) -> Process:
        """One more process, at the same place or by way of another."""
        return Process(self, repository or self.books.sessions, memory_max=memory_max)

    async def person(self) -> User:
        """Somebody new."""
        user = a_user()
        await self.books.users.add(user, "hash")
        return user

    async def log_in(self, user: User | None = None) -> tuple[Granted, AccessClaims]:
        """A new session, and the claims of its token."""
        granted = await self.sessions.start(user or await self.person(), LAPTOP)
        assert granted is not None
        return granted, self.claims(granted)

    def claims(self, granted: Granted) -> AccessClaims:
        """What the access token says."""
        claims = self.tokens.check(granted.access.token)
        assert claims is not None
        return claims

    async def tell(self) -> None:
        """Have people told of all that happened, as a worker does: what goes out is with the rest that was sent."""
        await self.books.outbox.relay(events_max=1_000)
        secretary = Secretary(PlainStationery(), Currencies([]))
        for delivery in await self.books.deliveries.claim(at_most=1_000, lease=timedelta(minutes=1)):
            self.notifier.send(secretary.write(delivery))

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, everywhere."""
        self.clock.advance(timedelta(seconds=seconds))
