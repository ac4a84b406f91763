"""Settings are read whole or not at all, and never show a secret."""

import pickle
from pathlib import Path

import orjson
import pytest

from entrypoints.environment import Secret, SettingsError
from entrypoints.limit_settings import CurrencyLimits, LimitMaxima
from entrypoints.message_settings import MESSAGE_TABLE
from entrypoints.protection_settings import PROTECTION_TABLE
from entrypoints.settings import Environment, Settings, describe_settings
from entrypoints.watching_settings import WATCHING_TABLE
from wallet_core.money import Currencies, Currency

ENOUGH = {
    "DATABASE_URL": "postgresql://wallet:open-sesame@db/wallet",
    "JWT_SECRET": "hush-hush-hush-hush-hush-hush-hush",
    "PASSWORD_PEPPER": "salt-and-pepper-salt-and-pepper-salt",
    "SEALING_KEYS": f"k1:{'5ea1' * 16}",
}


def read(**changes: str) -> Settings:
    return Settings.from_environment(ENOUGH | changes)


def faults_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environ)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_four_secrets_are_enough() -> None:
    settings = read()

    assert settings.environment is Environment.PRODUCTION
    assert settings.database_url == Secret("postgresql://wallet:open-sesame@db/wallet")
    assert settings.redis_url is None
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.batch_max, settings.in_flight_max, settings.queue_max) == (512, 3, 4096)
    assert settings.require_idempotency_key
    assert not settings.access_log
    assert settings.currencies == Currencies(
        [Currency("USD", 2), Currency("EUR", 2), Currency("GBP", 2), Currency("INR", 2), Currency("JPY", 0)]
    )


def test_limits_are_read_in_minor_units() -> None:
    limits = read(WITHDRAWAL_LIMITS="USD=1/2.5,EUR=0/0,GBP=1/1,INR=1/1,JPY=1/1").limits

    assert limits["USD"] == CurrencyLimits(
        transfer=LimitMaxima(daily=10_000, monthly=100_000), withdrawal=LimitMaxima(daily=100, monthly=250)
    )
    assert limits["JPY"].transfer == LimitMaxima(daily=15_000, monthly=150_000)
    assert limits["EUR"].withdrawal == LimitMaxima(daily=0, monthly=0)


def test_the_amount_that_moves_without_a_fresh_code_is_read_in_each_currencys_minor_units() -> None:
    assert read().step_up_amount == {"USD": 5_000, "EUR": 5_000, "GBP": 5_000, "INR": 5_000, "JPY": 50}
    assert read(STEP_UP_AMOUNT="0.999", CURRENCIES="USD,JPY").step_up_amount == {"USD": 99, "JPY": 0}


def test_limits_of_currencies_that_are_not_enabled_do_nothing() -> None:
    settings = read(CURRENCIES=" USD , JPY ")

    assert set(settings.limits) == {"USD", "JPY"} == set(settings.currencies)


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = read(PORT="", REDIS_URL=" ")

    assert settings.port == 8000
    assert settings.redis_url is None


def test_all_faults_are_told_at_once_each_on_a_line_with_the_name_of_its_variable() -> None:
    faults = faults_of({"PORT": "eighty", "CURRENCIES": "USD,XXL", "REDIS_URL": "http://x", "JWT_SECRET": "short"})

    names = [fault.partition(":")[0] for fault in faults]
    assert sorted(names) == [
        "CURRENCIES",
        "DATABASE_URL",
        "JWT_SECRET",
        "PASSWORD_PEPPER",
        "PORT",
        "REDIS_URL",
        "SEALING_KEYS",
    ]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("WALLET_ENV", "staging"),
        ("DATABASE_URL", "mysql://db/wallet"),
        ("DATABASE_URL", "postgresql://[::1/wallet"),
        ("JWT_SECRET", "x" * 31),
        ("JWT_SECRET", "x" * 40 + "\udc80"),
        ("PASSWORD_PEPPER", "x" * 31),
        ("SEALING_KEYS", "5e" * 32),
        ("SEALING_KEYS", f"k1:{'5e' * 31}"),
        ("SEALING_KEYS", f"K1:{'5e' * 32}"),
        ("SEALING_KEYS", f"k1:{'5e' * 32},"),
        ("SEALING_KEYS", f"k1:{'5e' * 32},k1:{'5f' * 32}"),
        ("ACCESS_TOKEN_SECONDS", "0"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("ACCESS_LOG", "perhaps"),
        ("CURRENCIES", ","),
        ("CURRENCIES", "usd"),
        ("CURRENCIES", "USD,XAU"),
        ("TRANSFER_LIMITS", "USD=100.00"),
        ("TRANSFER_LIMITS", "USD=1.000/2.00"),
        ("TRANSFER_LIMITS", "USD=-1/2"),
        ("TRANSFER_LIMITS", "USD=2/1"),
        ("TRANSFER_LIMITS", "USD=1/1,USD=1/1"),
        ("WITHDRAWAL_LIMITS", "USD=100.00/1000.00"),
        ("WITHDRAWAL_LIMITS", "XXL=1/1"),
        ("STEP_UP_AMOUNT", "-1"),
        ("STEP_UP_AMOUNT", "USD=50"),
        ("STEP_UP_AMOUNT", "1e2"),
        ("MAIL_FROM", "Wallet"),
        ("MAIL_FROM", "wallet@nowhere\nBcc: eve@example.com"),
        ("MAILBOX", "/tmp/mailbox"),
        ("IN_FLIGHT_MAX", "10"),
        ("BCRYPT_COST", "11"),
        ("BODY_MAX_BYTES", "1e6"),
    ],
)
def test_a_value_out_of_bounds_is_a_fault_of_its_variable(name: str, wrong: str) -> None:
    faults = faults_of(ENOUGH | {name: wrong})

    assert {fault.partition(":")[0] for fault in faults} == {name}


def test_an_enabled_currency_without_limits_is_a_fault_of_both_limits() -> None:
    faults = faults_of(ENOUGH | {"CURRENCIES": "USD,CHF"})

    assert [fault.partition(":")[0] for fault in faults] == ["TRANSFER_LIMITS", "WITHDRAWAL_LIMITS"]
    assert all("CHF" in fault for fault in faults)


@pytest.mark.parametrize("name", ["JWT_SECRET", "PASSWORD_PEPPER"])
def test_an_example_secret_is_good_for_development_alone(name: str) -> None:
    example = {name: "an-Example-secret-that-everybody-may-read"}

    settings = read(**example, WALLET_ENV="development", BCRYPT_COST="4")

    assert settings.bcrypt_cost == 4
    assert [fault.partition(":")[0] for fault in faults_of(ENOUGH | example)] == [name]


@pytest.mark.parametrize("ring", [f"example:{'5e' * 32}", f"k1:{b'example'.hex().ljust(64, '0')}"])
def test_the_example_of_a_key_is_good_for_development_alone(ring: str) -> None:
    settings = read(SEALING_KEYS=ring, WALLET_ENV="development")

    assert settings.sealing_keys == Secret(ring)
    assert [fault.partition(":")[0] for fault in faults_of(ENOUGH | {"SEALING_KEYS": f"k2:{'5e' * 32},{ring}"})] == [
        "SEALING_KEYS"
    ]


def test_the_published_example_is_such_an_example() -> None:
    lines = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8").splitlines()
    examples = dict(line.split("=", 1) for line in lines if line.startswith(("JWT", "PASSWORD_PEPPER", "SEALING")))

    faults = faults_of(ENOUGH | examples)

    assert sorted(faults) == [f"{name}: Must not be the example: that value is public." for name in sorted(examples)]
    assert len(examples) == 3


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text("from-a-file-from-a-file-from-a-file\n")
    environ = {name: value for name, value in ENOUGH.items() if name != "JWT_SECRET"}

    settings = Settings.from_environment(environ | {"JWT_SECRET_FILE": str(file)})

    assert settings.jwt_secret.reveal() == "from-a-file-from-a-file-from-a-file"


def test_a_secret_file_that_cannot_be_read_is_the_one_fault(tmp_path: Path) -> None:
    environ = {name: value for name, value in ENOUGH.items() if name != "JWT_SECRET"}
    (tmp_path / "binary").write_bytes(b"\xff" * 40)

    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        faults = faults_of(environ | {"JWT_SECRET_FILE": str(path)})
        assert [fault.partition(":")[0] for fault in faults] == ["JWT_SECRET_FILE"]


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text("x" * 40)

    faults = faults_of(ENOUGH | {"JWT_SECRET_FILE": str(tmp_path / "jwt")})

    assert [fault.partition(":")[0] for fault in faults] == ["JWT_SECRET_FILE"]


def test_the_environment_of_this_process_is_not_read_behind_the_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("JWT_SECRET_FILE", "/nowhere")

    assert read().port == 8000


def test_no_secret_shows_in_the_settings_or_in_the_faults() -> None:
    shown = [repr(read()), str(read()), repr(read().jwt_secret), f"{read().jwt_secret}"]
    shown.append(orjson.dumps(read().jwt_secret, default=repr).decode())
    wrong = {"DATABASE_URL": "open-sesame", "REDIS_URL": "sesame://", "JWT_SECRET": "hush", "PASSWORD_PEPPER": "salt"}
    wrong["SEALING_KEYS"] = f"k1:{'5ea1' * 16},k2:5ea1"
    shown.extend(faults_of(wrong))

    for text in shown:
        assert not any(word in text for word in ("sesame", "hush", "salt", "5ea1")), text


def test_settings_travel_to_another_process_whole() -> None:
    settings = read(REDIS_URL="redis://cache/0")

    assert pickle.loads(pickle.dumps(settings)) == settings


MAIL = {"SMTP_URL": "smtp://u:hush@mail", "MAIL_FROM": "Wallet <w@wallet.example>", "PUBLIC_URL": "https://w.example"}


def test_mail_goes_out_where_a_server_a_sender_and_the_address_for_links_are_named() -> None:
    messages = read(**MAIL).messages

    assert messages.smtp_url == Secret("smtp://u:hush@mail")
    assert (messages.mail_from, messages.mailbox) == ("Wallet <w@wallet.example>", None)
    assert "hush" not in repr(messages)
    assert read().messages.smtp_url is None


@pytest.mark.parametrize("name", ["MAIL_FROM", "PUBLIC_URL"])
def test_a_mail_server_needs_a_sender_and_an_address_for_links(name: str) -> None:
    faults = faults_of(ENOUGH | {each: value for each, value in MAIL.items() if each != name})

    assert [fault.partition(":")[0] for fault in faults] == [name]


@pytest.mark.parametrize("url", ["mail.example:25", "http://mail.example", "smtp://", "smtp://mail:0", "smtp://mail:x"])
def test_a_mail_server_of_no_known_form_is_a_fault_that_shows_no_password(url: str) -> None:
    faults = faults_of(ENOUGH | MAIL | {"SMTP_URL": url.replace("//", "//u:hush@")})

    assert [fault.partition(":")[0] for fault in faults] == ["SMTP_URL"]
    assert "hush" not in str(faults)


def test_messages_lie_in_a_folder_in_development_alone_and_instead_of_going_out(tmp_path: Path) -> None:
    folder = {"MAILBOX": str(tmp_path), "WALLET_ENV": "development"}

    assert read(**folder).messages.mailbox == tmp_path
    assert [fault.partition(":")[0] for fault in faults_of(ENOUGH | MAIL | folder)] == ["MAILBOX"]


def test_every_described_default_is_the_one_in_force() -> None:
    defaults = {row.name: row.default for row in describe_settings() if row.default is not None}

    assert read(**defaults) == read()


def test_every_field_has_its_variable_and_every_variable_its_field() -> None:
    renamed = {"wallet_env": "environment", "transfer_limits": "limits", "withdrawal_limits": "limits"}
    renamed |= {row.name.lower(): "protection" for row in PROTECTION_TABLE}
    renamed |= {row.name.lower(): "messages" for row in MESSAGE_TABLE}
    renamed |= {row.name.lower(): "watching" for row in WATCHING_TABLE}

    variables = {renamed.get(row.name.lower(), row.name.lower()) for row in describe_settings()}

    assert variables == set(Settings.__dataclass_fields__)
    assert all(row.meaning for row in describe_settings())
