"""How messages leave the service, as the operator decided."""

import re
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError

from entrypoints.environment import Reader, Secret, SettingDescription
from wallet_core.notifications.notices import Channel

_SMS_SENDER: Final = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}", re.ASCII)
_SCHEMES: Final = ("smtp", "smtps", "smtp+plain")

MESSAGE_TABLE: Final = (
    SettingDescription(
        name="SMTP_URL",
        default=None,
        meaning="mail server, as `smtp://user:password@host:587` (STARTTLS, or nothing is sent), `smtps://` (TLS) or "
        "`smtp+plain://` (not encrypted); without it no mail is sent",
        secret=True,
    ),
    SettingDescription(
        name="MAIL_FROM",
        default=None,
        meaning="who mail is from, as `Wallet <wallet@wallet.example>`; needed for SMTP_URL",
    ),
    SettingDescription(
        name="TWILIO_ACCOUNT_SID",
        default=None,
        meaning="account at Twilio that sends text messages (the extra `twilio`); without it none are sent",
    ),
    SettingDescription(name="TWILIO_AUTH_TOKEN", default=None, meaning="that account's token", secret=True),
    SettingDescription(
        name="TWILIO_FROM",
        default=None,
        meaning="number that text messages are from, as `+15005550006`, or a messaging service, as `MG…`",
    ),
    SettingDescription(
        name="MAILBOX",
        default=None,
        meaning="in development: a folder that all messages go to instead, shown at `/dev/mailbox`",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """Who sends text messages for us."""

    sid: str
    token: Secret
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOutlets:
    """Where messages go. Nowhere, where neither a server nor a folder is named."""

    smtp_url: Secret | None
    mail_from: str
    mailbox: Path | None
    twilio: TwilioAccount | None = None

    @property
    def channels(self) -> frozenset[Channel]:
        """How anything reaches anybody."""
        if self.mailbox is not None:
            return frozenset(Channel)
        reached = {Channel.MAIL: self.smtp_url is not None, Channel.SMS: self.twilio is not None}
        return frozenset(channel for channel, is_open in reached.items() if is_open)


def message_outlets_of(reader: Reader, *, is_development: bool) -> MessageOutlets:
    """All of it, as the variables say."""
    smtp_url = reader.secret("SMTP_URL", _check_server) if reader.has("SMTP_URL") else None
    mail_from = reader.parsed("MAIL_FROM", _sender, placeholder="") if reader.has("MAIL_FROM") else ""
    mailbox = Path(reader.text("MAILBOX")) if reader.has("MAILBOX") else None
    if smtp_url is not None and not reader.has("MAIL_FROM"):
        reader.fault("MAIL_FROM", "Must be set where SMTP_URL is.")
    if smtp_url is not None and not reader.has("PUBLIC_URL"):
        reader.fault("PUBLIC_URL", "Must be set where SMTP_URL is: links in mails lead there.")
    if mailbox is not None and not is_development:
        reader.fault("MAILBOX", "Must not be set in production: whoever reads the folder can be anybody.")
    if mailbox is not None and smtp_url is not None:
        reader.fault("MAILBOX", "Set this or SMTP_URL, not both.")
    if mailbox is not None and reader.has("TWILIO_ACCOUNT_SID"):
        reader.fault("MAILBOX", "Set this or TWILIO_ACCOUNT_SID, not both.")
    return MessageOutlets(smtp_url=smtp_url, mail_from=mail_from, mailbox=mailbox, twilio=_twilio(reader))


def _twilio(reader: Reader) -> TwilioAccount | None:
    """All three of its variables or none."""
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    given = [name for name in names if reader.has(name)]
    if not given:
        return None
    for name in names:
        if name not in given:
            reader.fault(name, f"Must be set where {given[0]} is.")
    if len(given) < len(names):
        return None
    return TwilioAccount(
        sid=reader.text("TWILIO_ACCOUNT_SID"),
        token=reader.secret("TWILIO_AUTH_TOKEN", _check_token),
        sender=reader.parsed("TWILIO_FROM", _sms_sender, placeholder=""),
    )


def _check_token(written: str) -> None:
    if not written.isascii() or not written.isalnum():
        raise ValidationError("Must be a token as Twilio shows it.")


def _sms_sender(written: str) -> str:
    if not _SMS_SENDER.fullmatch(written):
        raise ValidationError("Must be a number such as +15005550006, or the id of a messaging service.")
    return written


def _check_server(written: str) -> None:
    try:
        parts = urlsplit(written)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValidationError("Must be a URL such as smtp://user:password@host:587.")


def _sender(written: str) -> str:
    try:
        validate_email(parseaddr(written)[1], check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValidationError("Must be an address such as Wallet <wallet@wallet.example>.") from None
    return written
