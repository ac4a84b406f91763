"""The commands: serve, migrate, verify, make an admin, change keys, and the demo."""

import sys
from pathlib import Path

import click

from entrypoints.administration import migrate_database, rotate_keys, verify_books
from entrypoints.api import api
from entrypoints.cli.administration import admin
from entrypoints.cli.terminal import (
    EXIT_FINDINGS,
    EXIT_MISUSED,
    fail,
    progress,
    read_setting,
    run,
    screen,
    settings,
)
from entrypoints.container import VERSION
from entrypoints.serving import serve as serve_application
from entrypoints.worker.run import run_worker


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
    sys.exit(serve_application(api, settings(), workers=workers))


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
    sys.exit(run_worker(settings(), heartbeat=heartbeat))


@wallet.command()
@click.option("--status", is_flag=True, help="Only show which migrations are applied.")
def migrate(*, status: bool) -> None:
    """Bring the database to the current schema.

    MIGRATION_DATABASE_URL names the owner of the tables (DATABASE_URL where it is not set). When DATABASE_URL names
    another user, that login is made, or given its password, with the rights of the application and no more.
    """
    owner = read_setting("MIGRATION_DATABASE_URL") or read_setting("DATABASE_URL")
    if owner is None:
        fail("Set MIGRATION_DATABASE_URL or DATABASE_URL to say which database.", EXIT_MISUSED)
    lines = run(migrate_database(owner, service=read_setting("DATABASE_URL"), status_only=status))
    for line in lines:
        screen.print(line)


@wallet.command()
@click.option("--incremental", is_flag=True, help="Only check what no earlier --incremental run has checked.")
def verify(*, incremental: bool) -> None:
    """Check every book of DATABASE_URL; name what is wrong and exit 1 when anything is.

    Reads one snapshot and locks nothing, so that the service may go on meanwhile.

    With --incremental it costs one pass over the accounts and what is new, cheap enough for each minute. It finds what
    is wrong with new entries and with the balances as they stand. What was done to entries that were checked before,
    and what no entry shows (events, limits, idempotency keys), only the full run finds: let it run each night.
    """
    database = read_setting("DATABASE_URL")
    if database is None:
        fail("Set DATABASE_URL to say which database.", EXIT_MISUSED)
    with progress("Checking the books") as watch:
        findings = run(verify_books(database, incremental=incremental, watch=watch))
    for finding in findings:
        screen.print(finding, style="red", markup=False)
    screen.print("The books balance." if not findings else f"{len(findings)} findings.")
    if findings:
        sys.exit(EXIT_FINDINGS)


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
    with progress("Sealing anew") as watch:
        rotated = run(rotate_keys(settings(), watch=watch))
    for place in rotated.unreadable:
        # Without emoji: a place is written with colons.
        screen.print(f"No key opens {place}.", style="red", markup=False, emoji=False)
    screen.print(f"{rotated.resealed} rows are sealed anew; {len(rotated.unreadable)} old rows are left.")
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

    sys.exit(run_demo(home=home, port=port, reset=reset, screen=screen))


wallet.add_command(admin)
