"""What the operator decided about whoever means harm: how often things may be tried, and from where."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from marshmallow import ValidationError

from entrypoints.environment import Reader, SettingDescription
from wallet_core.identity.throttling import Act, Backoff, MessageCaps, Rate, Rates

T = TypeVar("T")
Network: TypeAlias = IPv4Network | IPv6Network

LOGINS_SECONDS: Final = 600
HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
_PER_CLIENT: Final = (Act.LOG_IN, Act.SIGN_UP, Act.RESET, Act.CODE, Act.MESSAGE)
_CLIENT_LIMITS: Final = "login=300/900,signup=1000/3600,reset=300/3600,code=300/900,message=2000/86400"


def _row(name: str, default: str | None, meaning: str) -> SettingDescription:
    return SettingDescription(name=name, default=default, meaning=meaning)


PROTECTION_TABLE: Final = (
    _row("PUBLIC_URL", None, "where people reach the service, as `https://wallet.example`"),
    _row(
        "TRUSTED_PROXIES",
        None,
        "networks of the proxies in front, as `10.0.0.0/8,fd00::/8`: only their `X-Forwarded-For` is believed",
    ),
    _row("CORS_ORIGINS", None, "whose pages may call the API, as `https://app.example`, separated by commas"),
    _row(
        "CLIENT_LIMITS",
        _CLIENT_LIMITS,
        "most that one client address may do, as `what=number/seconds`: failed log-ins, sign-ups, resets, wrong codes, "
        "messages it asks for",
    ),
    _row("FAILURES_FREE", "5", "failed attempts on one account that cost no wait; from then on 1 s, doubled each time"),
    _row("FAILURE_WAIT_SECONDS", "900", "longest such wait"),
    _row(
        "LOGINS_PER_ACCOUNT",
        "100",
        "successful log-ins of one account in ten minutes: each costs time and leaves a session",
    ),
    _row("MESSAGES_PER_HOUR", "3", "codes and reset mails that one address gets in an hour"),
    _row("MESSAGES_PER_PERSON", "20", "codes that one person may ask for in a day"),
    _row("SMS_PER_DAY", "1000", "text messages that people may ask for in a day, all together: they cost money"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How often things may be tried, and whom the service believes where they come from."""

    public_url: str | None
    trusted_proxies: tuple[Network, ...]
    cors_origins: frozenset[str]
    rates: Rates
    backoff: Backoff
    message_caps: MessageCaps

    @property
    def is_https(self) -> bool:
        """Whether people reach the service by TLS, here or at a proxy in front."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins of pages that may use cookies: its own, and those that may call the API."""
        return self.cors_origins if self.public_url is None else self.cors_origins | {origin_of(self.public_url)}


def protection_of(reader: Reader) -> Protection:
    """All of it, as the variables say."""
    rates = reader.parsed("CLIENT_LIMITS", _rates, placeholder=dict[Act, Rate]())
    logins = reader.integer("LOGINS_PER_ACCOUNT", least=1, most=1_000_000_000)
    sms = reader.integer("SMS_PER_DAY", least=1, most=1_000_000_000)
    return Protection(
        public_url=_given(reader, "PUBLIC_URL", _public_url, None),
        trusted_proxies=_given(reader, "TRUSTED_PROXIES", _networks, ()),
        cors_origins=_given(reader, "CORS_ORIGINS", _origins, frozenset[str]()),
        rates={
            **rates,
            Act.LOGGED_IN: Rate(most=logins, seconds=LOGINS_SECONDS),
            Act.SMS: Rate(most=sms, seconds=DAY_SECONDS),
        },
        backoff=Backoff(
            free=reader.integer("FAILURES_FREE", least=1, most=100),
            seconds_max=reader.integer("FAILURE_WAIT_SECONDS", least=1, most=DAY_SECONDS),
        ),
        message_caps=MessageCaps(
            to_one_address=Rate(most=reader.integer("MESSAGES_PER_HOUR", least=1, most=1_000), seconds=HOUR_SECONDS),
            of_one_person=Rate(most=reader.integer("MESSAGES_PER_PERSON", least=1, most=1_000), seconds=DAY_SECONDS),
        ),
    )


def origin_of(url: str) -> str:
    """The origin of a URL as browsers write it: no path, small letters, no port that goes without saying."""
    parts = urlsplit(url)
    port = parts.port
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    unsaid = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" if port in (None, unsaid) else f"{parts.scheme}://{host}:{port}"


def _given(reader: Reader, name: str, parse: Callable[[str], T], absent: T) -> T:
    return reader.parsed(name, parse, placeholder=absent) if reader.has(name) else absent


def _rates(written: str) -> dict[Act, Rate]:
    """Parse `login=300/900,signup=1000/3600`: every act, once."""
    rates: dict[Act, Rate] = {}
    for entry in _parts(written):
        name, _, figures = entry.partition("=")
        most, _, seconds = figures.partition("/")
        acts = {act.value: act for act in _PER_CLIENT}
        if name not in acts or not all(_is_whole(figure) for figure in (most, seconds)):
            raise ValidationError(f"Must be written as login=300/900 (number/seconds); there are {', '.join(acts)}.")
        if acts[name] in rates:
            raise ValidationError(f"{name} stands there twice.")
        rates[acts[name]] = Rate(most=int(most), seconds=int(seconds))
    missing = [act.value for act in _PER_CLIENT if act not in rates]
    if missing:
        raise ValidationError(f"Must say it of every one; missing: {', '.join(missing)}.")
    return rates


def _is_whole(figure: str) -> bool:
    return figure.isascii() and figure.isdecimal() and 1 <= len(figure) <= 9 and int(figure) > 0


def _public_url(written: str) -> str:
    parts = _split(written)
    if parts is None or parts.query or parts.fragment:
        raise ValidationError("Must be a URL such as https://wallet.example.")
    return written.rstrip("/")


def _networks(written: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part) for part in _parts(written))
    except ValueError as error:
        raise ValidationError(f"Must be networks such as 10.0.0.0/8: {error}.") from None


def _origins(written: str) -> frozenset[str]:
    origins = frozenset(_parts(written))
    for origin in origins:
        if _split(origin) is None or origin_of(origin) != origin or "*" in origin:
            raise ValidationError("Must be origins such as https://app.example, in small letters and without a *.")
    return origins


def _split(written: str) -> SplitResult | None:
    """The parts of an http or https URL that names a host and nobody's password; nothing for what is none."""
    try:
        parts = urlsplit(written)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and "@" not in parts.netloc else None


def _parts(written: str) -> list[str]:
    return [part.strip() for part in written.split(",") if part.strip()]
