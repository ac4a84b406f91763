"""What every part stands on: settings, open connections, repositories, and the way messages go."""

from typing import Final

import asyncpg
import structlog
import uuid_utils.compat
from dependency_injector import containers, providers

from adapters.notifications.mailbox import FolderMailbox
from adapters.notifications.smtp import SmtpCourier
from adapters.notifications.templates import JinjaStationery
from adapters.notifications.twilio_sms import TwilioCourier
from adapters.postgres.challenges import PostgresChallengeRepository
from adapters.postgres.database import Database
from adapters.postgres.limits import PostgresLimitRepository
from adapters.postgres.migrations import Migrations
from adapters.postgres.queries import SQL_DIRECTORY
from adapters.postgres.statements import PostgresStatementRepository
from adapters.postgres.users import PostgresUserRepository
from adapters.postgres.wallets import PostgresWalletRepository
from adapters.redis.connection import RedisConnection
from adapters.security.passwords import BcryptPasswordHasher
from adapters.security.tokens import JwtAccessTokens
from entrypoints.message_settings import MessageOutlets
from entrypoints.metrics.figures import Figures
from entrypoints.settings import Settings
from wallet_core.clock import Clock, system_clock
from wallet_core.faults import Fault
from wallet_core.identity.session_ports import SessionNews
from wallet_core.identity.throttling import ClientLimits
from wallet_core.ids import IdGenerator
from wallet_core.ledger.caching import AccountCache
from wallet_core.notifications.background import BackgroundJobs
from wallet_core.notifications.delivery import CourierByChannel, NoCourier, QueuedNotifier
from wallet_core.notifications.ports import Courier, NoNotifier, Notifier
from wallet_core.notifications.post import Post
from wallet_core.wallets.pages import PageCache

BCRYPT_THREADS: Final = 1
"""Hashing takes a core while it lasts: one thread leaves the others to the movements."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def _report_undelivered(trouble: Exception) -> None:
    """The fault says why, and neither to whom nor what."""
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("a message was not delivered", fault=str(trouble), exc_info=unexpected)


def _report_undone(trouble: Exception) -> None:
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("work in the background was not done", fault=str(trouble), exc_info=unexpected)


def _mailbox_of(outlets: MessageOutlets, *, clock: Clock, ids: IdGenerator) -> FolderMailbox | None:
    return None if outlets.mailbox is None else FolderMailbox(outlets.mailbox, clock=clock, ids=ids)


def _courier_of(outlets: MessageOutlets, mailbox: FolderMailbox | None, *, clock: Clock) -> Courier:
    """Messages go to a folder, or to a mail server and by Twilio as far as there are those."""
    if mailbox is not None:
        return mailbox
    mail: Courier = NoCourier()
    if outlets.smtp_url is not None:
        mail = SmtpCourier(outlets.smtp_url.reveal(), sender=outlets.mail_from, clock=clock)
    sms: Courier = NoCourier()
    if outlets.twilio is not None:
        account = outlets.twilio
        sms = TwilioCourier(account=account.sid, token=account.token.reveal(), sender=account.sender)
    return CourierByChannel(mail=mail, sms=sms)


def _notifier_of(outlets: MessageOutlets, courier: Courier, jobs: BackgroundJobs) -> Notifier:
    return QueuedNotifier(courier, jobs) if outlets.channels else NoNotifier()


class Foundation(containers.DeclarativeContainer):
    """Nothing here opens a connection: what is open is handed in."""

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
    figures = providers.Singleton(Figures)
    clock = providers.Object(system_clock)
    ids = providers.Object(uuid_utils.compat.uuid7)
    database = providers.Singleton(Database, pool=pool)
    users = providers.Singleton(PostgresUserRepository, database=database)
    challenges = providers.Singleton(PostgresChallengeRepository, database)
    wallet_repository = providers.Singleton(PostgresWalletRepository, database=database)
    limit_repository = providers.Singleton(PostgresLimitRepository, database=database)
    statements = providers.Singleton(PostgresStatementRepository, database=database)
    migrations = providers.Singleton(Migrations, SQL_DIRECTORY / "migrations")
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
    mailbox = providers.Singleton(_mailbox_of, settings.provided.messages, clock=clock, ids=ids)
    delivery_jobs = providers.Singleton(BackgroundJobs, providers.Object(_report_undelivered))
    courier = providers.Singleton(_courier_of, settings.provided.messages, mailbox, clock=clock)
    notifier = providers.Singleton(_notifier_of, settings.provided.messages, courier, delivery_jobs)
    stationery = providers.Singleton(JinjaStationery)
    post = providers.Singleton(Post, notifier, stationery)
    # Of their own, so that a mail server that hangs keeps nobody's request from being looked up.
    account_jobs = providers.Singleton(BackgroundJobs, providers.Object(_report_undone))
