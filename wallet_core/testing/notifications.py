"""Messages that go nowhere, for tests to look at."""

import html
from collections import deque
from datetime import datetime
from uuid import UUID

from wallet_core.clock import Clock, system_clock
from wallet_core.notifications.background import Job
from wallet_core.notifications.letters import Letter
from wallet_core.notifications.messages import Mail, Message, Received
from wallet_core.testing.builders import new_id


class RecordingNotifier:
    """A Notifier that keeps what it was sent, in `sent`."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """As Notifier.send."""
        self.sent.append(message)

    def to(self, address: str) -> list[Message]:
        """What was sent to that address, in order."""
        return [message for message in self.sent if message.to == address]


class PlainStationery:
    """A Stationery without any looks."""

    def mail(self, letter: Letter, *, to: str, reference: UUID | None = None) -> Mail:
        """As Stationery.mail."""
        body = f"Hello,\n\n{letter.text}\n\nWallet\n"
        page = f"<title>{html.escape(letter.subject)}</title><p>{html.escape(body)}</p>"
        return Mail(to=to, subject=letter.subject, body=body, html=page, reference=reference)


class InMemoryMailbox:
    """A Courier and a Mailbox in one: what is delivered lies there, the last `kept_max` messages of it.

    Raises what `fault` holds, as long as it holds anything.
    """

    def __init__(self, *, clock: Clock = system_clock, kept_max: int = 200) -> None:
        self._clock = clock
        self._received: deque[Received] = deque(maxlen=kept_max)
        self.fault: Exception | None = None

    async def deliver(self, message: Message) -> None:
        """As Courier.deliver."""
        if self.fault is not None:
            raise self.fault
        now: datetime = self._clock()
        self._received.append(Received(id=new_id(), message=message, received_at=now))

    async def newest(self, number: int, *, to: str | None = None) -> list[Received]:
        """As Mailbox.newest."""
        found = [each for each in reversed(self._received) if to is None or each.message.to.lower() == to.lower()]
        return found[:number]


class HeldJobs:
    """A Background that keeps jobs until the test has them done."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.is_full = False

    def start(self, job: Job) -> bool:
        """As Background.start."""
        if self.is_full:
            return False
        self.jobs.append(job)
        return True

    async def finish(self) -> None:
        """Do all that was started."""
        while self.jobs:
            await self.jobs.pop(0)()
