"""What is sent to people. None of it shows in a log: what it says may be a secret, and whom it is for is personal."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A letter to an email address, in plain text, and as HTML too where there is that."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    reference: UUID | None = field(default=None, compare=False)
    """The same each time that the message is sent, so that whoever gets it twice can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message to a phone number (E.164)."""

    to: str = field(repr=False)
    body: str = field(repr=False)


Message: TypeAlias = Mail | Sms


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as it lies in a mailbox."""

    id: UUID
    message: Message
    received_at: datetime
