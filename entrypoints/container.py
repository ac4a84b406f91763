"""The only module that names concrete adapters."""

import hmac
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import asyncpg
import structlog
import uuid_utils.compat
from dependency_injector import containers, providers

from adapters.notifications.mailbox import FolderMailbox
from adapters.notifications.smtp import SmtpCourier
from adapters.payment_gateways.sandbox import SandboxGateway
from adapters.postgres.challenges import PostgresChallengeRepository
from adapters.postgres.database import Database, opened_pool
from adapters.postgres.failures import PostgresFailureCounters, PostgresMessageCounters
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.limits import PostgresLimitRepository
from adapters.postgres.migrations import Migrations
from adapters.postgres.queries import SQL_DIRECTORY
from adapters.postgres.second_factors import PostgresFactorSecrets, PostgresSecondFactorRepository
from adapters.postgres.sessions import PostgresSessionRepository
from adapters.postgres.setup import PostgresSetup
from adapters.postgres.statements import PostgresStatementRepository
from adapters.postgres.users import PostgresUserRepository
from adapters.postgres.wallets import PostgresWalletRepository
from adapters.redis.accounts import RedisAccountCache
from adapters.redis.connection import RedisConnection
from adapters.redis.pages import RedisPageCache
from adapters.redis.session_changes import RedisSessionNews
from adapters.security.common_passwords import ListedPasswords
from adapters.security.passwords import BcryptPasswordHasher
from adapters.security.recovery_codes import HmacRecoveryCodes
from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.sealing import AesGcmSealer
from adapters.security.tokens import JwtAccessTokens
from adapters.security.totp import TotpCodes
from adapters.throttling.windows import ProcessClientLimits, RedisClientLimits
from entrypoints.limit_settings import CurrencyLimits
from entrypoints.message_settings import MessageOutlets
from entrypoints.sealing_settings import sealing_keys_of
from entrypoints.settings import Settings
from wallet_core.clock import Clock, system_clock
from wallet_core.faults import Fault
from wallet_core.identity.addresses import Addresses
from wallet_core.identity.factor_codes import FactorCodes
from wallet_core.identity.factor_setup import FactorSetup
from wallet_core.identity.login import LogIn
from wallet_core.identity.passwords import PasswordRules, Passwords
from wallet_core.identity.people import People
from wallet_core.identity.proofs import LargeAmounts, Proofs
from wallet_core.identity.recovery import Recovery
from wallet_core.identity.sealing import KeyRotation
from wallet_core.identity.second_step import SecondStep
from wallet_core.identity.session_memory import SessionMemory
from wallet_core.identity.session_ports import NoSessionNews, SessionNews
from wallet_core.identity.session_watch import SessionWatch
from wallet_core.identity.sessions import SessionRules, Sessions
from wallet_core.identity.throttling import Act, CappedMessages, ClientLimits, CountedAttempts, DeviceProofs, Digests
from wallet_core.ids import IdGenerator
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.caching import AccountCache, CachingLedger, NoAccountCache
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps
from wallet_core.notifications.background import BackgroundJobs
from wallet_core.notifications.delivery import CourierByChannel, NoCourier, QueuedNotifier
from wallet_core.notifications.letters import Post
from wallet_core.notifications.ports import NoNotifier, Notifier
from wallet_core.wallets.allowances import Allowances
from wallet_core.wallets.movements import Movements
from wallet_core.wallets.pages import NoPageCache, PageCache
from wallet_core.wallets.ports import GrantedCaps
from wallet_core.wallets.wallets import Wallets

VERSION: Final = "0.1.0"
"""Of the tree that the service runs from; the project's own file says the same."""

APP_NAME: Final = "Wallet"
"""What authenticator apps show above a code."""

BCRYPT_THREADS: Final = 1
"""Hashing takes a core while it lasts: one thread leaves the others to the movements."""

BACKGROUND_SECONDS_MAX: Final = 0.5
"""How long each kind of work in the background may take to end when the service stops."""


_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def _report_unwatched_sessions(trouble: Exception) -> None:
    """Checks of sessions ask the database themselves meanwhile."""
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("sessions are not watched for now", fault=str(trouble), exc_info=unexpected)


def _report_undelivered(trouble: Exception) -> None:
    """The fault says why, and neither to whom nor what."""
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("a message was not delivered", fault=str(trouble), exc_info=unexpected)


def _report_undone(trouble: Exception) -> None:
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("work in the background was not done", fault=str(trouble), exc_info=unexpected)


def _mailbox_of(outlets: MessageOutlets, *, clock: Clock, ids: IdGenerator) -> FolderMailbox | None:
    return None if outlets.mailbox is None else FolderMailbox(outlets.mailbox, clock=clock, ids=ids)


def _notifier_of(
    outlets: MessageOutlets, mailbox: FolderMailbox | None, jobs: BackgroundJobs, *, clock: Clock
) -> Notifier:
    """Messages go to a folder, or to a mail server if they are mail, or nowhere."""
    if mailbox is not None:
        return QueuedNotifier(mailbox, jobs)
    if outlets.smtp_url is None:
        return NoNotifier()
    mail = SmtpCourier(outlets.smtp_url.reveal(), sender=outlets.mail_from, clock=clock)
    return QueuedNotifier(CourierByChannel(mail=mail, sms=NoCourier()), jobs)


def _public_url_of(settings: Settings) -> str:
    """Where links lead. Never what a request says of it: whoever sends one chooses that."""
    return settings.protection.public_url or f"http://{settings.host}:{settings.port}"


def _key_for_codes(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"codes for addresses", "sha256")


class Container(containers.DeclarativeContainer):
    """How everything is put together. Nothing here opens a connection: what is open is handed in."""

    settings = providers.Dependency(instance_of=Settings)
    pool = providers.Dependency(instance_of=asyncpg.Pool)
    # Of its own, so that no crowd of readers keeps money from moving.
    ledger_pool = providers.Dependency(instance_of=asyncpg.Pool)
    # Of one connection, so that nothing delays the word that a session has ended.
    watch_pool = providers.Dependency(instance_of=asyncpg.Pool)
    # Handed in by `opened`, with or without a Redis behind them.
    account_cache: providers.Dependency[AccountCache] = providers.Dependency()
    page_cache: providers.Dependency[PageCache] = providers.Dependency()
    redis: providers.Dependency[RedisConnection | None] = providers.Dependency()
    session_news: providers.Dependency[SessionNews] = providers.Dependency()
    client_limits: providers.Dependency[ClientLimits] = providers.Dependency()

    clock = providers.Object(system_clock)
    ids = providers.Object(uuid_utils.compat.uuid7)
    granted = providers.Callable(lambda settings: granted_caps(settings.limits), settings)

    database = providers.Singleton(Database, pool=pool)
    users = providers.Singleton(PostgresUserRepository, database=database)
    challenges = providers.Singleton(PostgresChallengeRepository, database)
    wallet_repository = providers.Singleton(PostgresWalletRepository, database=database)
    limit_repository = providers.Singleton(PostgresLimitRepository, database=database)
    statements = providers.Singleton(PostgresStatementRepository, database=database)
    migrations = providers.Singleton(Migrations, SQL_DIRECTORY / "migrations")

    postgres_ledger = providers.Singleton(PostgresLedger, pool=ledger_pool)
    ledger = providers.Singleton(
        BatchingLedger,
        providers.Singleton(CachingLedger, postgres_ledger, account_cache),
        batch_max=settings.provided.batch_max,
        in_flight_max=settings.provided.in_flight_max,
        queue_max=settings.provided.queue_max,
    )

    hasher = providers.Singleton(
        BcryptPasswordHasher,
        pepper=settings.provided.password_pepper.reveal.call().encode.call(),
        cost=settings.provided.bcrypt_cost,
        threads=BCRYPT_THREADS,
    )
    tokens = providers.Singleton(
        JwtAccessTokens,
        secret=settings.provided.jwt_secret.reveal.call().encode.call(),
        issuer=settings.provided.jwt_issuer,
        audience=settings.provided.jwt_audience,
        lifetime_seconds=settings.provided.access_token_seconds,
        clock=clock,
        ids=ids,
    )
    sandbox = providers.Singleton(SandboxGateway)
    gateways = providers.Dict(sandbox=sandbox)

    session_rules = providers.Callable(
        lambda settings: SessionRules(
            lifetime=timedelta(seconds=settings.session_seconds), idle=timedelta(seconds=settings.session_idle_seconds)
        ),
        settings,
    )
    session_memory = providers.Singleton(SessionMemory, idle=session_rules.provided.idle)
    session_watch = providers.Singleton(
        SessionWatch,
        providers.Singleton(PostgresSessionRepository, providers.Singleton(Database, pool=watch_pool)),
        session_memory,
        session_news,
        clock=clock,
        monotonic=providers.Object(time.monotonic),
        report=providers.Object(_report_unwatched_sessions),
    )
    mailbox = providers.Singleton(_mailbox_of, settings.provided.messages, clock=clock, ids=ids)
    delivery_jobs = providers.Singleton(BackgroundJobs, providers.Object(_report_undelivered))
    notifier = providers.Singleton(_notifier_of, settings.provided.messages, mailbox, delivery_jobs, clock=clock)
    post = providers.Singleton(Post, notifier)
    # Of their own, so that a mail server that hangs keeps nobody's request from being looked up.
    account_jobs = providers.Singleton(BackgroundJobs, providers.Object(_report_undone))
    sessions = providers.Singleton(
        Sessions,
        providers.Singleton(PostgresSessionRepository, database),
        session_memory,
        session_watch,
        tokens,
        providers.Singleton(DerivedRefreshTokens, secret=settings.provided.jwt_secret.reveal.call().encode.call()),
        users=users,
        post=post,
        news=session_news,
        rules=session_rules,
        ids=ids,
        clock=clock,
    )
    # What the pepper is good for: it never changes, and who has it not cannot make these names.
    digests = providers.Singleton(Digests, settings.provided.password_pepper.reveal.call().encode.call())
    counting = providers.Factory(
        CountedAttempts,
        failures=providers.Singleton(PostgresFailureCounters, database, settings.provided.protection.backoff),
        clients=client_limits,
        digests=digests,
    )
    log_in_attempts = providers.Singleton(
        counting, Act.LOG_IN, proofs=providers.Singleton(DeviceProofs, digests, ids=ids)
    )
    sign_up_attempts = providers.Singleton(counting, Act.SIGN_UP)
    reset_attempts = providers.Singleton(counting, Act.RESET)
    code_attempts = providers.Singleton(counting, Act.CODE)
    capped_messages = providers.Singleton(
        CappedMessages,
        settings.provided.protection.message_caps,
        counters=providers.Singleton(PostgresMessageCounters, database),
        clients=client_limits,
        digests=digests,
    )
    sealer = providers.Singleton(
        AesGcmSealer, providers.Callable(sealing_keys_of, settings.provided.sealing_keys.reveal.call())
    )
    password_rules = providers.Singleton(PasswordRules, providers.Singleton(ListedPasswords))
    addresses = providers.Singleton(
        Addresses,
        users,
        challenges,
        capped_messages,
        code_attempts,
        post,
        account_jobs,
        code_key=providers.Callable(_key_for_codes, settings.provided.jwt_secret.reveal.call()),
        random_bytes=providers.Object(secrets.token_bytes),
        ids=ids,
        clock=clock,
    )
    people = providers.Singleton(
        People, users, hasher, password_rules, addresses, sign_up_attempts, ids=ids, clock=clock
    )
    passwords = providers.Singleton(
        Passwords, users, hasher, password_rules, challenges, sessions, code_attempts, post, clock=clock
    )
    recovery = providers.Singleton(
        Recovery,
        users,
        challenges,
        passwords,
        capped_messages,
        post,
        account_jobs,
        reset_attempts,
        public_url=providers.Callable(_public_url_of, settings),
        random_bytes=providers.Object(secrets.token_bytes),
        ids=ids,
        clock=clock,
    )
    factors = providers.Singleton(PostgresSecondFactorRepository, database, sealer)
    one_time_codes = providers.Singleton(TotpCodes, issuer=APP_NAME)
    recovery_codes = providers.Singleton(
        HmacRecoveryCodes, pepper=settings.provided.password_pepper.reveal.call().encode.call()
    )
    factor_codes = providers.Singleton(FactorCodes, factors, one_time_codes, recovery_codes, users, post, clock=clock)
    second_factors = providers.Singleton(
        SecondStep,
        factors,
        factor_codes,
        challenges,
        code_attempts,
        random_bytes=providers.Object(secrets.token_bytes),
        ids=ids,
        clock=clock,
    )
    proofs = providers.Singleton(Proofs, users, hasher, factors, factor_codes, code_attempts, sessions)
    factor_setup = providers.Singleton(
        FactorSetup, factors, one_time_codes, recovery_codes, users, proofs, sessions, post, ids=ids, clock=clock
    )
    large_amounts = providers.Singleton(LargeAmounts, sessions, settings.provided.step_up_amount)
    key_rotation = providers.Singleton(
        KeyRotation, sealer, providers.List(providers.Singleton(PostgresFactorSecrets, database))
    )
    log_in = providers.Singleton(LogIn, users, hasher, sessions, second_factors, log_in_attempts, post)
    wallets = providers.Singleton(
        Wallets,
        wallet_repository,
        account_cache,
        granted=granted,
        wallets_max=settings.provided.wallets_per_person,
        ids=ids,
        clock=clock,
    )
    movements = providers.Singleton(
        Movements, ledger, wallet_repository, gateways=gateways, payout_gateway="sandbox", ids=ids
    )
    allowances = providers.Singleton(Allowances, limit_repository, granted=granted, clock=clock)


class Tools(containers.DeclarativeContainer):
    """What the command line needs of a database, without the settings of the service."""

    setup = providers.Factory(PostgresSetup)


def granted_caps(limits: Mapping[str, CurrencyLimits]) -> dict[str, GrantedCaps]:
    """The operator's default limits in the core's words."""
    return {
        code: {
            LimitKind.TRANSFER: Caps(daily=limit.transfer.daily, monthly=limit.transfer.monthly),
            LimitKind.WITHDRAWAL: Caps(daily=limit.withdrawal.daily, monthly=limit.withdrawal.monthly),
        }
        for code, limit in limits.items()
    }


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Container]:
    """A container over open connections, closed again in the end after everything under way has been answered.

    Raises Unavailable when the database cannot be reached.
    """
    url = settings.database_url.reveal()
    redis = None if settings.redis_url is None else RedisConnection(settings.redis_url.reveal())
    try:
        async with (
            opened_pool(url, size=settings.in_flight_max) as ledger_pool,
            opened_pool(url, size=1) as watch_pool,
            opened_pool(url, size=settings.database_pool_size - settings.in_flight_max - 1) as pool,
            _session_news(settings, redis) as session_news,
            _client_limits(settings) as client_limits,
        ):
            container = Container(
                settings=settings,
                pool=pool,
                ledger_pool=ledger_pool,
                watch_pool=watch_pool,
                account_cache=NoAccountCache() if redis is None else RedisAccountCache(redis),
                page_cache=NoPageCache() if redis is None else RedisPageCache(redis),
                redis=providers.Object(redis),
                session_news=session_news,
                client_limits=client_limits,
            )
            container.check_dependencies()
            try:
                async with container.session_watch().running():
                    yield container
            finally:
                await container.ledger().close()
                await _end_background(container)
                container.hasher().close()
    finally:
        if redis is not None:
            await redis.close()


async def _end_background(container: Container) -> None:
    """Give what was begun a moment. The jobs of accounts come first: they send messages."""
    undone = await container.account_jobs().close(seconds=BACKGROUND_SECONDS_MAX)
    undelivered = await container.delivery_jobs().close(seconds=BACKGROUND_SECONDS_MAX)
    if undone or undelivered:
        _log.warning("stopped before all was done", jobs=undone, messages=undelivered)


@asynccontextmanager
async def _client_limits(settings: Settings) -> AsyncIterator[ClientLimits]:
    rates = settings.protection.rates
    if settings.redis_url is None:
        yield ProcessClientLimits(rates)
        return
    limits = RedisClientLimits(settings.redis_url.reveal(), rates)
    try:
        yield limits
    finally:
        await limits.close()


@asynccontextmanager
async def _session_news(settings: Settings, redis: RedisConnection | None) -> AsyncIterator[SessionNews]:
    if redis is None or settings.redis_url is None:
        yield NoSessionNews()
        return
    news = RedisSessionNews(redis, settings.redis_url.reveal())
    try:
        yield news
    finally:
        await news.close()
