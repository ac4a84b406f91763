"""`wallet admin …`: what operators do about people, wallets and the audit. Every change needs a reason."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import click

from entrypoints.administration import AdminRefused, create_admin
from entrypoints.cli.terminal import EXIT_FAILED, fail, read_setting, run, screen, settings
from entrypoints.desk import Desk, Maximums, audit_line, desk
from entrypoints.http.inert_csv import csv_lines
from entrypoints.http.routes.audit import COLUMNS, audit_row
from wallet_core.administration.audit import ActorKind, AuditQuery
from wallet_core.administration.ports import PeopleQuery
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.ids import UserId
from wallet_core.ledger.commands import LimitKind

_PAGE_MAX = 1_000

_reason = click.option("--reason", required=True, help="Why, for whoever asks later; kept in the audit.")
_user_id = click.argument("user_id", type=click.UUID)
_wallet_id = click.argument("wallet_id", type=click.UUID)


@click.group()
def admin() -> None:
    """People who administer the service, and what operators do in their place.

    What is changed by these commands stands in the audit as done by an operator.
    """


@admin.command("create")
@click.option("--email", prompt=True, help="The address they log in with.")
@click.option("--name", prompt=True, help="Their name.")
@click.option(
    "--reason", default="Made an admin from the command line", show_default=True, help="Why; kept in the audit."
)
def create(email: str, name: str, reason: str) -> None:
    """Make a person with the role of an admin.

    Their password is asked for, or read from ADMIN_PASSWORD, or from the file that ADMIN_PASSWORD_FILE names. It is no
    argument: those show in the list of processes.
    """
    decided = settings()
    given = read_setting("ADMIN_PASSWORD")
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True) if given is None else given
    try:
        user = run(create_admin(decided, email=email, name=name, password=password, reason=reason))
    except AdminRefused as refusal:
        fail(str(refusal), EXIT_FAILED)
    screen.print(f"{user.name} ({user.email}) is an admin now: {user.id}")


@admin.command("users")
@click.option("--search", help="Looked for anywhere in names, email addresses and phone numbers.")
@click.option("--role", type=click.Choice([role.value for role in Role]))
@click.option("--status", type=click.Choice([status.value for status in UserStatus]))
@click.option("--limit", type=click.IntRange(1, _PAGE_MAX), default=50, show_default=True)
def users(search: str | None, role: str | None, status: str | None, limit: int) -> None:
    """Look people up, the newest first."""
    query = PeopleQuery(
        text=search,
        role=None if role is None else Role(role),
        status=None if status is None else UserStatus(status),
        limit=limit,
    )
    _say(lambda at: at.people(query))


@admin.command("user")
@_user_id
def user(user_id: UUID) -> None:
    """Show somebody with their wallets."""
    _say(lambda at: at.person(user_id))


@admin.command("history")
@_user_id
@click.option("--limit", type=click.IntRange(1, _PAGE_MAX), default=50, show_default=True)
def history(user_id: UUID, limit: int) -> None:
    """Show what happened in somebody's wallets, the newest first."""
    _say(lambda at: at.history(user_id, limit))


@admin.command("freeze")
@_wallet_id
@_reason
def freeze(wallet_id: UUID, reason: str) -> None:
    """Let no money move in or out of a wallet."""
    _say(lambda at: at.freeze(wallet_id, reason))


@admin.command("unfreeze")
@_wallet_id
@_reason
def unfreeze(wallet_id: UUID, reason: str) -> None:
    """Let money move again."""
    _say(lambda at: at.unfreeze(wallet_id, reason))


@admin.command("activate")
@_user_id
@_reason
def activate(user_id: UUID, reason: str) -> None:
    """Let somebody act again; wallets of theirs that are frozen stay so."""
    _say(lambda at: at.activate(user_id, reason))


@admin.command("deactivate")
@_user_id
@_reason
def deactivate(user_id: UUID, reason: str) -> None:
    """Let somebody neither log in nor move money."""
    _say(lambda at: at.deactivate(user_id, reason))


@admin.command("deposit")
@_wallet_id
@click.argument("amount")
@click.option("--currency", help="Instead of the wallet's own.")
@click.option("--key", help="Names this deposit: made again under the same name, it is the same one.")
@_reason
def deposit(wallet_id: UUID, amount: str, currency: str | None, key: str | None, reason: str) -> None:
    """Credit somebody's wallet, from the account for adjustments."""
    _say(lambda at: at.deposit(wallet_id, amount, code=currency, key=key, reason=reason))


@admin.command("limits")
@_user_id
@click.argument("currency")
@click.option("--transfer-daily", help="Most that they may send in a day.")
@click.option("--transfer-monthly", help="Most that they may send in a month.")
@click.option("--withdrawal-daily", help="Most that they may withdraw in a day.")
@click.option("--withdrawal-monthly", help="Most that they may withdraw in a month.")
@_reason
def limits(
    user_id: UUID,
    currency: str,
    transfer_daily: str | None,
    transfer_monthly: str | None,
    withdrawal_daily: str | None,
    withdrawal_monthly: str | None,
    reason: str,
) -> None:
    """Say how much somebody may move out in one currency, at once; what is not said stays."""
    wanted = {
        LimitKind.TRANSFER: Maximums(daily=transfer_daily, monthly=transfer_monthly),
        LimitKind.WITHDRAWAL: Maximums(daily=withdrawal_daily, monthly=withdrawal_monthly),
    }
    _say(lambda at: at.limits(user_id, currency, wanted, reason=reason))


@admin.command("sessions")
@_user_id
def sessions(user_id: UUID) -> None:
    """Show where somebody is logged in."""
    _say(lambda at: at.sessions(user_id))


@admin.command("end-sessions")
@_user_id
@click.option("--session", "session_id", type=click.UUID, help="That one alone.")
@_reason
def end_sessions(user_id: UUID, session_id: UUID | None, reason: str) -> None:
    """Log somebody out, on all devices or on one."""
    _say(lambda at: at.end_sessions(user_id, session_id, reason))


@admin.command("audit")
@click.option("--actor", type=click.UUID, help="Who made the change.")
@click.option("--actor-kind", type=click.Choice([kind.value for kind in ActorKind]))
@click.option("--action", help="What was done, such as wallet.frozen.")
@click.option("--target", help="What it was done to, by its id.")
@click.option("--user", "user_id", type=click.UUID, help="Whom it is about.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="As a table in which no cell is a formula.")
def audit(
    actor: UUID | None,
    actor_kind: str | None,
    action: str | None,
    target: str | None,
    user_id: UUID | None,
    limit: int,
    *,
    as_csv: bool,
) -> None:
    """Show who did what to whom, when and why, the last change first."""
    query = AuditQuery(
        actor_id=None if actor is None else UserId(actor),
        actor_kind=None if actor_kind is None else ActorKind(actor_kind),
        action=action,
        target_id=target,
        user_id=None if user_id is None else UserId(user_id),
        limit=limit,
    )
    run(_print_audit(query, as_csv=as_csv))


@admin.command("seal")
def seal() -> None:
    """Seal what of the audit is not sealed yet, and show the last seal.

    The worker seals by itself. Whoever keeps that seal elsewhere can tell later that nothing was cut off.
    """
    _say(lambda at: at.seal())


async def _print_audit(query: AuditQuery, *, as_csv: bool) -> None:
    async with desk(settings()) as at:
        if as_csv:
            click.echo(csv_lines([COLUMNS]), nl=False)
        async for entry in at.audit(query):
            if as_csv:
                click.echo(csv_lines([audit_row(entry)]), nl=False)
            else:
                screen.print(audit_line(entry), markup=False, emoji=False)


def _say(work: Callable[[Desk], Awaitable[list[str]]]) -> None:
    """Do it and print what it says, or say why it is not done."""

    async def done() -> list[str]:
        async with desk(settings()) as at:
            return await work(at)

    try:
        lines = run(done())
    except AdminRefused as refusal:
        fail(str(refusal), EXIT_FAILED)
    for line in lines:
        screen.print(line, markup=False, emoji=False)
