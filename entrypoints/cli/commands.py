"""The commands: serve, migrate, verify, make an admin, change keys, and the demo."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from entrypoints.administration import AdminRefused, create_admin, migrate_database, rotate_keys, verify_books
from entrypoints.api import api
from entrypoints.container import VERSION
from entrypoints.environment import SettingsError
from entrypoints.serving import serve as serve_application
from entrypoints.settings import Settings
from entrypoints.worker.run import run_worker
from wallet_core.faults import Fault

T = TypeVar("T")

EXIT_FINDINGS = 1
EXIT_FAILED = 1
EXIT_MISUSED = 2
STEPS_SECONDS_MAX = 3_600

_screen = Console(highlight=False, soft_wrap=True)
_complaints = Console(stderr=True, highlight=False, soft_wrap=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, package_name="wallet")
def wallet() -> None:
    """Wallets with transfers between people, and books that balance.

    Settings come from the environment; the README has the table of them.
    """


@wallet.command()
@click.option("--workers", type=click.IntRange(1, 256), help="Processes on the one port (default: WORKERS, else 1).")
def serve(workers: int | None) -> None:
    """Serve the API until SIGTERM or Ctrl-C; what is in flight then is finished."""
    sys.exit(serve_application(api, _settings(), workers=workers))


@wallet.command()
@click.option(
    "--heartbeat",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to touch each second: one that grows old tells of a worker that hangs.",
)
def worker(heartbeat: Path | None) -> None:
    """Tell people what happened, and do what has to be done now and then, until SIGTERM or Ctrl-C.

    Any number of workers share the work. Without one the service moves money as ever, and nobody is told of it.
    """
    sys.exit(run_worker(_settings(), heartbeat=heartbeat))


@wallet.command()
@click.option("--status", is_flag=True, help="Only show which migrations are applied.")
def migrate(*, status: bool) -> None:
    """Bring the database to the current schema.

    MIGRATION_DATABASE_URL names the owner of the tables (DATABASE_URL where it is not set). When DATABASE_URL names
    another user, that login is made, or given its password, with the rights of the application and no more.
    """
    owner = _read_setting("MIGRATION_DATABASE_URL") or _read_setting("DATABASE_URL")
    if owner is None:
        _fail("Set MIGRATION_DATABASE_URL or DATABASE_URL to say which database.", EXIT_MISUSED)
    lines = _run(migrate_database(owner, service=_read_setting("DATABASE_URL"), status_only=status))
    for line in lines:
        _screen.print(line)


@wallet.command()
@click.option("--incremental", is_flag=True, help="Only check what no earlier --incremental run has checked.")
def verify(*, incremental: bool) -> None:
    """Check every book of DATABASE_URL; name what is wrong and exit 1 when anything is.

    Reads one snapshot and locks nothing, so that the service may go on meanwhile.

    With --incremental it costs one pass over the accounts and what is new, cheap enough for each minute. It finds what
    is wrong with new entries and with the balances as they stand. What was done to entries that were checked before,
    and what no entry shows (events, limits, idempotency keys), only the full run finds: let it run each night.
    """
    database = _read_setting("DATABASE_URL")
    if database is None:
        _fail("Set DATABASE_URL to say which database.", EXIT_MISUSED)
    with _progress("Checking the books") as watch:
        findings = _run(verify_books(database, incremental=incremental, watch=watch))
    for finding in findings:
        _screen.print(finding, style="red", markup=False)
    _screen.print("The books balance." if not findings else f"{len(findings)} findings.")
    if findings:
        sys.exit(EXIT_FINDINGS)


@wallet.group()
def admin() -> None:
    """People who administer the service."""


@admin.command("create")
@click.option("--email", prompt=True, help="The address they log in with.")
@click.option("--name", prompt=True, help="Their name.")
def create(email: str, name: str) -> None:
    """Make a person with the role of an admin.

    Their password is asked for, or read from ADMIN_PASSWORD, or from the file that ADMIN_PASSWORD_FILE names. It is no
    argument: those show in the list of processes.
    """
    settings = _settings()
    given = _read_setting("ADMIN_PASSWORD")
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True) if given is None else given
    try:
        user = _run(create_admin(settings, email=email, name=name, password=password))
    except AdminRefused as refusal:
        _fail(str(refusal), EXIT_FAILED)
    _screen.print(f"{user.name} ({user.email}) is an admin now: {user.id}")


@wallet.group()
def keys() -> None:
    """The keys that seal secrets in the database."""


@keys.command("rotate")
def rotate() -> None:
    """Seal with the first key of SEALING_KEYS what its older keys have sealed.

    The service goes on meanwhile, as long as all its processes know all these keys. A run that was stopped is begun
    again, and goes on where that one was. After one that ends with 0 old rows the older keys may leave SEALING_KEYS.
    Exits 1 and names what no key opens.
    """
    with _progress("Sealing anew") as watch:
        rotated = _run(rotate_keys(_settings(), watch=watch))
    for place in rotated.unreadable:
        # Without emoji: a place is written with colons.
        _screen.print(f"No key opens {place}.", style="red", markup=False, emoji=False)
    _screen.print(f"{rotated.resealed} rows are sealed anew; {len(rotated.unreadable)} old rows are left.")
    if rotated.unreadable:
        sys.exit(EXIT_FINDINGS)


@wallet.command()
@click.option("--reset", is_flag=True, help="Wipe the data of an earlier demo first.")
@click.option("--port", type=click.IntRange(1, 65_535), envvar="PORT", default=8000, show_default=True)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="WALLET_HOME",
    default=Path(".wallet"),
    show_default=True,
    help="Where the data lies.",
)
def demo(*, reset: bool, port: int, home: Path) -> None:
    """Serve everything from this machine alone, with people and movements in it."""
    from entrypoints.demo.run import run_demo

    sys.exit(run_demo(home=home, port=port, reset=reset, screen=_screen))


def _settings() -> Settings:
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        _fail(f"The environment does not say how to run:\n{error}", EXIT_MISUSED)


@contextmanager
def _progress(work: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with an estimate while the block runs, on a terminal; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # The estimate goes by all steps so far: they are few, and as unlike as the tables that they read.
    with Progress(*columns, console=_screen, transient=True, disable=not _screen.is_terminal,
                  speed_estimate_period=STEPS_SECONDS_MAX) as bar:  # fmt: skip
        task = bar.add_task(work, total=None)

        def watch(step: str, done: int, in_all: int) -> None:
            bar.update(task, description=step or "Done", completed=done, total=in_all)

        yield watch


def _read_setting(name: str) -> str | None:
    """One variable, or the file that `{name}_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            _fail(f"{name}_FILE cannot be read: {error.strerror}.", EXIT_MISUSED)
    return os.environ.get(name) or None


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a fault outside our rules becomes one line and an exit code."""
    try:
        return asyncio.run(work)
    except Fault as fault:
        _fail(str(fault), EXIT_FAILED)


def _fail(message: str, code: int) -> NoReturn:
    _complaints.print(message, style="red", markup=False)
    sys.exit(code)
