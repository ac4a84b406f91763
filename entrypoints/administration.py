"""What operators do from the command line."""

from collections.abc import Callable
from functools import partial

from marshmallow import ValidationError

from entrypoints.container import Tools, opened
from entrypoints.http.schemas.administration import Reason
from entrypoints.http.schemas.contacts import Email
from entrypoints.http.schemas.fields import Name
from entrypoints.settings import Settings
from wallet_core.administration.audit import OPERATOR, REASON_LENGTH_MAX
from wallet_core.identity.entities import NAME_LENGTH_MAX, Role, User, WeakPasswordError
from wallet_core.identity.ports import Taken, TooManyAttempts
from wallet_core.identity.sealing import Rotated


class AdminRefused(Exception):
    """What was asked is not done; the message says why."""


async def migrate_database(owner: str, *, service: str | None, status_only: bool = False) -> list[str]:
    """Migrate as the owner and let the service's user log in. Returns what happened, a line each."""
    setup = Tools.setup(owner)
    if status_only:
        return [f"{status}  {status.state}" for status in await setup.status()]
    lines = [f"applied {migration}" for migration in await setup.migrate()] or ["nothing to migrate"]
    user = None if service is None else await setup.ensure_login(service)
    if user is not None:
        lines.append(f"{user} may log in")
    return lines


async def verify_books(database: str, *, incremental: bool, watch: Callable[[str, int, int], None]) -> list[str]:
    """What is wrong with the books, a line each; nothing when they balance.

    `incremental` asks only for what is new since the last such run. `watch` is told how far it is: which invariant is
    looked for, and how many rows of about how many were read.
    """
    return [
        f"{finding.invariant}  {finding.currency or '-'}  {finding.subject}  {finding.explanation}"
        for finding in await Tools.setup(database).findings(incremental=incremental, watch=watch)
    ]


async def create_admin(settings: Settings, *, email: str, name: str, password: str, reason: str) -> User:
    """A new person with the role of an admin. Raises AdminRefused, and Unavailable when the database is away."""
    try:
        email, name = Email().read(email), Name(max=NAME_LENGTH_MAX).read(name)
        reason = Reason(max=REASON_LENGTH_MAX).read(reason)
    except ValidationError as error:
        raise AdminRefused(" ".join(map(str, error.messages))) from None
    async with opened(settings) as container:
        try:
            user = await container.people().sign_up(
                name=name,
                password=password,
                email=email,
                phone=None,
                role=Role.ADMIN,
                verified=True,
                keep=partial(container.administration().add_admin, by=OPERATOR, reason=reason),
            )
        except WeakPasswordError as error:
            raise AdminRefused(str(error)) from None
    match user:
        case User():
            return user
        case Taken():
            raise AdminRefused("Somebody is reached by that address already.")
        case TooManyAttempts():
            raise AdminRefused(f"Too many have signed up; try again in {user.wait_seconds} s.")


async def rotate_keys(settings: Settings, *, watch: Callable[[str, int, int], None]) -> Rotated:
    """Seal with the first key what older ones have sealed. Raises Fault when something keeps sealing with an old one.

    `watch` is told which column is gone through, and how many of about how many rows are done.
    """
    async with opened(settings) as container:
        return await container.key_rotation().run(watch)
