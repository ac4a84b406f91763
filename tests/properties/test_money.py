"""Amounts are read exactly or not at all."""

import re
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wallet_core.ledger.accounts import BALANCE_MAX
from wallet_core.money import DIGITS_MAX, Currency, InvalidAmountError
from wallet_core.testing.strategies import currencies_of_iso, minor_units

USD, JPY = Currency("USD", 2), Currency("JPY", 0)


@given(currencies_of_iso(), minor_units())
def test_what_is_written_is_read_again(currency: Currency, amount: int) -> None:
    assert currency.parse(currency.format(amount)) == amount


@given(currencies_of_iso(), minor_units())
def test_an_exact_number_is_read_as_well(currency: Currency, amount: int) -> None:
    assert currency.parse(Decimal(currency.format(amount))) == amount


@given(currencies_of_iso(), st.integers(-BALANCE_MAX, BALANCE_MAX))
def test_an_amount_is_written_with_exactly_the_currencys_digits(currency: Currency, amount: int) -> None:
    written = currency.format(amount)

    assert re.fullmatch(r"-?\d+" + (rf"\.\d{{{currency.exponent}}}" if currency.exponent else ""), written)
    assert Decimal(written).scaleb(currency.exponent) == amount


@given(currencies_of_iso(), st.floats() | st.booleans() | st.none() | st.binary() | st.lists(st.integers()))
def test_what_is_no_text_and_no_exact_number_is_no_amount(currency: Currency, written: object) -> None:
    assert _problem(currency, written) == "amount_invalid"


@given(currencies_of_iso(), st.text())
@example(USD, "NaN")
@example(USD, "Infinity")
@example(USD, "1.")
@example(USD, ".5")
@example(USD, "0x10")
@example(USD, "1\N{ARABIC DECIMAL SEPARATOR}5")
@example(USD, "\N{FULLWIDTH DIGIT ONE}")
@example(USD, "1\n")
@example(USD, " 1")
@example(USD, "1\0")
@example(USD, "\ud800")
def test_whatever_is_accepted_is_a_plain_number_and_read_exactly(currency: Currency, written: str) -> None:
    problem = _problem(currency, written)

    if problem is None:
        assert re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]+)?", written, re.ASCII)
        assert Decimal(written).scaleb(currency.exponent) == currency.parse(written)


@given(minor_units(), st.sampled_from(["-", "+", " ", "0", "_", "\N{MINUS SIGN}", "$", "1e", "'", "\0"]))
def test_nothing_stands_before_an_amount(amount: int, before: str) -> None:
    assert _problem(USD, before + USD.format(amount)) is not None


@given(
    minor_units(), st.sampled_from(["e1", "E-1", " ", "\n", "_0", ".", ",5", "%", "USD", "\0", "\N{SUPERSCRIPT TWO}"])
)
def test_nothing_stands_behind_an_amount(amount: int, behind: str) -> None:
    assert _problem(USD, USD.format(amount) + behind) == "amount_invalid"


@given(currencies_of_iso(), st.integers(0, 10**6), st.text("0123456789", min_size=1, max_size=6))
def test_more_decimals_than_the_currency_has_are_refused_even_where_they_are_zero(
    currency: Currency, whole: int, decimals: str
) -> None:
    assume(len(decimals) > currency.exponent)

    assert _problem(currency, f"{whole}.{decimals}") == "amount_precision"


@given(currencies_of_iso(), st.integers(10**DIGITS_MAX, 10**40))
def test_an_amount_of_too_many_digits_is_refused(currency: Currency, amount: int) -> None:
    assert _problem(currency, currency.format(amount)) == "amount_invalid"
    assert _problem(currency, amount) == "amount_invalid"


@given(currencies_of_iso(), st.integers(max_value=0))
def test_a_number_that_is_not_more_than_zero_is_refused(currency: Currency, amount: int) -> None:
    assert _problem(currency, amount) in {"amount_not_positive", "amount_invalid"}


@pytest.mark.parametrize("written", ["0", "0.00", "0.0", 0, Decimal(0), Decimal("0.00")])
def test_zero_is_refused_unless_it_is_allowed(written: str | int | Decimal) -> None:
    assert _problem(USD, written) == "amount_not_positive"
    assert USD.parse(written, zero_allowed=True) == 0


@pytest.mark.parametrize("number", [Decimal("1E2"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+400")])
def test_a_number_in_another_form_is_refused(number: Decimal) -> None:
    assert _problem(USD, number) == "amount_invalid"


def test_a_number_of_a_million_digits_is_refused_without_being_written_out() -> None:
    assert _problem(JPY, 10**1_000_000) == "amount_invalid"
    assert _problem(JPY, "9" * 1_000_000) == "amount_invalid"


@given(currencies_of_iso(), st.text("0123456789.", max_size=24))
def test_an_amount_that_is_read_is_a_whole_number_within_bounds(currency: Currency, written: str) -> None:
    try:
        amount = currency.parse(written)
    except InvalidAmountError:
        return

    assert type(amount) is int
    assert 0 < amount < 10**DIGITS_MAX


def _problem(currency: Currency, written: object) -> str | None:
    """The code of what is wrong with an amount, if anything is."""
    try:
        currency.parse(written)  # type: ignore[arg-type] # what comes over the wire is of any type
    except InvalidAmountError as error:
        return error.code
    return None
