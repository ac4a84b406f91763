"""Whether the books say what was told: key by key, balance by balance, and nothing left open."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg

from adapters.postgres.verification import verify
from tests.faults.history import Attempt, Record, Row, Verdict
from tests.faults.workload import FUNDS, Workload, cents
from tests.races.client import Person

QUIET_SECONDS_MAX = 20.0
"""How long connections that were cut may stand in the server until it ends them: its own limit is ten seconds."""

_SECONDS_MAX = 60.0

_TOLD = """
    SELECT t.user_id::text AS user_id, t.idempotency_key AS key, t.status, t.reason, t.amount, t.currency,
           t.kind, t.source_balance_after, t.destination_balance_after,
           (SELECT count(*) FROM entries e WHERE e.transaction_id = t.id
             AND e.account_id IN (t.source_account_id, t.destination_account_id)) AS entries
      FROM transactions t WHERE t.user_id = ANY($1::uuid[]) AND t.idempotency_key IS NOT NULL
"""
_HELD = """
    SELECT wallet_id::text AS wallet_id, currency, balance, declined_today, declines FROM accounts
     WHERE user_id = ANY($1::uuid[])
"""
_LEFT_OPEN = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND state LIKE 'idle in transaction%')
         + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
"""


async def check(row: Row, workload: Workload, dsn: str) -> None:
    """Ask for everything once more, then compare all that was said with the books and add the outcome to the row."""
    row.retried += await workload.ask_again()
    row.count(workload.records)
    connection = await asyncpg.connect(dsn, timeout=_SECONDS_MAX)
    try:
        row.leaks += await left_open(connection)
        ids = [person.id for person in workload.people]
        told = {(each["user_id"], each["key"]): each for each in await connection.fetch(_TOLD, ids)}
        held = {(each["wallet_id"], each["currency"]): each for each in await connection.fetch(_HELD, ids)}
        findings = await verify(connection)
    finally:
        await connection.close()
    for record in workload.records:
        person = workload.people[record.operation.person]
        kept = told.pop((person.id, record.operation.key), None)
        _check_record(row, record, kept, may_forget=_may_forget(record, held, person))
    row.doubled += len(told)
    row.troubles += [f"a movement that nobody asked for: {dict(each)}" for each in told.values()]
    _check_balances(row, workload, held)
    row.findings += len(findings)
    row.troubles += [str(finding) for finding in findings]


async def left_open(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Transactions that nobody ends and advisory locks that nobody lifts, after the time they may take."""
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while left := int(await connection.fetchval(_LEFT_OPEN)):
        if time.monotonic() > deadline:
            return left
        await asyncio.sleep(0.2)
    return 0


def _may_forget(record: Record, held: Mapping[tuple[str, str], asyncpg.Record], person: Person) -> bool:
    """Whether so much was refused to that account that not every refusal is kept."""
    account = held[person.wallet_id, record.operation.currency]
    return bool(account["declined_today"] > account["declines"])


def _check_record(row: Row, record: Record, kept: asyncpg.Record | None, *, may_forget: bool) -> None:
    settled, operation = record.settled, record.operation
    if settled is None or settled.verdict is Verdict.UNEXPECTED or settled.answer is None:
        row.troubles.append(f"no definite answer: {operation}: {[_shown(each) for each in record.attempts]}")
        return
    if record.was_lied_to:
        row.flipped += 1
        row.troubles.append(f"it was said that nothing had happened: {[_shown(each) for each in record.attempts]}")
    if settled.verdict is Verdict.DONE:
        if kept is None or not _agrees(record, settled, kept):
            row.lost += 1
            row.troubles.append(f"{operation} was done, and the books say {kept and dict(kept)}")
        elif kept["entries"] != 2:
            row.doubled += 1
            row.troubles.append(f"{operation} has {kept['entries']} entries")
    elif kept is None:
        if not may_forget:
            row.lost += 1
            row.troubles.append(f"{operation} was declined, and nothing keeps it")
        return
    elif (kept["status"], kept["reason"], kept["entries"]) != ("FAILED", settled.answer.code, 0):
        row.flipped += 1
        row.troubles.append(f"{operation} was declined with {settled.answer.code}, and the books say {dict(kept)}")
    again = record.again
    if again is None or again.answer is None or again.answer.body != settled.answer.body:
        row.flipped += 1
        row.troubles.append(f"{operation}: first {_shown(settled)}, then {again and _shown(again)}")


def _agrees(record: Record, settled: Attempt, kept: asyncpg.Record) -> bool:
    """Whether the row in the books has the figures that were told."""
    assert settled.answer is not None
    said, operation = settled.answer.json, record.operation
    side = "destination" if operation.action == "add-funds" else "source"
    return (
        (kept["status"], kept["amount"], kept["currency"]) == ("COMPLETED", operation.amount, operation.currency)
        and (cents(said["amount"]), said["currency"]) == (operation.amount, operation.currency)
        and cents(said["balance_after"]) == kept[f"{side}_balance_after"]
    )


def _check_balances(row: Row, workload: Workload, held: Mapping[tuple[str, str], asyncpg.Record]) -> None:
    """What people hold is what their answers add up to. Too little was taken twice or lost, too much came twice."""
    expected = expected_balances(workload.people, workload.records)
    for account, amount in expected.items():
        if held[account]["balance"] != amount:
            row.doubled += 1
            row.troubles.append(f"{account} should hold {amount} and holds {held[account]['balance']}")


def expected_balances(people: Sequence[Person], records: Sequence[Record]) -> Counter[tuple[str, str]]:
    """What each wallet must hold in each currency after what was told, in cents."""
    held: Counter[tuple[str, str]] = Counter()
    for person in people:
        for currency in ("USD", "EUR"):
            held[person.wallet_id, currency] = cents(FUNDS)
    for record in records:
        settled, operation = record.settled, record.operation
        if settled is None or settled.verdict is not Verdict.DONE:
            continue
        own = (people[operation.person].wallet_id, operation.currency)
        held[own] += operation.amount if operation.action == "add-funds" else -operation.amount
        if operation.other is not None:
            held[people[operation.other].wallet_id, operation.currency] += operation.amount
    return held


def _shown(attempt: Attempt) -> str:
    answer = attempt.answer
    return "nothing" if answer is None else f"{answer.status} {answer.body[:400].decode(errors='replace')}"
