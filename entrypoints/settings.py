"""Settings: read from the environment once, checked whole, and told apart from everything secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from entrypoints.environment import Reader, Secret, SettingDescription, strong_secret, url_of
from entrypoints.limit_settings import CurrencyLimits, currencies_of, limits_of, step_up_amounts_of
from entrypoints.message_settings import MESSAGE_TABLE, MessageOutlets, message_outlets_of
from entrypoints.protection_settings import PROTECTION_TABLE, Protection, protection_of
from entrypoints.sealing_settings import ring_of_keys
from entrypoints.watching_settings import WATCHING_TABLE, Watching, watching_of
from wallet_core.money import Currencies

PRODUCTION_BCRYPT_COST_MIN: Final = 12


class Environment(StrEnum):
    """Whose service this is: a developer's own, or everybody's."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


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
    _secret("SEALING_KEYS", "seals secrets at rest, as `id:64 hex digits`, comma between: the first seals, each opens"),
    _row("JWT_ISSUER", "wallet", "`iss` of access tokens"),
    _row("JWT_AUDIENCE", "wallet-api", "`aud` of access tokens"),
    _row("ACCESS_TOKEN_SECONDS", "600", "how long an access token lasts"),
    _row("SESSION_SECONDS", "43200", "how long a log-in lasts at most"),
    _row("SESSION_IDLE_SECONDS", "900", "how long it lasts unused; what asks with `X-Background: 1` does not use it"),
    _row("HOST", "127.0.0.1", "address to listen on"),
    _row("PORT", "8000", "port to listen on"),
    _row("WORKERS", "1", "processes that serve HTTP on the one port"),
    _row("LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`"),
    _row("ACCESS_LOG", "false", "whether each request is logged"),
    _row("CURRENCIES", "USD,EUR,GBP,INR,JPY", "ISO 4217 codes of the currencies people may hold"),
    _row("TRANSFER_LIMITS", _DEFAULT_LIMITS, "most that a person may send, as `USD=daily/monthly`, per currency"),
    _row("WITHDRAWAL_LIMITS", _DEFAULT_LIMITS, "most that a person may withdraw, as `USD=daily/monthly`, per currency"),
    _row("WALLETS_PER_PERSON", "10", "how many wallets one person may open"),
    _row(
        "STEP_UP_AMOUNT",
        "50",
        "in units of any currency: more leaves a wallet only after a fresh code, where there is a second factor",
    ),
    *PROTECTION_TABLE,
    *MESSAGE_TABLE,
    *WATCHING_TABLE,
    _row("REQUIRE_IDEMPOTENCY_KEY", "true", "whether transfers and withdrawals need an `Idempotency-Key`"),
    _row("BATCH_MAX", "512", "most movements that are committed together"),
    _row("IN_FLIGHT_MAX", "3", "batches that one process commits at a time; at least two less than DATABASE_POOL_SIZE"),
    _row("QUEUE_MAX", "4096", "movements that may wait in one process; the next is answered 503"),
    _row("REQUIRE_DURABLE_DATABASE", "true", "refuse to start where PostgreSQL could lose what it committed"),
    _row("REQUESTS_MAX", "512", "requests that one process works on at a time; the next is answered 503"),
    _row(
        "DATABASE_POOL_SIZE",
        "10",
        "connections to PostgreSQL of one process; IN_FLIGHT_MAX of them move money, one watches sessions, others read",
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
    sealing_keys: Secret
    jwt_issuer: str
    jwt_audience: str
    access_token_seconds: int
    session_seconds: int
    session_idle_seconds: int
    host: str
    port: int
    workers: int
    log_level: str
    access_log: bool
    currencies: Currencies
    limits: Mapping[str, CurrencyLimits]
    wallets_per_person: int
    step_up_amount: Mapping[str, int]
    """In minor units, by currency."""
    protection: Protection
    messages: MessageOutlets
    watching: Watching
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
        reader = Reader(_TABLE, environ)
        environment = Environment(
            reader.choice("WALLET_ENV", [each.value for each in Environment], placeholder="production")
        )
        strong = strong_secret(example_allowed=environment is Environment.DEVELOPMENT)
        currencies = reader.parsed("CURRENCIES", currencies_of, placeholder=Currencies([]))
        settings = cls(
            environment=environment,
            database_url=reader.secret("DATABASE_URL", url_of("postgresql", "postgres")),
            redis_url=reader.secret("REDIS_URL", url_of("redis", "rediss", "unix"))
            if reader.has("REDIS_URL")
            else None,
            jwt_secret=reader.secret("JWT_SECRET", strong),
            password_pepper=reader.secret("PASSWORD_PEPPER", strong),
            sealing_keys=reader.secret(
                "SEALING_KEYS", ring_of_keys(example_allowed=environment is Environment.DEVELOPMENT)
            ),
            jwt_issuer=reader.text("JWT_ISSUER"),
            jwt_audience=reader.text("JWT_AUDIENCE"),
            access_token_seconds=reader.integer("ACCESS_TOKEN_SECONDS", least=1, most=86_400),
            session_seconds=reader.integer("SESSION_SECONDS", least=60, most=366 * 86_400),
            session_idle_seconds=reader.integer("SESSION_IDLE_SECONDS", least=10, most=30 * 86_400),
            host=reader.text("HOST"),
            port=reader.integer("PORT", least=0, most=65_535),
            workers=reader.integer("WORKERS", least=1, most=256),
            log_level=reader.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], placeholder="INFO"),
            access_log=reader.truth("ACCESS_LOG"),
            currencies=currencies,
            limits=limits_of(reader, currencies),
            wallets_per_person=reader.integer("WALLETS_PER_PERSON", least=1, most=1_000),
            step_up_amount=step_up_amounts_of(reader, currencies),
            protection=protection_of(reader),
            messages=message_outlets_of(reader, is_development=environment is Environment.DEVELOPMENT),
            watching=watching_of(reader, is_development=environment is Environment.DEVELOPMENT),
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
        if settings.in_flight_max + 1 >= settings.database_pool_size:
            reader.fault(
                "IN_FLIGHT_MAX",
                "Must be two less than DATABASE_POOL_SIZE at least: each batch needs a connection, the sessions one.",
            )
        if environment is Environment.PRODUCTION and settings.bcrypt_cost < PRODUCTION_BCRYPT_COST_MIN:
            reader.fault("BCRYPT_COST", f"Must be {PRODUCTION_BCRYPT_COST_MIN} or more in production.")
        reader.raise_faults()
        return settings
