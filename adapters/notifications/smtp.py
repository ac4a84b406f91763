"""Mail by SMTP."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final, assert_never
from urllib.parse import unquote, urlsplit

import aiosmtplib

from wallet_core.clock import Clock
from wallet_core.faults import Unavailable
from wallet_core.notifications.messages import Mail, Message, Sms
from wallet_core.notifications.ports import Undeliverable

ANSWER_SECONDS_MAX: Final = 10.0
GOODBYE_SECONDS_MAX: Final = 1.0
_PERMANENT: Final = 500
_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """Who takes our mail, and how we talk to them."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    start_tls: bool
    use_tls: bool


class SmtpCourier:
    """A Courier of mail to the server at `url`, over a connection of its own for each message.

    `smtp://` begins in the clear and becomes TLS by STARTTLS before anything is said, or is given up; `smtps://` is TLS
    from its first byte; `smtp+plain://` is never encrypted. Text messages are not taken.
    """

    def __init__(
        self,
        url: str,
        *,
        sender: str,
        clock: Clock,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """`sender` is an address, with a name or without; `trusted` says which servers are, else the machine does."""
        self._server = _server_of(url)
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]
        self._clock = clock
        self._answer_seconds_max = answer_seconds_max
        self._trusted = trusted

    async def deliver(self, message: Message) -> None:
        """As Courier.deliver."""
        match message:
            case Mail():
                await self._send(self._written(message))
            case Sms():
                raise Undeliverable("A mail server takes no text messages.")
            case _:
                assert_never(message)

    def _written(self, mail: Mail) -> EmailMessage:
        written = EmailMessage(policy=SMTP)
        try:
            written["From"] = self._sender
            written["To"] = mail.to
            written["Subject"] = mail.subject
        except ValueError:  # a line break, say, where a header must have none
            raise Undeliverable("A mail cannot be written.") from None
        if [each.addr_spec for each in written["To"].addresses] != [mail.to]:
            # An encoded word, say: it would be taken to whoever it reads like when it is decoded.
            raise Undeliverable("A mail cannot be written to such an address.")
        written["Date"] = format_datetime(self._clock())
        written["Message-ID"] = (
            make_msgid(domain=self._domain) if mail.reference is None else f"<{mail.reference}@{self._domain}>"
        )
        # Keeps robots from answering.
        written["Auto-Submitted"] = "auto-generated"
        written.set_content(mail.body)
        if mail.html is not None:
            written.add_alternative(mail.html, subtype="html")
        return written

    async def _send(self, written: EmailMessage) -> None:
        server = self._server
        link = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            start_tls=server.start_tls,
            use_tls=server.use_tls,
            tls_context=self._trusted,
            timeout=self._answer_seconds_max,
        )
        # Not as a context: that would ask a server that hangs to end the conversation, and wait for its answer.
        try:
            with _faults():
                await link.connect()
                await link.send_message(written)
            await _take_leave(link)
        finally:
            link.close()


async def _take_leave(link: aiosmtplib.SMTP) -> None:
    """Say goodbye. The mail was taken, whatever comes of this."""
    try:
        async with asyncio.timeout(GOODBYE_SECONDS_MAX):
            await link.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return


@contextmanager
def _faults() -> Iterator[None]:
    """Say in the core's words what went wrong, and never in the server's: those may name the address."""
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as refused:
        raise _fault_of(min(each.code for each in refused.recipients)) from None
    except aiosmtplib.SMTPDataError as refused:
        raise _fault_of(refused.code) from None
    except aiosmtplib.SMTPResponseException as refused:
        # Of us, before there was a mail: our password or our address is what has to be seen to.
        raise Unavailable(f"The mail server refuses us ({refused.code}).") from None
    except aiosmtplib.SMTPNotSupported:
        raise Undeliverable("The mail server cannot take such an address.") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unavailable(f"The mail server does not answer: {type(error).__name__}.") from None


def _fault_of(code: int) -> Unavailable | Undeliverable:
    said = f"The mail server refuses a mail ({code})."
    return Undeliverable(said) if code >= _PERMANENT else Unavailable(said)


def _server_of(url: str) -> _Server:
    parts = urlsplit(url)
    return _Server(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        start_tls=parts.scheme == "smtp",
        use_tls=parts.scheme == "smtps",
    )
