"""Which currencies people may hold and how much of each they may move, as the operator writes it."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

import iso4217
from marshmallow import ValidationError

from entrypoints.environment import Reader
from wallet_core.money import Currencies, Currency, InvalidAmountError

_DECIMALS_MAX: Final = 4
"""As many as any currency has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMaxima:
    """The most that one person may move in one currency, in its minor units."""

    daily: int
    monthly: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyLimits:
    """A currency's default limits, one for each kind of movement that has any."""

    transfer: LimitMaxima
    withdrawal: LimitMaxima


def _currency(code: str) -> Currency:
    """The currency of that code, with the digits that ISO 4217 gives it."""
    try:
        exponent = iso4217.Currency(code).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise ValidationError(f"{code!r} is no currency with minor units in ISO 4217.")
    return Currency(code, exponent)


def currencies_of(written: str) -> Currencies:
    """Parse `USD,EUR`. Raises ValidationError."""
    codes = [code.strip() for code in written.split(",") if code.strip()]
    if not codes:
        raise ValidationError("Must name at least one currency.")
    return Currencies([_currency(code) for code in codes])


def limits_of(reader: Reader, currencies: Currencies) -> dict[str, CurrencyLimits]:
    """Both kinds of limits of every enabled currency. Those of other currencies may stand there and do nothing."""
    transfer = reader.parsed("TRANSFER_LIMITS", _maxima, placeholder=None)
    withdrawal = reader.parsed("WITHDRAWAL_LIMITS", _maxima, placeholder=None)
    for name, maxima in (("TRANSFER_LIMITS", transfer), ("WITHDRAWAL_LIMITS", withdrawal)):
        missing = [code for code in currencies if maxima is not None and code not in maxima]
        if missing:
            reader.fault(name, f"Must name every enabled currency; missing: {', '.join(missing)}.")
    return {
        code: CurrencyLimits(transfer=transfer[code], withdrawal=withdrawal[code])
        for code in currencies
        if transfer is not None and withdrawal is not None and code in transfer and code in withdrawal
    }


def step_up_amounts_of(reader: Reader, currencies: Currencies) -> dict[str, int]:
    """STEP_UP_AMOUNT in each currency's minor units; what a currency cannot express counts for nothing."""
    amount = reader.parsed("STEP_UP_AMOUNT", _plain_amount, placeholder=Decimal(0))
    return {
        code: int(amount.scaleb(currency.exponent).to_integral_value(rounding=ROUND_FLOOR))
        for code, currency in currencies.items()
    }


def _plain_amount(written: str) -> Decimal:
    """Parse `50` or `12.50`."""
    try:
        Currency("", _DECIMALS_MAX).parse(written, zero_allowed=True)
    except InvalidAmountError:
        raise ValidationError("Must be a plain amount such as 50 or 12.50.") from None
    return Decimal(written)


def _maxima(written: str) -> dict[str, LimitMaxima] | None:
    """Parse `USD=100.00/1000.00,JPY=15000/150000`."""
    maxima: dict[str, LimitMaxima] = {}
    for entry in filter(None, (part.strip() for part in written.split(","))):
        code, equals, amounts = entry.partition("=")
        daily_written, slash, monthly_written = amounts.partition("/")
        if not equals or not slash:
            raise ValidationError("Must be written as USD=100.00/1000.00 (daily/monthly), separated by commas.")
        currency = _currency(code.strip())
        if currency.code in maxima:
            raise ValidationError(f"{currency.code} stands there twice.")
        try:
            daily = currency.parse(daily_written.strip(), zero_allowed=True)
            monthly = currency.parse(monthly_written.strip(), zero_allowed=True)
        except InvalidAmountError as error:
            raise ValidationError(f"{currency.code}: {error}") from None
        if daily > monthly:
            raise ValidationError(f"{currency.code}: the daily limit is more than the monthly one.")
        maxima[currency.code] = LimitMaxima(daily=daily, monthly=monthly)
    return maxima
