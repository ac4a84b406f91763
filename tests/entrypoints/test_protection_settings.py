"""How often things may be tried, and from where, is read whole or not at all."""

from ipaddress import ip_network

import pytest

from entrypoints.protection_settings import Protection, origin_of
from entrypoints.settings import Settings
from tests.entrypoints.test_settings import ENOUGH, faults_of
from wallet_core.identity.throttling import Act, Backoff, MessageCaps, Rate

ALL_LIMITS = "login=2/10,signup=1/1,reset=1/1,code=1/1,message=1/1"


def read(**changes: str) -> Protection:
    return Settings.from_environment(ENOUGH | changes).protection


def test_without_a_word_attempts_are_held_up_and_nobody_is_believed() -> None:
    protection = read()

    assert protection.backoff == Backoff(free=5, seconds_max=900)
    assert protection.message_caps == MessageCaps(
        to_one_address=Rate(most=3, seconds=3_600), of_one_person=Rate(most=20, seconds=86_400)
    )
    assert set(protection.rates) == set(Act)
    assert protection.rates[Act.LOG_IN] == Rate(most=300, seconds=900)
    assert protection.trusted_proxies == ()
    assert protection.cors_origins == protection.own_origins == frozenset()
    assert not protection.is_https


def test_what_is_said_is_what_holds() -> None:
    protection = read(
        PUBLIC_URL="https://Wallet.Example:443/",
        TRUSTED_PROXIES="10.0.0.0/8, fd00::/8,192.0.2.1",
        CORS_ORIGINS="https://app.example, http://127.0.0.1:3000",
        CLIENT_LIMITS=ALL_LIMITS,
        FAILURES_FREE="3",
        FAILURE_WAIT_SECONDS="60",
        LOGINS_PER_ACCOUNT="9",
        SMS_PER_DAY="7",
    )

    assert protection.is_https
    assert protection.trusted_proxies == tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8", "192.0.2.1")))
    assert protection.cors_origins == {"https://app.example", "http://127.0.0.1:3000"}
    assert protection.own_origins == protection.cors_origins | {"https://wallet.example"}
    assert protection.rates[Act.LOG_IN] == Rate(most=2, seconds=10)
    assert protection.rates[Act.LOGGED_IN] == Rate(most=9, seconds=600)
    assert protection.rates[Act.SMS] == Rate(most=7, seconds=86_400)
    assert protection.backoff == Backoff(free=3, seconds_max=60)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("PUBLIC_URL", "wallet.example"),
        ("PUBLIC_URL", "ftp://wallet.example"),
        ("PUBLIC_URL", "https://user:password@wallet.example"),
        ("PUBLIC_URL", "https://wallet.example/?a=b"),
        ("PUBLIC_URL", "https://[::1"),
        ("TRUSTED_PROXIES", "everybody"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "https://APP.example"),
        ("CORS_ORIGINS", "https://app.example:443"),
        ("CORS_ORIGINS", "https://*.example"),
        ("CORS_ORIGINS", "https://app.example:99999"),
        ("CLIENT_LIMITS", "login=300/900"),
        ("CLIENT_LIMITS", ALL_LIMITS + ",login=1/1"),
        ("CLIENT_LIMITS", ALL_LIMITS + ",sms=1/1"),
        ("CLIENT_LIMITS", ALL_LIMITS.replace("2/10", "0/10")),
        ("CLIENT_LIMITS", ALL_LIMITS.replace("2/10", "2")),
        ("CLIENT_LIMITS", ALL_LIMITS.replace("2/10", "2/1e3")),
        ("FAILURES_FREE", "0"),
        ("FAILURE_WAIT_SECONDS", "86401"),
        ("LOGINS_PER_ACCOUNT", "0"),
        ("MESSAGES_PER_HOUR", "0"),
        ("MESSAGES_PER_PERSON", "many"),
        ("SMS_PER_DAY", "0"),
    ],
)
def test_what_makes_no_sense_is_a_fault_of_its_variable(name: str, wrong: str) -> None:
    faults = faults_of(ENOUGH | {name: wrong})

    assert {fault.partition(":")[0] for fault in faults} == {name}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://wallet.example", "https://wallet.example"),
        ("https://Wallet.Example/base/", "https://wallet.example"),
        ("https://wallet.example:443", "https://wallet.example"),
        ("http://wallet.example:80", "http://wallet.example"),
        ("http://wallet.example:8080", "http://wallet.example:8080"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
