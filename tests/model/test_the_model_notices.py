"""A model that agrees with anything proves nothing: it must notice each of these, and say how to see it again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.model.core import PROFILE, run_core
from tests.model.coverage import ALWAYS, missing
from tests.model.generator import Generator
from tests.model.naive import NaiveBooks
from tests.model.operations import Operation, PassTime
from tests.model.runs import Mismatch, Report, Wanted
from wallet_core.ledger import accounts, limits
from wallet_core.ledger.commands import Command
from wallet_core.ledger.decide import decide
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.state import LockedState
from wallet_core.testing import ledger, statements
from wallet_core.testing.clock import NOON
from wallet_core.testing.wallets import InMemoryWalletRepository

OPERATIONS = 3_000
SEED = 20_260_115

Break = Callable[[pytest.MonkeyPatch], None]


def let_anybody_overdraw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts.Account, "available", property(lambda account: account.balance - account.held + 1))


def check_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limit, "exceeded_by", lambda *_: None)


def begin_every_day_in_london(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "date_in", lambda moment, _: moment.date())


def begin_a_month_with_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    began_anew = Limit.at

    def at(limit: Limit, now: datetime) -> Limit:
        later = began_anew(limit, now)
        return later if later.day == limit.day else replace(later, month_used=0)

    monkeypatch.setattr(Limit, "at", at)


def forget_what_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LockedState, "settled", lambda *_: None)


def decide_a_batch_as_if_all_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide_batch(commands: Sequence[Command], state: LockedState, now: datetime) -> list[Outcome]:
        return [decide(command, state, now) for command in commands]

    monkeypatch.setattr(ledger, "decide_batch", decide_batch)


def keep_fewer_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "DECLINES_RECORDED_MAX", 2)


def send_to_the_oldest_wallet(monkeypatch: pytest.MonkeyPatch) -> None:
    right = InMemoryWalletRepository.recipient

    async def recipient(self: InMemoryWalletRepository, **address: str) -> object:
        found = await right(self, **address)
        if found is None:
            return None
        owner = self._records.wallets[found].user_id
        return next(wallet.id for wallet in self._records.wallets.values() if wallet.user_id == owner)

    monkeypatch.setattr(InMemoryWalletRepository, "recipient", recipient)


def show_refusals_to_the_recipient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "visible_to_destination", lambda _: True)


@pytest.mark.parametrize(
    "sabotage",
    [
        let_anybody_overdraw,
        check_no_limit,
        begin_every_day_in_london,
        begin_a_month_with_every_day,
        forget_what_is_settled,
        decide_a_batch_as_if_all_came_first,
        keep_fewer_refusals,
        send_to_the_oldest_wallet,
        show_refusals_to_the_recipient,
    ],
)
async def test_a_broken_rule_is_noticed(sabotage: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)

    with pytest.raises(Mismatch):
        await run_core(_report(), OPERATIONS)


async def test_a_mismatch_tells_what_happened_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    let_anybody_overdraw(monkeypatch)

    with pytest.raises(Mismatch) as first:
        await run_core(_report(), OPERATIONS)
    number = int(str(first.value).partition("operation ")[2].partition(":")[0])
    with pytest.raises(Mismatch) as again:
        await run_core(_report(), number)

    said = str(first.value)
    assert said == str(again.value)
    assert f"core, seed {SEED}, operation {number}: Move(" in said
    assert "code: insufficient_funds is not None" in said
    assert f"WALLET_MODEL_SEED={SEED} WALLET_MODEL_OPERATIONS={number} " in said
    before = said.partition("before it:\n")[2].splitlines()[:-1]
    assert 1 <= len(before) <= 8
    assert all(int(line.split(":")[0]) < number for line in before)


def test_a_seed_asks_the_same_however_long_the_run() -> None:
    assert _asked(SEED, 3_000)[:1_000] == _asked(SEED, 1_000)
    assert _asked(SEED, 1_000) != _asked(SEED + 1, 1_000)


def test_a_run_in_which_nothing_happened_is_told_from_one_that_proves_something() -> None:
    found = missing(_report())

    assert {"never: limit_exceeded", "never: idempotency_key_reused", *(f"never: {name}" for name in ALWAYS)} <= {
        *found
    }


@pytest.mark.parametrize(
    ("asked", "operations", "is_whole"), [({}, 100, True), ({"WALLET_MODEL_OPERATIONS": "7"}, 7, False)]
)
def test_a_run_is_what_the_environment_asks_for(asked: dict[str, str], operations: int, is_whole: bool) -> None:
    wanted = Wanted.from_environment(100, {"WALLET_MODEL_SEED": "3", **asked})

    assert wanted == Wanted(seed=3, operations=operations, is_whole=is_whole)


def test_a_run_tells_how_far_it_is_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 0.0, 9.9, 10.1, 15.0, 20.2])
    monkeypatch.setattr("tests.model.runs.time.perf_counter", lambda: next(moments))
    report = _report()
    told: list[str] = []

    for number in (1, 101, 150, 202):
        report.progress(number, 404, told.append)

    assert told == [
        "core: 101 of 404 operations, 10/s, 30 s to go",
        "core: 202 of 404 operations, 10/s, 20 s to go",
    ]


def _report() -> Report:
    return Report("core", "tests/model/test_core_agrees.py", SEED)


def _asked(seed: int, operations: int) -> list[Operation]:
    """What is asked when everything is answered as the model says."""
    naive, now = NaiveBooks(), NOON
    generator, asked = Generator(naive, seed=str(seed), profile=PROFILE), []
    for number in range(operations):
        asked.append(generator.next(now))
        naive.do(number, asked[-1], now)
        now += asked[-1].by if isinstance(asked[-1], PassTime) else timedelta(0)
    return asked
