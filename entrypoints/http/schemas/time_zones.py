"""Time zones in a request."""

from typing import Any, Final
from zoneinfo import available_timezones

from marshmallow import ValidationError

from entrypoints.http.schemas.fields import DocumentedField

NAME_LENGTH_MAX = 64
_NOWHERE: Final = frozenset({"localtime", "Factory"})
"""Names in the tables that are no place: where this machine stands, and a clock that nobody has set."""


class TimeZone(DocumentedField[str]):
    """The IANA name of a time zone that this service's tables know."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known = available_timezones() - _NOWHERE

    def read(self, value: Any) -> str:
        """The name."""
        if not isinstance(value, str) or value not in self._known:
            raise ValidationError("Must be the name of a time zone, such as Europe/Paris.")
        return value

    def json_schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "maxLength": NAME_LENGTH_MAX, "examples": ["Europe/Paris"]}
