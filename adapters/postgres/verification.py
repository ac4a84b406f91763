"""Whether the books are right: every invariant of the ledger, asked of the tables themselves."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.postgres.database import faults
from adapters.postgres.queries import Connection, load_queries

FINDINGS_MAX: Final = 100
"""How many cases of one broken invariant are told. The first few say what is wrong; the others say it again."""

STATEMENT_SECONDS_MAX: Final = 900
"""How long one invariant may be looked for: the history is read as a whole, and it may be long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A case of a broken invariant.

    `subject` is the id of what breaks it: a transaction, an account, an entry (`account/seq`), a person, a person's
    limit (`user/kind`) or a currency. `currency` is None where there is none to tell.
    """

    invariant: str
    currency: str | None
    subject: str
    explanation: str


class Database(Protocol):
    """Where a connection comes from."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for the length of a block. Raises Unavailable."""
        ...


class Verification:
    """Asks a database whether its books are right."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, *, findings_max: int = FINDINGS_MAX) -> list[Finding]:
        """As `verify`. Raises Unavailable."""
        with faults():
            async with self._database.connection() as connection:
                return await verify(connection, findings_max=findings_max)


async def verify(connection: Connection, *, findings_max: int = FINDINGS_MAX) -> list[Finding]:
    """What is wrong with the books, at most `findings_max` cases of each invariant; nothing when all is well.

    All invariants are judged on one snapshot, by which movements that go on meanwhile do not matter, and nothing is
    locked. The connection must not be in a transaction. Raises what asyncpg raises.
    """
    findings: list[Finding] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s'")
        # A bound on the rows makes the planner hope to be done after a few look-ups. In healthy books it never is.
        await connection.execute("SET LOCAL enable_nestloop = off")
        for name, query in sorted(load_queries("verification").items()):
            rows = await connection.fetch(query.sql, findings_max, timeout=STATEMENT_SECONDS_MAX)
            findings += [
                Finding(
                    invariant=name,
                    currency=row["currency"],
                    subject=row["subject"],
                    explanation=row["explanation"],
                )
                for row in rows
            ]
    return findings
