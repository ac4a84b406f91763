"""How far somebody was told, written and read again."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_core.ids import NotificationId
from wallet_core.live.position import (
    ACCOUNTS_MAX,
    OVERLAP,
    RECENT_WRITTEN_MAX,
    WRITTEN_LENGTH_MAX,
    Place,
    Position,
    read_position,
    written,
)
from wallet_core.testing.builders import an_account, new_id

MARKS = st.binary(min_size=8, max_size=8)
PLACES = st.builds(Place, st.integers(0, 2**62 - 1), st.booleans())
POSITIONS = st.builds(
    Position,
    places=st.dictionaries(MARKS, PLACES, max_size=12),
    is_whole=st.booleans(),
    moment_ms=st.integers(0, 2**48 - 1),
    recent=st.lists(MARKS, max_size=RECENT_WRITTEN_MAX, unique=True).map(tuple),
)


@given(POSITIONS)
def test_a_position_is_read_as_it_was_written(position: Position) -> None:
    assert read_position(written(position)) == position


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.hex()) | POSITIONS.map(written).map("x".join))
def test_whatever_else_is_given_is_refused_as_that_or_is_written_the_same(text: str) -> None:
    try:
        read = read_position(text)
    except ValueError:
        return

    assert written(read) == text


@given(POSITIONS, st.integers(0, 400), st.characters(codec="ascii"))
def test_a_position_that_was_tampered_with_is_refused_or_is_another_one(
    position: Position, at: int, letter: str
) -> None:
    text = written(position)
    tampered = text[:at] + letter + text[at + 1 :]

    try:
        read = read_position(tampered)
    except ValueError:
        return

    assert (read == position) == (tampered == text)


def test_a_person_with_a_wallet_or_two_has_short_positions() -> None:
    position = Position()
    for _ in range(3):
        position = position.told(an_account(), Place(70, balance_due=True))

    assert len(written(position)) < 60


def test_who_has_more_accounts_than_are_written_begins_anew_with_those() -> None:
    position = Position()
    accounts = [an_account() for _ in range(ACCOUNTS_MAX + 1)]
    for account in accounts:
        position = position.told(account, Place(2**61, balance_due=True))

    text = written(position)
    read = read_position(text)

    assert len(text) < WRITTEN_LENGTH_MAX
    assert read.place_of(accounts[0]) == Place(2**61, balance_due=True)
    assert read.place_of(accounts[-1]) is None
    assert not read.is_whole


def test_an_account_that_was_opened_since_is_told_from_its_beginning() -> None:
    assert Position().place_of(an_account()) == Place(0, balance_due=True)


def test_notifications_are_looked_for_from_ten_seconds_before_the_newest_that_was_told() -> None:
    first, second = NotificationId(new_id()), NotificationId(new_id())

    position = Position().notified(second).notified(first)

    after = position.notifications_after
    assert (second.int >> 80) - (after.int >> 80) == OVERLAP.total_seconds() * 1_000
    assert after < first
    assert Position().notifications_after == NotificationId(UUID(int=0))


@pytest.mark.parametrize(
    "text", ["", "=", "AQEA", "\N{LATIN SMALL LETTER E WITH ACUTE}", "A" * (WRITTEN_LENGTH_MAX + 1)]
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_position(text)
