"""Who people are: log-in, sessions, passwords, addresses and second factors."""

import hmac
import secrets
import time
from datetime import timedelta
from typing import Final

import structlog
from dependency_injector import providers

from adapters.postgres.database import Database
from adapters.postgres.failures import PostgresFailureCounters, PostgresMessageCounters
from adapters.postgres.second_factors import PostgresFactorSecrets, PostgresSecondFactorRepository
from adapters.postgres.sessions import PostgresSessionRepository
from adapters.security.common_passwords import ListedPasswords
from adapters.security.recovery_codes import HmacRecoveryCodes
from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.sealing import AesGcmSealer
from adapters.security.totp import TotpCodes
from entrypoints.container.foundation import Foundation
from entrypoints.sealing_settings import sealing_keys_of
from entrypoints.settings import Settings
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
from wallet_core.identity.session_watch import SessionWatch
from wallet_core.identity.sessions import SessionRules, Sessions
from wallet_core.identity.throttling import Act, CappedMessages, CountedAttempts, DeviceProofs, Digests

APP_NAME: Final = "Wallet"
"""What authenticator apps show above a code."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def _report_unwatched_sessions(trouble: Exception) -> None:
    """Checks of sessions ask the database themselves meanwhile."""
    unexpected = None if isinstance(trouble, Fault) else trouble
    _log.warning("sessions are not watched for now", fault=str(trouble), exc_info=unexpected)


def _public_url_of(settings: Settings) -> str:
    """Where links lead. Never what a request says of it: whoever sends one chooses that."""
    return settings.protection.public_url or f"http://{settings.host}:{settings.port}"


def _key_for_codes(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"codes for addresses", "sha256")


class Identity(Foundation):
    """The use cases about people and their log-ins."""

    session_rules = providers.Callable(
        lambda settings: SessionRules(
            lifetime=timedelta(seconds=settings.session_seconds), idle=timedelta(seconds=settings.session_idle_seconds)
        ),
        Foundation.settings,
    )
    session_memory = providers.Singleton(SessionMemory, idle=session_rules.provided.idle)
    session_watch = providers.Singleton(
        SessionWatch,
        providers.Singleton(PostgresSessionRepository, providers.Singleton(Database, pool=Foundation.watch_pool)),
        session_memory,
        Foundation.session_news,
        clock=Foundation.clock,
        monotonic=providers.Object(time.monotonic),
        report=providers.Object(_report_unwatched_sessions),
    )
    sessions = providers.Singleton(
        Sessions,
        providers.Singleton(PostgresSessionRepository, Foundation.database),
        session_memory,
        session_watch,
        Foundation.tokens,
        providers.Singleton(
            DerivedRefreshTokens, secret=Foundation.settings.provided.jwt_secret.reveal.call().encode.call()
        ),
        news=Foundation.session_news,
        rules=session_rules,
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    # What the pepper is good for: it never changes, and who has it not cannot make these names.
    digests = providers.Singleton(Digests, Foundation.settings.provided.password_pepper.reveal.call().encode.call())
    failure_counters = providers.Singleton(
        PostgresFailureCounters, Foundation.database, Foundation.settings.provided.protection.backoff
    )
    message_counters = providers.Singleton(PostgresMessageCounters, Foundation.database)
    counting = providers.Factory(
        CountedAttempts,
        failures=failure_counters,
        clients=Foundation.client_limits,
        digests=digests,
    )
    log_in_attempts = providers.Singleton(
        counting,
        Act.LOG_IN,
        proofs=providers.Singleton(DeviceProofs, digests, ids=Foundation.ids),
        right_ones=Act.LOGGED_IN,
    )
    sign_up_attempts = providers.Singleton(counting, Act.SIGN_UP)
    reset_attempts = providers.Singleton(counting, Act.RESET)
    code_attempts = providers.Singleton(counting, Act.CODE)
    capped_messages = providers.Singleton(
        CappedMessages,
        Foundation.settings.provided.protection.message_caps,
        counters=message_counters,
        clients=Foundation.client_limits,
        digests=digests,
    )
    sealer = providers.Singleton(
        AesGcmSealer, providers.Callable(sealing_keys_of, Foundation.settings.provided.sealing_keys.reveal.call())
    )
    password_rules = providers.Singleton(PasswordRules, providers.Singleton(ListedPasswords))
    addresses = providers.Singleton(
        Addresses,
        Foundation.users,
        Foundation.challenges,
        capped_messages,
        code_attempts,
        Foundation.post,
        Foundation.account_jobs,
        code_key=providers.Callable(_key_for_codes, Foundation.settings.provided.jwt_secret.reveal.call()),
        random_bytes=providers.Object(secrets.token_bytes),
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    people = providers.Singleton(
        People,
        Foundation.users,
        Foundation.hasher,
        password_rules,
        addresses,
        sign_up_attempts,
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    passwords = providers.Singleton(
        Passwords,
        Foundation.users,
        Foundation.hasher,
        password_rules,
        Foundation.challenges,
        sessions,
        code_attempts,
        clock=Foundation.clock,
    )
    recovery = providers.Singleton(
        Recovery,
        Foundation.users,
        Foundation.challenges,
        passwords,
        capped_messages,
        Foundation.post,
        Foundation.account_jobs,
        reset_attempts,
        public_url=providers.Callable(_public_url_of, Foundation.settings),
        random_bytes=providers.Object(secrets.token_bytes),
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    factors = providers.Singleton(PostgresSecondFactorRepository, Foundation.database, sealer)
    one_time_codes = providers.Singleton(TotpCodes, issuer=APP_NAME)
    recovery_codes = providers.Singleton(
        HmacRecoveryCodes, pepper=Foundation.settings.provided.password_pepper.reveal.call().encode.call()
    )
    factor_codes = providers.Singleton(FactorCodes, factors, one_time_codes, recovery_codes, clock=Foundation.clock)
    second_factors = providers.Singleton(
        SecondStep,
        factors,
        factor_codes,
        Foundation.challenges,
        code_attempts,
        random_bytes=providers.Object(secrets.token_bytes),
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    proofs = providers.Singleton(
        Proofs, Foundation.users, Foundation.hasher, factors, factor_codes, code_attempts, sessions
    )
    factor_setup = providers.Singleton(
        FactorSetup,
        factors,
        one_time_codes,
        recovery_codes,
        Foundation.users,
        proofs,
        sessions,
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    large_amounts = providers.Singleton(LargeAmounts, sessions, Foundation.settings.provided.step_up_amount)
    key_rotation = providers.Singleton(
        KeyRotation, sealer, providers.List(providers.Singleton(PostgresFactorSecrets, Foundation.database))
    )
    log_in = providers.Singleton(LogIn, Foundation.users, Foundation.hasher, sessions, second_factors, log_in_attempts)
