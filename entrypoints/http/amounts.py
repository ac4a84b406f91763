"""Amounts and currencies of a request, in the words of the core."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from entrypoints.http.problems import FieldError, Problem
from wallet_core.ledger.accounts import BALANCE_MAX
from wallet_core.money import Currencies, Currency, InvalidAmountError


def enabled_currency(currencies: Currencies, code: str) -> Currency:
    """The currency of that code. Raises the problem `currency_not_enabled`."""
    currency = currencies.get(code)
    if currency is None:
        enabled = ", ".join(currencies)
        raise Problem("currency_not_enabled", f"{code} is not dealt in here; choose one of {enabled}.")
    return currency


def minor_units(currency: Currency, written: str | int | Decimal, field: str, *, zero_allowed: bool = False) -> int:
    """An amount of a request in minor units. Raises the problem that it has, naming the field."""
    try:
        return currency.parse(written, zero_allowed=zero_allowed)
    except InvalidAmountError as error:
        raise Problem(error.code, str(error), [FieldError(field, str(error))]) from None


def bounds_by_currency(
    currencies: Currencies, lowest: str | int | Decimal | None, highest: str | int | Decimal | None
) -> dict[str, tuple[int, int]] | None:
    """Bounds of an amount, both included, in the minor units of each currency; None where neither is given.

    A bound between two amounts that a currency has is moved inwards to the next one.
    """
    if lowest is None and highest is None:
        return None
    return {
        code: (
            0 if lowest is None else _scaled(lowest, currency, ROUND_CEILING),
            BALANCE_MAX if highest is None else _scaled(highest, currency, ROUND_FLOOR),
        )
        for code, currency in currencies.items()
    }


def _scaled(written: str | int | Decimal, currency: Currency, rounding: str) -> int:
    scaled = Decimal(written).scaleb(currency.exponent).to_integral_value(rounding=rounding)
    return min(int(scaled), BALANCE_MAX)
