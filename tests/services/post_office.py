"""A mail server of the test's own, which does with mail what the test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

from entrypoints.embedded.ports import LOOPBACK, free_port

TAKEN = "250 taken"


class PostOffice:
    """Takes mail, unless it was told to `answer` something else, to be slow or to be silent.

    `sent` counts how often each message was taken, by what names it; `is_deaf` takes it and never says so.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.answer = TAKEN
        self.pause_seconds = 0.0
        self.is_deaf = False
        self.keeps_letters = True
        self.letters: list[EmailMessage] = []
        self.sent: Counter[str] = Counter()
        self.asked = 0

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"smtp+plain://{LOOPBACK}:{self.port}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - so called
        self.asked += 1
        assert isinstance(envelope.content, bytes)
        if self.answer != TAKEN:
            return self.answer
        letter = message_from_bytes(envelope.content, EmailMessage, policy=default)
        self.sent[str(letter["Message-ID"])] += 1
        if self.keeps_letters:
            self.letters.append(letter)
        if self.is_deaf:
            await asyncio.sleep(3_600)
        await asyncio.sleep(self.pause_seconds)
        return TAKEN


@asynccontextmanager
async def a_post_office() -> AsyncIterator[PostOffice]:
    """A mail server while the block runs."""
    office = PostOffice(free_port())
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def make() -> SMTP:
        session = SMTP(office, loop=loop, enable_SMTPUTF8=True)
        sessions.append(session)
        return session

    server = await loop.create_server(make, LOOPBACK, office.port)
    try:
        yield office
    finally:
        server.close()
        for session in sessions:
            if session.transport is not None:
                session.transport.abort()
        await server.wait_closed()
