"""Money as whole minor units, read and written exactly.

Nothing here rounds: an amount that a currency cannot express is refused. How many digits a currency has is handed in,
because that table belongs to ISO 4217 and not to this library.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DIGITS_MAX: Final = 18
"""The most digits an amount may have: what fits a signed 64-bit integer of minor units with room to add."""

_PLAIN_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


class InvalidAmountError(ValueError):
    """An amount is not written in the one accepted form; `code` says what is wrong with it.

    Codes: `amount_invalid` (not a plain decimal number), `amount_precision` (more decimals than the currency has),
    `amount_not_positive`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency: its three letters and the number of digits after its decimal point."""

    code: str
    exponent: int

    def format(self, minor_units: int) -> str:
        """Write minor units with exactly the currency's digits: 1250 is "12.50" in USD and "1250" in JPY."""
        sign, digits = ("-", str(-minor_units)) if minor_units < 0 else ("", str(minor_units))
        if self.exponent == 0:
            return sign + digits
        digits = digits.rjust(self.exponent + 1, "0")
        return f"{sign}{digits[: -self.exponent]}.{digits[-self.exponent :]}"

    def parse(self, written: str | int | Decimal, *, zero_allowed: bool = False) -> int:
        """Read an amount into minor units, exactly.

        Accepts a plain decimal string or an exact number: no sign, exponent, underscore, leading zero or non-ASCII
        digit, and at most 18 digits. A float is not an amount. Raises InvalidAmountError.
        """
        if isinstance(written, bool) or not isinstance(written, str | int | Decimal):
            raise InvalidAmountError("amount_invalid", "Write the amount as a string such as '12.50'.")
        text = written if isinstance(written, str) else _written_out(written)
        if text.startswith("-") and _PLAIN_NUMBER.fullmatch(text[1:]) and not isinstance(written, str):
            raise InvalidAmountError("amount_not_positive", "The amount must be more than zero.")
        match = _PLAIN_NUMBER.fullmatch(text)
        if match is None or len(text) > DIGITS_MAX + 1 or len(text.replace(".", "")) > DIGITS_MAX:
            raise InvalidAmountError("amount_invalid", "Write the amount as a plain number such as '12.50'.")
        decimals = match[1] or ""
        if len(decimals) > self.exponent:
            raise InvalidAmountError("amount_precision", f"{self.code} has {self.exponent} digits after the point.")
        minor_units = int(text.replace(".", "") + "0" * (self.exponent - len(decimals)))
        if minor_units >= 10**DIGITS_MAX:
            raise InvalidAmountError("amount_invalid", f"An amount has at most {DIGITS_MAX} digits.")
        if minor_units == 0 and not zero_allowed:
            raise InvalidAmountError("amount_not_positive", "The amount must be more than zero.")
        return minor_units


def _written_out(number: int | Decimal) -> str:
    """The digits of a JSON number as they were sent; a number in exponent form does not pass as plain digits."""
    if isinstance(number, int):
        # Longer than any amount: refuse it without paying for the conversion of a million digits.
        return "-" if number.bit_length() > 64 else str(number)
    return str(number)


class Currencies(Mapping[str, Currency]):
    """The currencies this service deals in, by code. Any other is unknown to it."""

    def __init__(self, currencies: Iterable[Currency]) -> None:
        self._by_code = {currency.code: currency for currency in currencies}

    def __getitem__(self, code: str) -> Currency:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)
