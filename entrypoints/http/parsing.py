"""From the bytes of a request to checked values, strictly: what is doubtful is refused with a Problem, never guessed.

`StrictParser` is what aiohttp-apispec's validation middleware calls for every schema of an operation.
"""

import asyncio
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import marshmallow
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from webargs.aiohttpparser import AIOHTTPParser

from entrypoints.http.middlewares import body_awaited
from entrypoints.http.problems import FieldError, Problem
from entrypoints.http.shapes import FIELD_NAME_MAX, Shape

INTEGER_DIGITS_MAX: Final = 32
"""Longer whole numbers stay decimals: turning digits into an int costs the square of their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How much of a body is taken, how long it may take to arrive, and how deep it may nest."""

    bytes_max: int = 64 * 1024
    read_seconds: float = 10.0
    depth_max: int = 32


class StrictParser(AIOHTTPParser):
    """Loads bodies, queries, paths and headers through their schemas. Raises Problem for all that does not fit."""

    def __init__(self, limits: BodyLimits | None = None) -> None:
        super().__init__()
        self._limits = limits or BodyLimits()
        self._shapes: dict[marshmallow.Schema, Shape] = {}

    async def parse(self, argmap: Any, req: web.Request | None = None, **options: Any) -> Any:
        """The checked values of one location (`json`, `querystring`, `match_info`, `headers`).

        In place of the library's own, which asks six more questions of every request whose answers never change.
        """
        assert req is not None, "there is no request to fall back on"  # noqa: S101 - tells the type checker
        shape = self._shapes.get(argmap)
        if shape is None:
            shape = self._shapes[argmap] = Shape(argmap)
        match options["location"]:
            case "json":
                return await self._load_body(req, shape)
            case "match_info":
                return shape.load(req.match_info, "path")
            case "querystring":
                return shape.load(_query(req, shape), "query")
            case "headers":
                return shape.load({name: req.headers[name] for name in shape.names if name in req.headers}, "header")
            case other:
                raise ValueError(f"nothing here reads from {other}")

    async def _load_body(self, request: web.Request, shape: Shape) -> Any:
        raw = await read_body(request, self._limits)
        if not raw:
            if shape.required:
                raise Problem("invalid_request", errors=[FieldError("body", "A JSON object is required.")])
            return shape.load({}, "body")
        _require_json(request)
        return shape.load(decode(raw, depth_max=self._limits.depth_max), "body")


def refuse(location: str, message: str) -> NoReturn:
    """Refuse a value by where it stands. Raises Problem."""
    raise Problem("invalid_request", errors=[FieldError(location, message)])


def _query(request: web.Request, shape: Shape) -> dict[str, str | list[str]]:
    """The query's parameters; only those that the schema lists as repeatable may be given more than once."""
    values: dict[str, str | list[str]] = {}
    if not request.rel_url.raw_query_string:
        return values
    for name, value in request.query.items():
        shown = f"query.{name[:FIELD_NAME_MAX]}" if _is_clean(name) else "query"
        # yarl puts the replacement character where an escape is no UTF-8.
        if shown == "query" or not _is_clean(value) or "\ufffd" in name or "\ufffd" in value:
            refuse(shown.replace("\ufffd", "?"), "Holds a NUL or is not valid UTF-8.")
        if name in shape.repeatable:
            repeated = values.setdefault(name, [])
            assert isinstance(repeated, list)  # noqa: S101 - tells the type checker
            repeated.append(value)
        elif name in values:
            refuse(shown, "Given more than once.")
        else:
            values[name] = value
    return values


async def read_body(request: web.Request, limits: BodyLimits) -> bytes:
    """The whole body. Raises Problem: payload_too_large, request_timeout, or malformed_request when it breaks off."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise Problem("unsupported_media_type", "Send the body without Content-Encoding.")
    if (request.content_length or 0) > limits.bytes_max:
        raise Problem("payload_too_large")
    content = request.content
    try:
        if content.is_eof():
            # The usual case: it came with the headers, and there is nothing to wait for.
            raw = content.read_nowait()
        else:
            with body_awaited(request):
                async with asyncio.timeout(limits.read_seconds):
                    raw = await _read_up_to(content, limits.bytes_max)
    except TimeoutError as error:
        raise Problem("request_timeout") from error
    except (HttpProcessingError, web.RequestPayloadError, ConnectionError) as error:
        raise Problem("malformed_request", "The body broke off.", headers={hdrs.CONNECTION: "close"}) from error
    if len(raw) > limits.bytes_max:
        raise Problem("payload_too_large")
    return raw


async def _read_up_to(content: Any, bytes_max: int) -> bytes:
    """All there is, or a little more than `bytes_max` of it."""
    raw = bytearray()
    while len(raw) <= bytes_max:
        chunk = await content.readany()
        if not chunk:
            break
        raw += chunk
    return bytes(raw)


def _require_json(request: web.Request) -> None:
    """Raises Problem unless the body says that it is application/json in UTF-8."""
    if request.headers.get(hdrs.CONTENT_TYPE) == "application/json":
        return
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem("unsupported_media_type")


def _malformed(detail: str) -> Problem:
    return Problem("malformed_json", detail)


def _whole_number(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= INTEGER_DIGITS_MAX else Decimal(digits)


def _fraction(written: str) -> Decimal | float:
    """A decimal that keeps every digit; one in exponent form is a float, which nothing that must be exact takes.

    As a decimal it could not be told from its plain form: 1e0 is written out as 1.
    """
    try:
        exact = Decimal(written)
    except InvalidOperation:
        raise _malformed("A number is out of all range.") from None
    return exact if "e" not in written.lower() else float(exact)


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not JSON.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("A name is given twice in one object.")
    return members


_DECODER: Final = json.JSONDecoder(
    parse_float=_fraction,
    parse_int=_whole_number,
    parse_constant=_no_constant,
    object_pairs_hook=_without_duplicates,
)


def decode(raw: bytes, *, depth_max: int) -> dict[str, Any]:
    """One JSON object, read strictly; its fractions are exact decimals, or floats where they have an exponent.

    Raises Problem: malformed_json for what is not strict JSON in UTF-8, is no object, repeats a name or nests deeper
    than `depth_max`; invalid_request for a string with a NUL or half a surrogate pair.
    """
    try:
        text = raw.decode()
        document = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise _malformed("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} (line {error.lineno}, column {error.colno}).") from error
    except RecursionError as error:
        raise _malformed(f"Nested deeper than {depth_max} levels.") from error
    if not isinstance(document, dict):
        raise _malformed("The body must be one JSON object.")
    # Only what opens more brackets than that can nest deeper, and only escapes can smuggle such characters in.
    may_be_deep = text.count("[") + text.count("{") > depth_max
    if may_be_deep or "\\u" in text:
        _inspect(document, depth_max)
    return document


def _inspect(document: dict[str, Any], depth_max: int) -> None:
    """Refuse what is nested too deep or holds a string that no database takes. Raises Problem."""
    waiting: list[tuple[str, Any, int]] = [("body", document, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, str):
            if not _is_clean(value):
                refuse(path, "Holds a NUL or half a surrogate pair.")
            continue
        if not isinstance(value, dict | list):
            continue
        if depth > depth_max:
            raise _malformed(f"Nested deeper than {depth_max} levels.")
        if isinstance(value, list):
            waiting.extend((path, item, depth + 1) for item in value)
            continue
        for name, item in value.items():
            if not _is_clean(name):
                refuse(path, "A name holds a NUL or half a surrogate pair.")
            waiting.append((f"{path}.{name[:FIELD_NAME_MAX]}", item, depth + 1))


def _is_clean(text: str) -> bool:
    """Whether the text can be written as UTF-8 and holds no NUL."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
