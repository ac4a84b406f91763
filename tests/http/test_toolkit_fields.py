"""Fields read one form of a value, write one form of it, and meet every other with a ValidationError."""

import copy
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from entrypoints.http.schemas.fields import (
    Amount,
    CodedMessage,
    CurrencyCode,
    DateOrTimestamp,
    Id,
    QueryInteger,
    Text,
    Timestamp,
    written_timestamp,
)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?", fullmatch=True),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
FIELDS = [
    Amount(),
    CurrencyCode(),
    Id(),
    Text(max=10),
    Timestamp(),
    DateOrTimestamp(),
    QueryInteger(min=1, max=9),
]


@given(value=ANYTHING, field=st.sampled_from(FIELDS))
def test_a_field_takes_a_value_or_refuses_it_and_never_fails(value, field):
    try:
        taken = field.deserialize(value)
    except ValidationError as refused:
        taken = refused

    assert taken is not None


@given(seconds=st.integers(min_value=-2_000_000_000, max_value=200_000_000_000), microseconds=st.integers(0, 999_999))
def test_a_timestamp_that_was_written_is_read_as_the_same_moment(seconds, microseconds):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)

    written = written_timestamp(moment)

    assert Timestamp().deserialize(written) == moment
    assert DateOrTimestamp().deserialize(written) == moment


def test_a_timestamp_is_written_in_utc_with_microseconds():
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))

    assert written_timestamp(moment) == "2026-01-31T07:30:00.000000Z"


def test_a_moment_without_a_time_zone_is_not_written():
    with pytest.raises(ValueError, match="time zone"):
        written_timestamp(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


def test_text_is_read_in_one_normal_form():
    decomposed = "Zoe\N{COMBINING DIAERESIS}"

    assert Text(max=3).deserialize(decomposed) == "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"


def test_text_is_kept_as_it_was_written_otherwise():
    assert Text(max=20).deserialize("  two  words ") == "  two  words "


@pytest.mark.parametrize("written", ["0192f0a4-5b1c-7d3e-8f00-1a2b3c4d5e6f", "0192F0A4-5B1C-7D3E-8F00-1A2B3C4D5E6F"])
def test_an_id_is_read_as_a_uuid_and_written_small(written):
    read = Id().deserialize(written)

    assert read == uuid.UUID(written)
    assert Id().write(read) == written.lower()


def test_a_coded_message_survives_the_copying_of_schemas():
    message = copy.deepcopy(CodedMessage("Unknown field.", "unknown_field"))

    assert (message, message.code) == ("Unknown field.", "unknown_field")
