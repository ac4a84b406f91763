"""Settings: read from the environment once, checked whole, and told apart from everything secret."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import iso4217
from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range

from wallet_core.money import Currencies, Currency, InvalidAmountError

T = TypeVar("T")

SECRET_BYTES_MIN: Final = 32
PRODUCTION_BCRYPT_COST_MIN: Final = 12


class SettingsError(ValueError):
    """The environment does not describe a service that may start. The message has one fault a line, and no secret."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Secret:
    """Text that shows itself only when asked: no log line, traceback or JSON document prints it by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('…')"


class Environment(StrEnum):
    """Whose service this is: a developer's own, or everybody's."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMaxima:
    """The most that one person may move in one currency, in its minor units."""

    daily: int
    monthly: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyLimits:
    """A currency's default limits, one for each kind of movement that has any."""

    transfer: LimitMaxima
    withdrawal: LimitMaxima


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDescription:
    """One variable of the environment. A secret one may also be named with `_FILE` and hold the path of a file."""

    name: str
    default: str | None
    meaning: str
    required: bool = False
    secret: bool = False


_DEFAULT_LIMITS: Final = (
    "USD=100.00/1000.00,EUR=100.00/1000.00,GBP=100.00/1000.00,INR=10000.00/100000.00,JPY=15000/150000"
)


def _row(name: str, default: str | None, meaning: str) -> SettingDescription:
    return SettingDescription(name=name, default=default, meaning=meaning)


def _secret(name: str, meaning: str, *, required: bool = True) -> SettingDescription:
    return SettingDescription(name=name, default=None, meaning=meaning, required=required, secret=True)


_TABLE: Final = (
    _row("WALLET_ENV", "production", "`production`, or `development`, which also takes example secrets"),
    _secret("DATABASE_URL", "PostgreSQL, as `postgresql://user:password@host:port/name`"),
    _secret("REDIS_URL", "Redis or Valkey, as `redis://host:port/0`; without it nothing is cached", required=False),
    _secret("JWT_SECRET", "signs access tokens; 32 bytes or more"),
    _secret("PASSWORD_PEPPER", "mixed into every password before it is hashed; 32 bytes or more; never changes"),
    _row("JWT_ISSUER", "wallet", "`iss` of access tokens"),
    _row("JWT_AUDIENCE", "wallet-api", "`aud` of access tokens"),
    _row("ACCESS_TOKEN_SECONDS", "600", "how long an access token lasts"),
    _row("HOST", "127.0.0.1", "address to listen on"),
    _row("PORT", "8000", "port to listen on"),
    _row("WORKERS", "1", "processes that serve HTTP on the one port"),
    _row("LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`"),
    _row("ACCESS_LOG", "false", "whether each request is logged"),
    _row("CURRENCIES", "USD,EUR,GBP,INR,JPY", "ISO 4217 codes of the currencies people may hold"),
    _row("TRANSFER_LIMITS", _DEFAULT_LIMITS, "most that a person may send, as `USD=daily/monthly`, per currency"),
    _row("WITHDRAWAL_LIMITS", _DEFAULT_LIMITS, "most that a person may withdraw, as `USD=daily/monthly`, per currency"),
    _row("WALLETS_PER_PERSON", "10", "how many wallets one person may open"),
    _row("REQUIRE_IDEMPOTENCY_KEY", "true", "whether transfers and withdrawals need an `Idempotency-Key`"),
    _row("BATCH_MAX", "512", "most movements that are committed together"),
    _row("IN_FLIGHT_MAX", "2", "batches that one process commits at a time; less than DATABASE_POOL_SIZE"),
    _row("QUEUE_MAX", "4096", "movements that may wait in one process; the next is answered 503"),
    _row("REQUIRE_DURABLE_DATABASE", "true", "refuse to start where PostgreSQL could lose what it committed"),
    _row("REQUESTS_MAX", "512", "requests that one process works on at a time; the next is answered 503"),
    _row(
        "DATABASE_POOL_SIZE",
        "10",
        "connections to PostgreSQL of one process; IN_FLIGHT_MAX of them move money, the others read",
    ),
    _row("BCRYPT_COST", "12", "work factor of password hashes; 12 or more in production"),
    _row("BODY_MAX_BYTES", "65536", "longest request body"),
    _row("SHUTDOWN_SECONDS", "10", "how long requests in flight may take to finish when the service stops"),
)


def describe_settings() -> list[SettingDescription]:
    """Every variable that is read, in the order of the table in the README."""
    return list(_TABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided. Each field is the variable of that name; limits are by currency code."""

    environment: Environment
    database_url: Secret
    redis_url: Secret | None
    jwt_secret: Secret
    password_pepper: Secret
    jwt_issuer: str
    jwt_audience: str
    access_token_seconds: int
    host: str
    port: int
    workers: int
    log_level: str
    access_log: bool
    currencies: Currencies
    limits: Mapping[str, CurrencyLimits]
    wallets_per_person: int
    require_idempotency_key: bool
    batch_max: int
    in_flight_max: int
    queue_max: int
    require_durable_database: bool
    requests_max: int
    database_pool_size: int
    bcrypt_cost: int
    body_max_bytes: int
    shutdown_seconds: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check all variables. An empty one counts as not set. Raises SettingsError with every fault."""
        reader = _Reader(environ)
        environment = Environment(
            reader.choice("WALLET_ENV", [each.value for each in Environment], placeholder="production")
        )
        currencies = reader.parsed("CURRENCIES", _currencies, placeholder=Currencies([]))
        settings = cls(
            environment=environment,
            database_url=reader.secret("DATABASE_URL", _url("postgresql", "postgres")),
            redis_url=reader.secret("REDIS_URL", _url("redis", "rediss", "unix")) if reader.has("REDIS_URL") else None,
            jwt_secret=reader.secret("JWT_SECRET", _strong_in(environment)),
            password_pepper=reader.secret("PASSWORD_PEPPER", _strong_in(environment)),
            jwt_issuer=reader.text("JWT_ISSUER"),
            jwt_audience=reader.text("JWT_AUDIENCE"),
            access_token_seconds=reader.integer("ACCESS_TOKEN_SECONDS", least=1, most=86_400),
            host=reader.text("HOST"),
            port=reader.integer("PORT", least=0, most=65_535),
            workers=reader.integer("WORKERS", least=1, most=256),
            log_level=reader.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], placeholder="INFO"),
            access_log=reader.truth("ACCESS_LOG"),
            currencies=currencies,
            limits=_limits(reader, currencies),
            wallets_per_person=reader.integer("WALLETS_PER_PERSON", least=1, most=1_000),
            require_idempotency_key=reader.truth("REQUIRE_IDEMPOTENCY_KEY"),
            batch_max=reader.integer("BATCH_MAX", least=1, most=10_000),
            in_flight_max=reader.integer("IN_FLIGHT_MAX", least=1, most=100),
            queue_max=reader.integer("QUEUE_MAX", least=1, most=1_000_000),
            require_durable_database=reader.truth("REQUIRE_DURABLE_DATABASE"),
            requests_max=reader.integer("REQUESTS_MAX", least=1, most=100_000),
            database_pool_size=reader.integer("DATABASE_POOL_SIZE", least=1, most=1_000),
            bcrypt_cost=reader.integer("BCRYPT_COST", least=4, most=20),
            body_max_bytes=reader.integer("BODY_MAX_BYTES", least=1_024, most=16 * 1024 * 1024),
            shutdown_seconds=reader.integer("SHUTDOWN_SECONDS", least=1, most=600),
        )
        if settings.in_flight_max >= settings.database_pool_size:
            reader.fault("IN_FLIGHT_MAX", "Must be less than DATABASE_POOL_SIZE: each batch needs a connection.")
        if environment is Environment.PRODUCTION and settings.bcrypt_cost < PRODUCTION_BCRYPT_COST_MIN:
            reader.fault("BCRYPT_COST", f"Must be {PRODUCTION_BCRYPT_COST_MIN} or more in production.")
        reader.raise_faults()
        return settings


class _Variables(Env):
    """Reads the mapping it was given, where Env reads the environment of its own process."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._given = given

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, default)


class _Reader:
    """Reads variables one by one and gathers what is wrong with them.

    A faulty variable reads as a placeholder, so that the others are read too; `raise_faults` has the last word.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._faults: dict[str, list[str]] = {}
        self._given = {row.name: row.default for row in _TABLE if row.default is not None}
        for row in _TABLE:
            written = environ.get(row.name, "").strip()
            if written:
                self._given[row.name] = written
            if row.secret and environ.get(f"{row.name}_FILE"):
                self._read_file(row.name, Path(environ[f"{row.name}_FILE"]))
        self._variables = _Variables(self._given)

    def has(self, name: str) -> bool:
        """Whether the variable has any value, its default included."""
        return name in self._given

    def text(self, name: str) -> str:
        """Any text."""
        return self._variables.str(name) or ""

    def truth(self, name: str) -> bool:
        """true or false, in the usual spellings."""
        return bool(self._variables.bool(name))

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        number = self._variables.int(name, validate=Range(min=least, max=most))
        return least if number is None else number

    def choice(self, name: str, choices: list[str], *, placeholder: str) -> str:
        """One of the given words."""
        return self._variables.str(name, validate=OneOf(choices)) or placeholder

    def secret(self, name: str, check: Callable[[str], None]) -> Secret:
        """Text that is never shown; `check` raises ValidationError with a message that does not show it either."""
        return Secret(self._variables.str(name, validate=check) or "")

    def parsed(self, name: str, parse: Callable[[str], T], *, placeholder: T) -> T:
        """Whatever `parse` makes of the text. It raises ValidationError."""
        try:
            return parse(self._given[name])
        except ValidationError as error:
            for message in error.messages:
                self.fault(name, message)
            return placeholder

    def fault(self, name: str, message: str) -> None:
        """Remember what is wrong with a variable."""
        self._faults.setdefault(name, []).append(message)

    def raise_faults(self) -> None:
        """Raise SettingsError when anything was wrong."""
        try:
            self._variables.seal()
        except EnvValidationError as error:
            # Env gives a mapping here; a bare list belongs to its eager mode.
            by_name = error.error_messages if isinstance(error.error_messages, Mapping) else {"": error.error_messages}
            for name, messages in by_name.items():
                # A secret whose file cannot be read has been reported under the file's own name.
                if f"{name}_FILE" not in self._faults:
                    self._faults.setdefault(name, []).extend(messages)
        if self._faults:
            raise SettingsError(f"{name}: {message}" for name, each in self._faults.items() for message in each)

    def _read_file(self, name: str, path: Path) -> None:
        if name in self._given:
            self.fault(f"{name}_FILE", f"Set this or {name}, not both.")
            return
        try:
            self._given[name] = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            self.fault(f"{name}_FILE", "Must be the path of a readable file of UTF-8 text.")


def _url(*schemes: str) -> Callable[[str], None]:
    def check(written: str) -> None:
        try:
            scheme = urlsplit(written).scheme
        except ValueError:
            scheme = ""
        if scheme not in schemes:
            raise ValidationError(f"Must be a URL that begins with {' or '.join(f'{each}://' for each in schemes)}.")

    return check


def _strong_in(environment: Environment) -> Callable[[str], None]:
    def check(written: str) -> None:
        try:
            size = len(written.encode("utf-8"))
        except UnicodeEncodeError:
            raise ValidationError("Must be UTF-8 text.") from None
        if size < SECRET_BYTES_MIN:
            raise ValidationError(f"Must have {SECRET_BYTES_MIN} bytes or more.")
        if environment is Environment.PRODUCTION and "example" in written.lower():
            raise ValidationError("Must not be the example: that value is public.")

    return check


def _currency(code: str) -> Currency:
    """The currency of that code, with the digits that ISO 4217 gives it."""
    try:
        exponent = iso4217.Currency(code).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise ValidationError(f"{code!r} is no currency with minor units in ISO 4217.")
    return Currency(code, exponent)


def _currencies(written: str) -> Currencies:
    codes = [code.strip() for code in written.split(",") if code.strip()]
    if not codes:
        raise ValidationError("Must name at least one currency.")
    return Currencies([_currency(code) for code in codes])


def _limits(reader: _Reader, currencies: Currencies) -> dict[str, CurrencyLimits]:
    """Both kinds of limits of every enabled currency. Those of other currencies may stand there and do nothing."""
    transfer = reader.parsed("TRANSFER_LIMITS", _maxima, placeholder=None)
    withdrawal = reader.parsed("WITHDRAWAL_LIMITS", _maxima, placeholder=None)
    for name, maxima in (("TRANSFER_LIMITS", transfer), ("WITHDRAWAL_LIMITS", withdrawal)):
        missing = [code for code in currencies if maxima is not None and code not in maxima]
        if missing:
            reader.fault(name, f"Must name every enabled currency; missing: {', '.join(missing)}.")
    return {
        code: CurrencyLimits(transfer=transfer[code], withdrawal=withdrawal[code])
        for code in currencies
        if transfer is not None and withdrawal is not None and code in transfer and code in withdrawal
    }


def _maxima(written: str) -> dict[str, LimitMaxima] | None:
    """Parse `USD=100.00/1000.00,JPY=15000/150000`."""
    maxima: dict[str, LimitMaxima] = {}
    for entry in filter(None, (part.strip() for part in written.split(","))):
        code, equals, amounts = entry.partition("=")
        daily_written, slash, monthly_written = amounts.partition("/")
        if not equals or not slash:
            raise ValidationError("Must be written as USD=100.00/1000.00 (daily/monthly), separated by commas.")
        currency = _currency(code.strip())
        if currency.code in maxima:
            raise ValidationError(f"{currency.code} stands there twice.")
        try:
            daily = currency.parse(daily_written.strip(), zero_allowed=True)
            monthly = currency.parse(monthly_written.strip(), zero_allowed=True)
        except InvalidAmountError as error:
            raise ValidationError(f"{currency.code}: {error}") from None
        if daily > monthly:
            raise ValidationError(f"{currency.code}: the daily limit is more than the monthly one.")
        maxima[currency.code] = LimitMaxima(daily=daily, monthly=monthly)
    return maxima
