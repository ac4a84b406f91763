"""Values read by their schema: good ones on the short way, others once more, for a report of all that is wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import marshmallow
from marshmallow import ValidationError
from marshmallow.decorators import VALIDATES_SCHEMA

from entrypoints.http.problems import ERRORS_MAX, FieldError, Problem
from entrypoints.http.schemas.fields import CodedMessage, DocumentedField

FIELD_NAME_MAX: Final = 100
"""The most characters of a client's own field name that are said back to it."""

_Rule: TypeAlias = Callable[[dict[str, Any]], None]


class _Reader(NamedTuple):
    """How one field is read: what it is called in the request and afterwards, and what stands in for it."""

    key: str
    name: str
    read: Callable[[Any], Any]
    required: bool
    default: Any


class Shape:
    """What never changes about a schema, found out once: in place of asking the schema anew at each request.

    A schema that turns values or looks at the request as it came is left to itself.
    """

    __slots__ = ("_readers", "_rules", "names", "repeatable", "required", "schema")

    def __init__(self, schema: marshmallow.Schema) -> None:
        by_name = {field.data_key or name: field for name, field in schema.load_fields.items()}
        self.schema = schema
        self.names = frozenset(by_name)
        self.repeatable = frozenset(n for n, field in by_name.items() if isinstance(field, marshmallow.fields.List))
        self.required = any(field.required for field in by_name.values())
        self._rules = _rules_of(schema)
        self._readers = [_reader_of(field, name) for name, field in schema.load_fields.items()]

    @property
    def is_short(self) -> bool:
        """Whether good values are read on the short way."""
        return self._rules is not None

    def load(self, given: Mapping[str, Any], location: str) -> Any:
        """What the schema makes of the values. Raises Problem."""
        if self._rules is not None and given.keys() <= self.names:
            try:
                return self._loaded(given, self._rules)
            except ValidationError:
                pass  # it goes through the schema once more, for a report of all that is wrong
        try:
            return self.schema.load(given)
        except ValidationError as error:
            raise problem_of_validation(error, location) from error

    def _loaded(self, given: Mapping[str, Any], rules: Iterable[_Rule]) -> dict[str, Any]:
        """The values, when all is well. Raises ValidationError."""
        loaded: dict[str, Any] = {}
        for key, name, read, required, default in self._readers:
            if key in given:
                loaded[name] = read(given[key])
            elif required:
                raise ValidationError("It is required.")
            elif default is not marshmallow.missing:
                loaded[name] = default() if callable(default) else default
        for rule in rules:
            rule(loaded)
        return loaded


def _reader_of(field: marshmallow.fields.Field[Any], name: str) -> _Reader:
    key = field.data_key or name
    read: Callable[[Any], Any] = partial(field.deserialize, attr=key, data=None)
    if isinstance(field, DocumentedField) and not (
        field.allow_none or field.validators or field.pre_load or field.post_load
    ):
        read = field.read  # and that is all marshmallow would do
    return _Reader(
        key=key, name=field.attribute or name, read=read, required=field.required, default=field.load_default
    )


def _rules_of(schema: marshmallow.Schema) -> list[_Rule] | None:
    """The schema's rules over all of its values; None where it has more to it than fields and such rules."""
    hooks = {kind: found for kind, found in schema._hooks.items() if found}
    rules = hooks.pop(VALIDATES_SCHEMA, [])
    if hooks or schema.partial or schema.many or any(options.get("pass_original") for _, _, options in rules):
        return None
    how = {"partial": schema.partial, "many": schema.many, "unknown": schema.unknown}
    return [partial(getattr(schema, name), **how) for name, _, _ in rules]


def problem_of_validation(error: ValidationError, location: str) -> Problem:
    """What marshmallow found, as a Problem that names every field under its location (`body.amount`).

    The code is the faults' own where they share one (`unknown_field`, `amount_invalid`), else `invalid_request`.
    """
    faults = sorted(_faults(error.messages, location), key=lambda fault: fault[0])
    codes = {getattr(message, "code", "invalid_request") for _, message in faults}
    code = codes.pop() if len(codes) == 1 else "invalid_request"
    return Problem(code, errors=[FieldError(field, str(message)) for field, message in faults[:ERRORS_MAX]])


def _faults(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    match messages:
        case Mapping():
            for name, inner in messages.items():
                yield from _faults(inner, path if name == "_schema" else f"{path}.{str(name)[:FIELD_NAME_MAX]}")
        case list():
            for message in messages:
                yield from _faults(message, path)
        case CodedMessage():
            yield path, messages
        case _:
            yield path, str(messages)
