"""Values that are copied field by field: what is not meant to change is carried over."""

from dataclasses import fields, replace
from datetime import date

from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.testing.builders import a_limit, an_account

ACCOUNT = replace(
    an_account(holder="Ada", balance=50, held=20, version=7, declines=3, status=AccountStatus.FROZEN),
    declined_on=date(2026, 1, 15),
    declined_today=2,
)
LIMIT = replace(
    a_limit(kind=LimitKind.WITHDRAWAL, time_zone="Asia/Tokyo", day=date(2026, 1, 15), day_used=5, month_used=9),
    granted=Caps(daily=100, monthly=200),
    chosen=ChosenCaps(daily=50, monthly=60),
    counted_in="Europe/Zurich",
)


def test_an_entry_changes_an_accounts_balance_and_version_and_nothing_else() -> None:
    moved = ACCOUNT.moved(-30)

    assert moved == replace(ACCOUNT, balance=20, version=8)


def test_counting_a_movement_changes_a_limits_use_and_nothing_else() -> None:
    counted = LIMIT.counting(10)

    assert counted == replace(LIMIT, day_used=15, month_used=19)


def test_no_field_of_theirs_is_at_its_default_so_that_one_that_is_forgotten_shows() -> None:
    at_default = [
        field.name
        for kind, value in ((Account, ACCOUNT), (Limit, LIMIT))
        for field in fields(kind)
        if getattr(value, field.name) == field.default
    ]

    assert at_default == []
