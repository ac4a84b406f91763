"""Whatever is asked of the ledger, in whatever order, no money appears and nobody goes too far."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from wallet_core.ids import TransactionId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.decide import decide, decide_batch
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Declined, Outcome, Posted, Reason, TransactionStatus
from wallet_core.ledger.state import LockedState
from wallet_core.testing.builders import GATEWAY, a_limit, a_system_account, an_account, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.strategies import (
    Wish,
    account_statuses,
    caps,
    chosen_caps,
    jumps,
    locked_states,
    time_zones,
    wishes,
)


class LedgerMachine(RuleBasedStateMachine):
    """People deposit, withdraw, send and retry, are frozen and thawed, and lower their limits, while time passes."""

    asked = Bundle("asked")

    @initialize(granted=st.lists(caps(), min_size=8, max_size=8), zones=st.lists(time_zones(), min_size=4, max_size=4))
    def open(self, granted: list[Caps], zones: list[str]) -> None:
        self.now = NOON
        self.people = [an_account() for _ in range(4)]
        self.state = LockedState(
            accounts=[*self.people, a_system_account(f"gateway:{GATEWAY}"), a_system_account("payout")],
            limits=[
                a_limit(user_id=person.user_id, kind=kind, daily=each.daily, monthly=each.monthly, time_zone=zone)
                for number, (person, zone) in enumerate(zip(self.people, zones, strict=True))
                for kind, each in zip(LimitKind, granted[2 * number : 2 * number + 2], strict=True)
            ],
        )
        self.first: dict[tuple[object, str], Outcome] = {}
        self.entries: list[tuple[Account, int]] = []

    @rule(target=asked, wish=wishes())
    def ask(self, wish: Wish) -> Command:
        command = wish.of(self.people)
        self._post(command)
        return command

    @rule(wish=wishes())
    def ask_for_somebody_elses_money(self, wish: Wish) -> None:
        command = wish.of(self.people, stranger=True)
        before = dict(self.state.accounts)

        outcome = self._post(command)

        if command.user_id != self.people[wish.own % 4].user_id:
            assert isinstance(outcome, Declined) or outcome.replayed
            assert self.state.accounts == before

    @rule(command=asked)
    def retry(self, command: Command) -> None:
        first = None if command.key is None else self.first.get((command.user_id, command.key))
        if first is None or first.transaction is None:
            return
        before = dict(self.state.accounts), dict(self.state.limits)

        outcome = self._post(replace(command, id=TransactionId(new_id())))

        if command.fingerprint == first.transaction.fingerprint:
            assert outcome == first
            assert outcome.replayed
        else:
            assert outcome == Declined(reason=Reason.IDEMPOTENCY_KEY_REUSED)
        assert (self.state.accounts, self.state.limits) == before

    @rule(number=st.integers(0, 3), status=account_statuses())
    def set_status(self, number: int, status: AccountStatus) -> None:
        key = self.people[number].key
        self.state.accounts[key] = replace(self.state.accounts[key], status=status)

    @rule(number=st.integers(0, 3), kind=st.sampled_from(LimitKind), chosen=chosen_caps())
    def choose(self, number: int, kind: LimitKind, chosen: ChosenCaps) -> None:
        user_id = self.people[number].user_id
        assert user_id is not None
        limit = self.state.limits[user_id, kind, "USD"]
        if chosen.within(limit.granted):
            self.state.limits[user_id, kind, "USD"] = replace(limit, chosen=chosen)

    @rule(number=st.integers(0, 3), zone=time_zones())
    def move(self, number: int, zone: str) -> None:
        for key, limit in self.state.limits.items():
            if limit.user_id == self.people[number].user_id:
                self.state.limits[key] = replace(limit, time_zone=zone)

    @rule(by=jumps())
    def pass_time(self, by: timedelta) -> None:
        self.now += by

    @invariant()
    def money_is_conserved(self) -> None:
        assert sum(account.balance for account in self.state.accounts.values()) == 0

    @invariant()
    def nobody_is_overdrawn(self) -> None:
        assert all(self.state.accounts[person.key].balance >= 0 for person in self.people)

    @invariant()
    def use_stays_within_what_was_granted(self) -> None:
        for limit in self.state.limits.values():
            assert 0 <= limit.day_used <= limit.granted.daily
            assert limit.day_used <= limit.month_used <= limit.granted.monthly

    @invariant()
    def each_balance_is_the_sum_of_its_entries(self) -> None:
        for account in self.state.accounts.values():
            mine = [(after, amount) for after, amount in self.entries if after.id == account.id]
            assert [after.version for after, _ in mine] == list(range(1, account.version + 1))
            assert account.balance == sum(amount for _, amount in mine)

    def _post(self, command: Command) -> Outcome:
        outcome = decide(command, self.state, self.now)
        self.state.apply(outcome)
        if outcome.transaction is not None and not outcome.replayed:
            if command.key is not None:
                assert (command.user_id, command.key) not in self.first
                self.first[command.user_id, command.key] = outcome
            if isinstance(outcome, Posted):
                self.entries += [(entry.account, entry.amount) for entry in outcome.entries]
        return outcome


LedgerMachine.TestCase.settings = settings(settings.get_profile("wallet"), max_examples=150, stateful_step_count=40)
TestLedgerMachine = LedgerMachine.TestCase


@given(locked_states(), st.lists(wishes(), max_size=12))
def test_a_batch_decides_as_its_commands_one_after_another(
    opened: tuple[LockedState, list[Account]], asked: list[Wish]
) -> None:
    state, people = opened
    commands = [wish.of(people) for wish in asked]
    alike = LockedState(accounts=state.accounts.values(), limits=state.limits.values())

    batched = decide_batch(commands, state, NOON)
    single = [outcome for command in commands for outcome in decide_batch([command], alike, NOON)]

    assert batched == single
    assert (state.accounts, state.limits) == (alike.accounts, alike.limits)


@given(locked_states(), wishes())
def test_an_outcome_says_exactly_what_it_changes(opened: tuple[LockedState, list[Account]], wish: Wish) -> None:
    state, people = opened
    before = dict(state.accounts)

    outcome = decide(wish.of(people), state, NOON)

    assert state.accounts == before
    match outcome:
        case Posted():
            assert outcome.transaction.status is TransactionStatus.COMPLETED
            assert sum(entry.amount for entry in outcome.entries) == 0
            assert {abs(entry.amount) for entry in outcome.entries} == {wish.amount}
        case Declined():
            assert all(account.balance == before[account.key].balance for account in outcome.accounts)
            assert (outcome.transaction is None) == (outcome.account is None)
