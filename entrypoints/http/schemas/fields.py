"""What may stand in a body, a query or a path, field by field.

Each field refuses what it does not know rather than guessing, and describes itself to the documents in the words of
JSON Schema (`json_schema`).
"""

import re
import unicodedata
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Self, TypeVar

import marshmallow
from marshmallow import ValidationError, fields

from wallet_core.money import DIGITS_MAX, Currency, InvalidAmountError

T = TypeVar("T")


class CodedMessage(str):
    """What is wrong with a value, together with the problem code that a client can act on."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, message: str, code: str) -> Self:
        self = super().__new__(cls, message)
        self.code = code
        return self

    def __deepcopy__(self, _: object) -> Self:
        # Schemas are copied with every message in them; what never changes needs no copy.
        return self


class Schema(marshmallow.Schema):
    """An object whose fields are all known: any other is refused. Answers keep the order of declaration."""

    error_messages = {  # noqa: RUF012 - so typed by marshmallow
        "unknown": CodedMessage("Unknown field.", "unknown_field"),
        "type": "Must be an object.",
    }

    class Meta:
        unknown = marshmallow.RAISE


class HeaderSchema(Schema):
    """Some headers of a request; there are always others."""

    class Meta:
        unknown = marshmallow.EXCLUDE


class DocumentedField(fields.Field[T]):
    """A field that reads and writes one value and says for itself how it looks in a JSON Schema."""

    def read(self, value: Any) -> T:
        """The value as the handlers know it. Raises ValidationError."""
        raise NotImplementedError  # every field reads in its own way

    def write(self, value: T) -> Any:
        """The value as it goes out."""
        return value

    def json_schema(self) -> dict[str, Any]:
        """Its keywords in JSON Schema 2020-12, without what marshmallow knows (null, default, description)."""
        raise NotImplementedError  # and describes itself

    # What marshmallow hands over besides the value (its name, its neighbours) decides nothing here.
    def _deserialize(self, value: Any, *_: object, **__: object) -> T:
        return self.read(value)

    def _serialize(self, value: T | None, *_: object, **__: object) -> Any:
        return None if value is None else self.write(value)


# What has n digits after its point, read as a currency that has n: then only its form can be wrong.
_AS_WRITTEN: Final = tuple(Currency("", exponent) for exponent in range(DIGITS_MAX + 1))
AMOUNT_PATTERN: Final = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?$"


class Amount(DocumentedField[str | int | Decimal]):
    """An amount of money as it was sent; only `Currency.parse` can tell whether its currency has such digits.

    What no currency has is refused here already: codes `amount_invalid` and `amount_not_positive`.
    """

    def __init__(self, *, zero_allowed: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.zero_allowed = zero_allowed

    def read(self, value: Any) -> str | int | Decimal:
        if isinstance(value, str | Decimal):
            decimals = len(str(value).partition(".")[2])
            currency = _AS_WRITTEN[min(decimals, DIGITS_MAX)]
        else:
            currency = _AS_WRITTEN[0]
        try:
            currency.parse(value, zero_allowed=self.zero_allowed)
        except InvalidAmountError as error:
            raise ValidationError([CodedMessage(str(error), error.code)]) from error
        checked: str | int | Decimal = value
        return checked

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"], "pattern": AMOUNT_PATTERN, "examples": ["12.50"]}


class WrittenAmount(DocumentedField[str]):
    """An amount in an answer: a string with exactly its currency's digits, as `Currency.format` writes it."""

    default_error_messages = {"invalid": "Must be a written amount."}  # noqa: RUF012 - so typed by marshmallow
    _form = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or self._form.fullmatch(value) is None:
            raise self.make_error("invalid")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", "examples": ["12.50"]}


class CurrencyCode(DocumentedField[str]):
    """The three capital letters of an ISO 4217 currency. Whether it is dealt in here, the core knows."""

    default_error_messages = {"invalid": "Three capital letters, such as USD."}  # noqa: RUF012 - so typed by marshmallow
    _form = re.compile(r"[A-Z]{3}", re.ASCII)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or self._form.fullmatch(value) is None:
            raise self.make_error("invalid")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]}


class Id(DocumentedField[uuid.UUID]):
    """A UUID in its usual form of 36 characters; no braces, no `urn:uuid:`, no missing hyphens."""

    default_error_messages = {  # noqa: RUF012 - so typed by marshmallow
        "invalid": "A UUID, such as 0192f0a4-5b1c-7d3e-8f00-1a2b3c4d5e6f."
    }
    _form = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

    def read(self, value: Any) -> uuid.UUID:
        if not isinstance(value, str) or self._form.fullmatch(value) is None:
            raise self.make_error("invalid")
        return uuid.UUID(value)

    def write(self, value: uuid.UUID) -> str:
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


class Text(DocumentedField[str]):
    """Words that people wrote: `min` to `max` characters, in Unicode NFC, without control characters."""

    default_error_messages = {  # noqa: RUF012 - so typed by marshmallow
        "invalid": "Must be a string.",
        "control": "Holds a control character.",
        "length": "Must have {min} to {max} characters.",
    }

    # `min` and `max` are how a schema reads best.
    def __init__(self, *, max: int, min: int = 1, **options: Any) -> None:  # noqa: A002
        super().__init__(**options)
        self.length_min, self.length_max = min, max

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value.isprintable() and any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise self.make_error("control")
        normal = unicodedata.normalize("NFC", value)
        if not self.length_min <= len(normal) <= self.length_max:
            raise self.make_error("length", min=self.length_min, max=self.length_max)
        return normal

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": self.length_min, "maxLength": self.length_max}


_JOINERS: Final = frozenset("\u200c\u200d")  # parts of words in some scripts, and of some emoji
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")


def shows(text: str) -> bool:
    """Whether anything of it is to be seen."""
    return any(unicodedata.category(each)[0] in "LNPS" and each not in _BLANK_LETTERS for each in text)


class Name(Text):
    """What somebody or something is called: text that shows, with nothing in it that hides or turns text round."""

    def read(self, value: Any) -> str:
        name = super().read(value)
        hides = any(
            unicodedata.category(character) in ("Cf", "Zl", "Zp") and character not in _JOINERS for character in name
        )
        if not shows(name) or hides or not _BLANK_LETTERS.isdisjoint(name) or name != name.strip():
            raise ValidationError("Must be visible text, without spaces around it.")
        return name


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(9000, 1, 1)


def _read_timestamp(text: str) -> datetime:
    """An RFC 3339 timestamp in UTC, kept within 1900 to 9000. Raises ValueError."""
    moment = datetime.fromisoformat(text.upper())
    if moment.year < _EARLIEST.year:
        return datetime(_EARLIEST.year, 1, 1, tzinfo=UTC)
    if moment.year >= _LATEST.year:
        return datetime(_LATEST.year, 1, 1, tzinfo=UTC)
    return moment.astimezone(UTC)


class Timestamp(DocumentedField[datetime]):
    """A moment: RFC 3339 in UTC, written with microseconds and `Z`."""

    default_error_messages = {  # noqa: RUF012 - so typed by marshmallow
        "invalid": "An RFC 3339 timestamp with an offset, such as 2026-01-31T09:30:00Z (a plus sign in a URL is %2B)."
    }

    def read(self, value: Any) -> datetime:
        if not isinstance(value, str) or _TIMESTAMP.fullmatch(value) is None:
            raise self.make_error("invalid")
        try:
            return _read_timestamp(value)
        except ValueError as error:
            raise self.make_error("invalid") from error

    def write(self, value: datetime) -> str:
        return written_timestamp(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


def written_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`. Raises ValueError for a moment that names no time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


class DateOrTimestamp(DocumentedField[date | datetime]):
    """A bound in time: a calendar day (a `date`) or a moment (a `datetime` in UTC).

    Years before 1900 and after 9000 become 1900 and 9000: nothing happened there, and a calendar that has no next day
    or no next time zone breaks arithmetic further on.
    """

    default_error_messages = {  # noqa: RUF012 - so typed by marshmallow
        "invalid": "A date such as 2026-01-31, or an RFC 3339 timestamp with an offset (a plus sign in a URL is %2B)."
    }

    def read(self, value: Any) -> date | datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            if _DATE.fullmatch(value):
                return min(max(date.fromisoformat(value), _EARLIEST), _LATEST)
            if _TIMESTAMP.fullmatch(value):
                return _read_timestamp(value)
        except ValueError as error:
            raise self.make_error("invalid") from error
        raise self.make_error("invalid")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["2026-01-31", "2026-01-31T09:30:00Z"]}


class Boolean(DocumentedField[bool]):
    """JSON's true or false and nothing that resembles them."""

    default_error_messages = {"invalid": "Must be true or false."}  # noqa: RUF012 - so typed by marshmallow

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class QueryBoolean(Boolean):
    """`true` or `false` in a query."""

    def read(self, value: Any) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid")
        return bool(value == "true")


class Integer(DocumentedField[int]):
    """A whole number from `min` to `max`, as a JSON number without a point."""

    default_error_messages = {"invalid": "Must be a whole number from {min} to {max}."}  # noqa: RUF012 - as above

    def __init__(self, *, min: int, max: int, **options: Any) -> None:  # noqa: A002
        super().__init__(**options)
        self.lowest, self.highest = min, max

    def read(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.lowest <= value <= self.highest:
            raise self.make_error("invalid", min=self.lowest, max=self.highest)
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}


class QueryInteger(Integer):
    """A whole number from `min` to `max` in a query, as plain ASCII digits."""

    _form = re.compile(r"-?[0-9]{1,18}", re.ASCII)

    def read(self, value: Any) -> int:
        if not isinstance(value, str) or self._form.fullmatch(value) is None:
            raise self.make_error("invalid", min=self.lowest, max=self.highest)
        return super().read(int(value))
