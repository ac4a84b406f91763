"""Whether the books are right: every invariant of the ledger, asked of the tables themselves."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from adapters.postgres.audit import broken_links
from adapters.postgres.queries import Connection, Query, load_queries

FINDINGS_MAX: Final = 100
"""How many cases of one broken invariant are told. The first few say what is wrong; the others say it again."""

STATEMENT_SECONDS_MAX: Final = 900
"""How long one invariant may be looked for: the history is read as a whole, and it may be long."""

MARKS_LOCK_SECONDS_MAX: Final = 30
"""How long one incremental run waits for another to end."""

OF_ACCOUNTS_ALONE: Final = (
    "i02_each_currency_sums_to_zero",
    "i04_nobody_is_overdrawn",
    "i09_held_is_the_sum_of_open_holds",
)
"""What needs no entries to be judged: an incremental run asks it as the full one does."""

SEALS_HOLD: Final = "I18 each_seal_holds"
"""What the chain over the audit is to do."""

_TABLES: Final = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_ESTIMATE: Final = (
    "SELECT relname, greatest(reltuples, 1)::bigint AS rows FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A case of a broken invariant, which is named by its number and in words: `I3 balance_is_the_sum_of_entries`.

    `subject` is the id of what breaks it: a transaction, an account, an entry (`account/seq`), a person, a person's
    limit (`user/kind`), a wallet, an entry of the audit, an event, a currency, or a table or trigger that guards the
    books. `currency` is None where there is none to tell.
    """

    invariant: str
    currency: str | None
    subject: str
    explanation: str


Watch: TypeAlias = Callable[[str, int, int], None]
"""Told, before each step and after the last, which one it is and how many rows of about how many are read."""


def watch_nothing(_step: str, _rows: int, _rows_in_all: int) -> None:
    """A Watch for whoever does not look."""


async def verify(
    connection: Connection, *, findings_max: int = FINDINGS_MAX, watch: Watch = watch_nothing
) -> list[Finding]:
    """What is wrong with the books, at most `findings_max` cases of each invariant; nothing when all is well.

    All invariants are judged on one snapshot, by which movements that go on meanwhile do not matter, and nothing is
    locked. The connection must not be in a transaction. Raises what asyncpg raises.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s'")
        # A bound on the rows makes the planner hope to be done after a few look-ups. In healthy books it never is.
        await connection.execute("SET LOCAL enable_nestloop = off")
        findings = await _ask(connection, questions(), findings_max, watch)
        return findings + await _broken_seals(connection, findings_max)


def questions() -> Mapping[str, Query]:
    """All that `verify` asks of the tables, by name; the chain of seals, which no query can judge, comes besides."""
    return {**load_queries("verification"), **load_queries("audit_verification")}


async def verify_new(
    connection: Connection, *, findings_max: int = FINDINGS_MAX, watch: Watch = watch_nothing
) -> list[Finding]:
    """What is wrong with the entries that no earlier call has verified, and with the accounts as they stand.

    Costs one pass over the accounts and what is new. A fault in entries that were verified before, and one that shows
    in no entry and no balance (a missing event, the use of a limit, a key), is left to `verify`. Where there is a
    finding nothing is remembered, so that the next call tells it again. The connection must not be in a transaction;
    of calls at one time each waits for the one before. Raises what asyncpg raises.
    """
    whole, fresh = load_queries("verification"), load_queries("incremental_verification")
    asked = {name: whole[name] for name in OF_ACCOUNTS_ALONE}
    asked |= {name: fresh[name] for name in ("accounts", "transactions")}
    async with connection.transaction(isolation="repeatable_read"):
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s'")
        await connection.execute(f"SET LOCAL lock_timeout = '{MARKS_LOCK_SECONDS_MAX}s'")
        await connection.execute(fresh["lock_marks"].sql, timeout=MARKS_LOCK_SECONDS_MAX + 1)
        findings = await _ask(connection, asked, findings_max, watch)
        if not findings:
            await connection.execute(fresh["remember"].sql, timeout=STATEMENT_SECONDS_MAX)
    return findings


async def _broken_seals(connection: Connection, findings_max: int) -> list[Finding]:
    """What of the chain over the audit does not hold."""
    broken = await broken_links(connection, links_max=findings_max, seconds_max=STATEMENT_SECONDS_MAX)
    return [
        Finding(invariant=SEALS_HOLD, currency=None, subject=str(link.audit_id), explanation=link.explanation)
        for link in broken
    ]


async def _ask(connection: Connection, asked: Mapping[str, Query], findings_max: int, watch: Watch) -> list[Finding]:
    """The cases that all the queries give, in the order of their names."""
    names = sorted(asked)
    rows = await _estimated_rows(connection, [asked[name] for name in names])
    findings: list[Finding] = []
    for place, name in enumerate(names):
        watch(_told(name), sum(rows[:place]), sum(rows))
        found = await connection.fetch(asked[name].sql, findings_max, timeout=STATEMENT_SECONDS_MAX)
        findings += [_finding(name, row) for row in found]
    watch("", sum(rows), sum(rows))
    return findings


async def _estimated_rows(connection: Connection, queries: Sequence[Query]) -> list[int]:
    """How many rows each query reads, as far as the server's own statistics of its tables tell."""
    known = {row["relname"]: row["rows"] for row in await connection.fetch(_ESTIMATE)}
    return [sum(known.get(table, 0) for table in _TABLES.findall(query.sql)) for query in queries]


def _finding(name: str, row: asyncpg.Record) -> Finding:
    return Finding(
        invariant=_told(row.get("invariant", name)),
        currency=row["currency"],
        subject=row["subject"],
        explanation=row["explanation"],
    )


def _told(name: str) -> str:
    """An invariant as people are told of it: `i03_balance` is I3 balance."""
    number, _, words = name.partition("_")
    return f"I{int(number[1:])} {words}" if number[1:].isdigit() else f"new {name}"
