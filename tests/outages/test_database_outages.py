"""PostgreSQL goes away under load and comes back: told at once, over at once, and nothing that was promised is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from adapters.postgres.database import COMMAND_SECONDS
from tests.outages.conftest import Breakable
from tests.outages.load import Load, Sent, send_again
from tests.outages.patience import until
from tests.races.books import findings, settled
from tests.races.client import Answer, Api, Person
from tests.races.serving import client_of

CALLERS = 24
OUTAGE_SECONDS = 1.5
RECOVERY_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 10.0
FUNDS = "5000.00"


@pytest.fixture
async def api(on_own_database: Breakable) -> AsyncIterator[Api]:
    async with client_of(on_own_database.service) as api:
        yield api


@pytest.mark.parametrize("end", ["killed", "shut down"])
async def test_an_outage_is_told_and_survived_without_a_restart(on_own_database: Breakable, api: Api, end: str) -> None:
    service, postgres = on_own_database.service, on_own_database.machine
    people = [await api.person(name, funds=FUNDS) for name in ("alice", "bob", "carol", "dave")]
    spread = await service.spread(api, CALLERS)
    load = Load(people, callers=CALLERS, pause_seconds=0.02)

    load.start()
    await asyncio.sleep(1)
    await (postgres.kill() if end == "killed" else postgres.stop())
    said_meanwhile = await _operations(api, seconds=OUTAGE_SECONDS)
    back_at = await postgres.start()
    await until(load.is_undisturbed, seconds_max=RECOVERY_SECONDS_MAX + 1)
    await load.stop()

    assert len(spread) == 2
    assert said_meanwhile == {"/healthz": {200}, "/readyz": {503}}
    _all_were_told_in_time(load, end=end, back_at=back_at)
    assert (await api.ask("GET", "/readyz")).status == 200
    await _everything_promised_is_there(service.database, load.transfers, people)


async def test_a_database_that_hangs_is_not_waited_for_longer_than_it_may_take(
    on_own_database: Breakable, api: Api
) -> None:
    service, postgres = on_own_database.service, on_own_database.machine
    people = [await api.person(name, funds=FUNDS) for name in ("alice", "bob", "carol", "dave")]
    await service.spread(api, CALLERS)
    load = Load(people, callers=CALLERS, pause_seconds=0.02)

    load.start()
    await asyncio.sleep(0.5)
    await postgres.freeze()
    health = await api.ask("GET", "/healthz")
    readiness, _ = await asyncio.gather(api.ask("GET", "/readyz"), asyncio.sleep(COMMAND_SECONDS + 1))
    back_at = await postgres.thaw()
    await until(load.is_undisturbed, seconds_max=RECOVERY_SECONDS_MAX + 1)
    await load.stop()

    print(f"frozen: /readyz took {readiness.seconds:.2f} s")
    assert (health.status, readiness.status) == (200, 503)
    assert readiness.seconds < ANSWER_SECONDS_MAX
    _all_were_told_in_time(load, end="frozen", back_at=back_at)
    await _everything_promised_is_there(service.database, load.transfers, people)


def _all_were_told_in_time(load: Load, *, end: str, back_at: float) -> None:
    """Nobody met anything but an answer or an orderly refusal, nobody waited for long, and it was over at once."""
    refused = _refused(load.transfers)
    recovery = max(load.last_refused_at - back_at, 0.0)
    slowest = max(answer.seconds for answer in (*_answers(load.transfers), *load.reads))
    print(
        f"{end}: {len(load.transfers)} transfers, {dict(Counter(map(_said, load.transfers)))}; last refusal "
        f"{recovery:.2f} s after the return, longest request {slowest:.2f} s"
    )
    assert refused
    assert set(map(_said, load.transfers)) <= {"201", "unavailable", "outcome_unknown"}
    assert {answer.status for answer in load.reads} <= {200, 503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in _answers(refused))
    assert recovery < RECOVERY_SECONDS_MAX
    assert slowest < ANSWER_SECONDS_MAX


async def _everything_promised_is_there(dsn: str, transfers: Sequence[Sent], people: Sequence[Person]) -> None:
    """What was acknowledged was kept; what was refused did not happen; what was unknown becomes known by a retry."""
    kept: dict[str, str] = {}
    for person in people:
        kept |= await settled(dsn, person.id)
    acknowledged = [sent.key for sent in transfers if _said(sent) == "201"]
    refused = _refused(transfers)

    again = await send_again(refused)

    assert acknowledged
    assert {kept.get(key) for key in acknowledged} == {"COMPLETED"}
    assert {answer.status for answer in again} == {201}
    for sent, answer in zip(refused, again, strict=True):
        # "Nothing happened" has to be true, and of the others the retry tells what the books say.
        assert answer.replayed == (sent.key in kept)
        assert not (answer.replayed and _said(sent) == "unavailable")
    assert sum([await person.balance() for person in people], Decimal(0)) == len(people) * Decimal(FUNDS)
    assert await findings(dsn) == []


async def _operations(api: Api, *, seconds: float) -> dict[str, set[int]]:
    """What the operations say for so long."""
    said: dict[str, set[int]] = {"/healthz": set(), "/readyz": set()}
    for _ in range(round(seconds / 0.1)):
        for path, statuses in said.items():
            statuses |= {answer.status for answer in await asyncio.gather(*[api.ask("GET", path) for _ in range(4)])}
        await asyncio.sleep(0.1)
    return said


def _refused(transfers: Sequence[Sent]) -> list[Sent]:
    return [sent for sent in transfers if _said(sent) != "201"]


def _answers(transfers: Sequence[Sent]) -> list[Answer]:
    return [sent.answer for sent in transfers if sent.answer is not None]


def _said(sent: Sent) -> str:
    """201, or the code of the problem; an answer that broke off is one too."""
    if sent.answer is None:
        return "broken off"
    return sent.answer.code or str(sent.answer.status)
