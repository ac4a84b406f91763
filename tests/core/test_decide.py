"""The decision on states that no history of deposits leads to, and the order of its reasons."""

from dataclasses import replace

import pytest

from wallet_core.ledger.accounts import BALANCE_MAX, HOLDING_MAX, PAYOUT, Account, AccountStatus, gateway_wallet
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.decide import decide, decide_batch
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import UNRECORDED_REASONS, Reason
from wallet_core.ledger.state import LockedState
from wallet_core.testing.builders import (
    GATEWAY,
    a_deposit,
    a_limit,
    a_system_account,
    a_transfer,
    a_withdrawal,
    an_account,
)
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import refusal


def a_state(*accounts: Account, limits: list[Limit] | None = None) -> LockedState:
    granted = [
        a_limit(user_id=account.user_id, kind=kind, currency=account.currency, daily=BALANCE_MAX, monthly=BALANCE_MAX)
        for account in accounts
        for kind in LimitKind
    ]
    system = [a_system_account(gateway_wallet(GATEWAY)), a_system_account(PAYOUT)]
    return LockedState(
        accounts=[*system, *accounts],
        limits=granted if limits is None else limits,
        owners={account.wallet_id: account.user_id for account in accounts if account.user_id is not None},
    )


def test_money_that_is_held_cannot_be_spent() -> None:
    alice, bob = an_account(balance=500, held=200), an_account()

    too_much = decide(a_transfer(alice, bob, amount=301), a_state(alice, bob), NOON)
    just_enough = decide(a_transfer(alice, bob, amount=300), a_state(alice, bob), NOON)

    assert (refusal(too_much), refusal(just_enough)) == (Reason.INSUFFICIENT_FUNDS, None)


def test_a_recipients_balance_never_grows_beyond_what_a_person_may_hold() -> None:
    alice, rich = an_account(balance=100), an_account(balance=HOLDING_MAX - 10)

    outcomes = decide_batch(
        [a_transfer(alice, rich, amount=11), a_transfer(alice, rich, amount=10)], a_state(alice, rich), NOON
    )

    assert [refusal(outcome) for outcome in outcomes] == [Reason.BALANCE_TOO_LARGE, None]


def test_a_systems_balance_never_falls_below_its_column() -> None:
    alice = an_account()
    state = a_state(alice)
    gateway = state.accounts[a_system_account(gateway_wallet(GATEWAY)).key]
    state.accounts[gateway.key] = replace(gateway, balance=-BALANCE_MAX + 10)

    outcomes = decide_batch([a_deposit(alice, amount=11), a_deposit(alice, amount=10)], state, NOON)

    assert [refusal(outcome) for outcome in outcomes] == [Reason.BALANCE_TOO_LARGE, None]


def test_reasons_are_given_in_their_order() -> None:
    """One command breaks every rule that can be broken together; mended one by one, the next reason shows."""
    alice = an_account(status=AccountStatus.DEACTIVATED)
    rich = an_account(balance=HOLDING_MAX, status=AccountStatus.FROZEN)
    command: Command = a_transfer(alice, rich, amount=100)
    no_limit = a_limit(user_id=alice.user_id, daily=0, monthly=0)

    given = []
    for mended in (
        a_state(alice, rich, limits=[no_limit]),
        a_state(replace(alice, status=AccountStatus.FROZEN), rich, limits=[no_limit]),
        a_state(active := replace(alice, status=AccountStatus.ACTIVE), rich, limits=[no_limit]),
        a_state(active, replace(rich, currency="EUR"), limits=[no_limit]),
        a_state(active, receiving := replace(rich, status=AccountStatus.ACTIVE), limits=[no_limit]),
        a_state(paying := replace(active, balance=100), receiving, limits=[no_limit]),
        a_state(paying, receiving),
        a_state(paying, replace(receiving, balance=0)),
    ):
        given.append(refusal(decide(command, mended, NOON)))

    assert given == [
        Reason.ACCOUNT_DEACTIVATED,
        Reason.WALLET_FROZEN,
        Reason.RECIPIENT_UNAVAILABLE,
        Reason.CURRENCY_MISMATCH,
        Reason.INSUFFICIENT_FUNDS,
        Reason.LIMIT_EXCEEDED,
        Reason.BALANCE_TOO_LARGE,
        None,
    ]
    assert given[:-1] == [reason for reason in Reason if reason not in UNRECORDED_REASONS]


def test_reasons_that_leave_no_transaction_come_first() -> None:
    assert list(Reason)[: len(UNRECORDED_REASONS)] == [reason for reason in Reason if reason in UNRECORDED_REASONS]


def test_a_deposit_by_a_gateway_without_an_account_is_refused() -> None:
    alice = an_account()

    outcome = decide(a_deposit(alice, gateway="unheard-of"), a_state(alice), NOON)

    assert refusal(outcome) is Reason.RECIPIENT_UNAVAILABLE


@pytest.mark.parametrize("amount", [0, -1, BALANCE_MAX + 1, 10**30])
def test_an_amount_that_no_balance_can_take_is_no_command(amount: int) -> None:
    alice = an_account(balance=500)

    for build in (a_deposit, a_withdrawal):
        with pytest.raises(ValueError, match="amount"):
            build(alice, amount=amount)
    with pytest.raises(ValueError, match="amount"):
        a_transfer(alice, an_account(), amount=amount)


def test_commands_that_ask_for_different_things_have_different_fingerprints() -> None:
    alice, bob = an_account(), an_account()
    asked: list[Command] = [
        a_transfer(alice, bob),
        a_transfer(alice, bob, note=""),
        a_transfer(alice, bob, note="None"),
        a_transfer(alice, bob, amount=101),
        a_transfer(alice, bob, currency="EUR"),
        a_transfer(alice, bob, to="bob@example.org"),
        a_transfer(bob, alice),
        a_withdrawal(alice),
        a_withdrawal(alice, destination=""),
        a_deposit(alice),
        a_deposit(alice, gateway="other"),
    ]

    assert len({command.fingerprint for command in asked}) == len(asked)
    assert a_transfer(alice, bob).fingerprint == asked[0].fingerprint
