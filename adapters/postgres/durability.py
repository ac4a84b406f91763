"""Whether what the server says is committed stays committed, as far as its settings tell."""

from typing import Final

from adapters.postgres.queries import Connection
from wallet_core.faults import Fault

_MUST_BE_ON: Final = ("fsync", "full_page_writes", "synchronous_commit")


class NotDurable(Fault):
    """The database may lose what it has committed; the message names the settings."""


async def require_durability(connection: Connection) -> None:
    """Return when a commit outlives a crash. Raises NotDurable.

    Killing processes cannot show what fsync=off loses (the operating system still holds it), so the settings are asked.
    """
    rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])", _MUST_BE_ON)
    off = sorted(row["name"] for row in rows if row["setting"] == "off")
    if off:
        raise NotDurable(
            f"PostgreSQL runs with {', '.join(f'{name}=off' for name in off)}: a crash would lose committed money. "
            "Turn it on, or set REQUIRE_DURABLE_DATABASE=false where losing everything is no loss."
        )
