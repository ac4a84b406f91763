"""The demo: servers from wheels, a migrated and seeded database, and API and worker in this process."""

import asyncio
import json
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from rich.console import Console

from entrypoints.administration import migrate_database
from entrypoints.api import api
from entrypoints.container import Tools
from entrypoints.demo.people import ADMIN, PASSWORD, PEOPLE, seed
from entrypoints.embedded.ports import free_port
from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.process import ServerFailed
from entrypoints.embedded.valkey import EmbeddedValkey
from entrypoints.environment import SettingsError
from entrypoints.serving import serve
from entrypoints.settings import Settings
from entrypoints.worker.run import working
from wallet_core.faults import Fault

_DATABASE: Final = "wallet"
_SERVICE_USER: Final = "wallet_service"
_HOST: Final = "127.0.0.1"
_SEEDED: Final = "seeded"
_MAILBOX: Final = "mailbox"
_SECRETS: Final = "secrets.json"
"""Also the mark by which a demo knows its own folder: no other one is used, and none other wiped."""
EXIT_FAILED: Final = 1


def run_demo(*, home: Path, port: int, reset: bool, screen: Console) -> int:
    """Serve until Ctrl-C and return the exit code. The data stay in `home` for the next time."""
    started = time.monotonic()
    home = home.resolve()
    try:
        if home.exists() and any(home.iterdir()) and not (home / _SECRETS).exists():
            screen.print(f"[red]{home} holds something else than a demo's data.[/red] Choose another WALLET_HOME.")
            return EXIT_FAILED
        if reset and home.exists():
            EmbeddedPostgres(home / "postgres").wipe()
            shutil.rmtree(home)
            screen.print(f"Wiped {home}")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _kept_secrets(home / _SECRETS)
        postgres = EmbeddedPostgres(home / "postgres")
        chosen = free_port(port)
        if chosen != port:
            screen.print(f"[yellow]Port {port} is taken; taking {chosen}.[/yellow]")
        screen.print("Starting PostgreSQL and Valkey …")
        with postgres, EmbeddedValkey(home / "valkey") as valkey:
            settings = _settings(home, postgres, valkey, chosen)
            screen.print("Migrating and seeding …")
            asyncio.run(_prepare(postgres, settings, seeded=(home / _SEEDED).exists()))
            (home / _SEEDED).touch()

            def welcome() -> None:
                _welcome(screen, settings, postgres, home, time.monotonic() - started)

            code = serve(_api_and_worker, settings, workers=1, listening=welcome)
        screen.print(f"Stopped. The data are kept in {home}; `make demo RESET=1` wipes them.")
        return code
    except KeyboardInterrupt:
        screen.print("Stopped before it was ready.")
        return EXIT_FAILED
    except (ServerFailed, Fault, OSError, SettingsError) as error:
        screen.print(f"[red]The demo cannot start:[/red] {error}")
        return EXIT_FAILED


@asynccontextmanager
async def _api_and_worker(settings: Settings) -> AsyncIterator[web.Application]:
    """The API, with a worker beside it in the one process."""
    async with api(settings) as app, working(settings):
        yield app


async def _prepare(postgres: EmbeddedPostgres, settings: Settings, *, seeded: bool) -> None:
    """A migrated database that the service may use, with people in it; one that was left half done is begun anew."""
    setup = Tools.setup(postgres.dsn)
    if not seeded:
        await setup.drop_database(_DATABASE)
    await setup.ensure_database(_DATABASE)
    await migrate_database(postgres.dsn_of(_DATABASE), service=settings.database_url.reveal())
    if not seeded:
        await seed(settings)


def _settings(home: Path, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, port: int) -> Settings:
    kept = _kept_secrets(home / _SECRETS)
    return Settings.from_environment(
        {
            **{name: value for name, value in os.environ.items() if not name.endswith("_FILE")},
            "WALLET_ENV": "development",
            "DATABASE_URL": postgres.dsn_of(_DATABASE, user=_SERVICE_USER, password=kept["database"]),
            "REDIS_URL": valkey.url,
            "JWT_SECRET": kept["jwt"],
            "PASSWORD_PEPPER": kept["pepper"],
            "SEALING_KEYS": f"k1:{kept['sealing']}",
            "HOST": _HOST,
            "PORT": str(port),
            "PUBLIC_URL": f"http://{_HOST}:{port}",
            # Nothing leaves this machine, whatever the environment says.
            "SMTP_URL": "",
            "MAILBOX": str(home / _MAILBOX),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        }
    )


def _kept_secrets(path: Path) -> dict[str, str]:
    """Secrets of this demo alone, each made at the first start that needs it and readable by nobody else."""
    path.touch(mode=0o600)
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8") or "{}")
    made = {name: secrets.token_hex(32) for name in ("database", "jwt", "pepper", "sealing") if name not in kept}
    if made:
        path.write_text(json.dumps(kept | made), encoding="utf-8")
    return kept | made


def _welcome(screen: Console, settings: Settings, postgres: EmbeddedPostgres, home: Path, seconds: float) -> None:
    url = f"http://{settings.host}:{settings.port}"
    first, second = PEOPLE[0], PEOPLE[1]
    login = json.dumps({"email": first.email, "password": PASSWORD})
    transfer = json.dumps({"to": second.email, "amount": "12.50", "note": "Lunch"})
    read = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"{}\"])'"
    lines = [
        "",
        f"[bold green]Ready[/bold green] in {seconds:.1f} s: {url}   documentation: {url}/docs",
        "",
        f"People (password of each: {PASSWORD})",
        *[f"  {person.email:22} {person.name}" for person in PEOPLE],
        f"  {ADMIN.email:22} {ADMIN.name}, who may do what stands under “admin” in the documentation",
        "",
        f"Send 12.50 from {first.name} to {second.name}; paste it twice and it is still sent once:",
        "",
        f"  TOKEN=$(curl -s {url}/auth/login -H 'Content-Type: application/json' \\",
        f"    -d '{login}' | {read.format('access_token')})",
        f'  WALLET=$(curl -s {url}/wallet -H "Authorization: Bearer $TOKEN" | {read.format("id")})',
        f'  curl -i {url}/wallets/$WALLET/transfer -H "Authorization: Bearer $TOKEN" \\',
        "    -H 'Content-Type: application/json' -H 'Idempotency-Key: lunch-1' \\",
        f"    -d '{transfer}'",
        "",
        f"Mailbox    {url}/dev/mailbox   what people are sent: codes, links, notices",
        f"Database   {postgres.dsn_of(_DATABASE)}",
        f"Data       {home}" + ("" if postgres.place.is_relative_to(home) else f" and {postgres.place}"),
        "Stop       Ctrl-C (the data stay)      Wipe  make demo RESET=1",
        "",
    ]
    for line in lines:
        screen.print(line, highlight=False, markup=line.startswith("[bold"))
