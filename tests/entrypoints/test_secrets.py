"""Secrets come from the environment or from files, strong or not at all, and show nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoints.settings import Settings, describe_settings
from tests.races.serving import served

ROOT = Path(__file__).parents[2]
STRONG = {
    "JWT_SECRET": "kept-to-ourselves-kept-to-ourselves-1",
    "PASSWORD_PEPPER": "kept-to-ourselves-kept-to-ourselves-2",
    "SEALING_KEYS": "first:" + "5eed" * 16,
}
TWILIO_TOKEN = "0123456789abcdef" * 2
SERVICE = {**STRONG, "DATABASE_URL": "postgresql://wallet:open-sesame@127.0.0.1:1/wallet"}


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The service with that environment and no other; it has no database to run on."""
    return subprocess.run(
        [sys.executable, "-m", "entrypoints", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize(
    "weak",
    [None, "", "   ", "short", "x" * 31, "an-example-secret-that-everybody-can-read-here", "EXAMPLE" * 6],
)
def test_rows_10_and_76_without_a_secret_of_its_own_the_service_does_not_start(name: str, weak: str | None) -> None:
    environment = {other: value for other, value in SERVICE.items() if other != name}

    told = start("serve", **environment, **({} if weak is None else {name: weak}))

    assert told.returncode != 0
    assert name in told.stderr
    assert "Traceback" not in told.stderr
    if weak is not None and weak.strip():
        assert weak not in told.stdout + told.stderr


def test_rows_10_and_76_with_them_it_gets_as_far_as_its_database() -> None:
    told = start("serve", **SERVICE, PORT="0")

    assert told.returncode == 1
    assert "the service cannot run" in told.stderr
    assert not any(secret in told.stdout + told.stderr for secret in (*STRONG.values(), "open-sesame"))


def test_row_76_no_secret_is_an_argument_of_any_command() -> None:
    helps = [start(*command, "--help").stdout for command in ((), ("serve",), ("migrate",), ("admin", "create"))]

    assert all(helps)
    for told in helps:
        assert "--password" not in told
        assert "--secret" not in told


def test_row_76_no_secret_shows_in_the_list_of_processes(tmp_path: Path, database: str, redis_url: str) -> None:
    with served(tmp_path / "log", database=database, redis_url=redis_url, **STRONG) as service:
        pids = {service.process.pid, *service.workers()}
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids]

    assert len(commands) == 3
    for command in commands:
        assert not any(secret in command for secret in (*STRONG.values(), database, redis_url))


def test_row_76_every_secret_setting_hides_itself_and_may_come_from_a_file(tmp_path: Path) -> None:
    described = {row.name for row in describe_settings() if row.secret}
    given = SERVICE | {
        "REDIS_URL": "redis://:open-sesame@cache/0",
        "METRICS_TOKEN": "open-sesame for whoever reads the figures",
        "TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
        "TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "TWILIO_FROM": "+15005550006",
    }
    if "SMTP_URL" in described:
        given |= {
            "SMTP_URL": "smtp://wallet:open-sesame@mail:587",
            "MAIL_FROM": "wallet@wallet.example",
            "PUBLIC_URL": "https://wallet.example",
        }
    files = {}
    for name in described:
        (tmp_path / name).write_text(given.pop(name) + "\n")
        files[f"{name}_FILE"] = str(tmp_path / name)

    settings = Settings.from_environment(given | files)

    shown = repr(settings) + str(settings)
    assert "open-sesame" not in shown
    assert not any(secret in shown for secret in (*STRONG.values(), TWILIO_TOKEN))
    assert settings.jwt_secret.reveal() == STRONG["JWT_SECRET"]
