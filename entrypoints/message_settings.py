"""How messages leave the service, as the operator decided."""

from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError

from entrypoints.environment import Reader, Secret, SettingDescription

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
        name="MAILBOX",
        default=None,
        meaning="in development: a folder that all messages go to instead, shown at `/dev/mailbox`",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOutlets:
    """Where messages go. Nowhere, where neither a server nor a folder is named."""

    smtp_url: Secret | None
    mail_from: str
    mailbox: Path | None


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
    return MessageOutlets(smtp_url=smtp_url, mail_from=mail_from, mailbox=mailbox)


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
