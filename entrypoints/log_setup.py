"""Logs: one JSON document a line on stderr, with the request's id and without anybody's secrets."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping, Sequence
from contextvars import ContextVar
from datetime import date
from typing import Any, Final, TextIO
from uuid import UUID

import orjson
import structlog

REDACTED: Final = "[redacted]"

_SECRET_PARTS: Final = ("password", "passwd", "token", "secret", "authorization", "cookie", "pepper", "api_key")
_SECRET_NAMES: Final = frozenset({"code", "otp", "database_url", "redis_url", "dsn"})
_DEPTH_MAX: Final = 6

_PERSONAL: Final = re.compile(
    r"""
      (?<=://)[^/\s@]+(?=@)                    # who logs in to a server, and their password
    | [\w.+%-]+@[\w-]+(?:\.[\w-]+)+             # an email address
    | (?<![\w.])\+[1-9][0-9]{6,14}(?![0-9])    # a phone number in E.164
    | eyJ[\w-]+(?:\.[\w-]*)+                   # a JSON web token
    | (?i:(?<=bearer\ ))\S+                    # whatever is borne
    | (?<![\w-])(?=[\w-]*[0-9])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{43,}(?![\w-])  # 256 random bits
    """,
    re.VERBOSE,
)
_OPAQUE_LENGTH_MIN: Final = 43
_PLAIN: Final = (int, float, date, UUID, type(None))

NAMED_MAX: Final = 8
"""So many requests a line names that is about the work for several."""

EventDict = MutableMapping[str, Any]

_WORKED_FOR: Final[ContextVar[Sequence[str | None] | None]] = ContextVar("worked_for", default=None)


def work_for(request_ids: Sequence[str | None]) -> None:
    """Have what is logged from here on, in this task, name these requests and no other one, nor anybody.

    For work that is done for many: its task has the context of whoever happened to begin it.
    """
    _WORKED_FOR.set(request_ids)


def name_requests(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Name the requests that work is done for which is no single request's own."""
    worked_for = _WORKED_FOR.get()
    if worked_for is not None:
        event.pop("user_id", None)
        event["request_id"] = worked_for[0] if worked_for else None
        if len(worked_for) > 1:
            event["request_ids"] = list(worked_for)
    return event


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging, aiohttp's and asyncio's included, through one formatter.

    Whatever `structlog.contextvars.bind_contextvars` holds (request_id, user_id) stands in every line. Call it once
    in each process.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_requests,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Plain text: a structured traceback would carry the values of local variables along.
                structlog.processors.format_exc_info,
                redact,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blot out the values of all keys that name a secret, and in all others what looks like a secret or an address,
    however deep they stand."""
    return {key: REDACTED if _names_a_secret(key) else _without_secrets(value, 1) for key, value in event.items()}


def render(_logger: object, _method: str, event: EventDict) -> str:
    """The event as one line of JSON. Never fails: a line break is escaped, and what is no JSON is shown by repr."""
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode("utf-8")
    except TypeError:
        # A lone surrogate, or an integer of more than 64 bits: the standard library writes those.
        return json.dumps(event, default=repr, skipkeys=True)


def _names_a_secret(key: object) -> bool:
    name = str(key).lower().replace("-", "_")
    return name in _SECRET_NAMES or any(part in name for part in _SECRET_PARTS)


def _without_secrets(value: object, depth: int) -> object:
    if depth > _DEPTH_MAX:
        return "…"
    match value:
        case dict():
            return {
                key: REDACTED if _names_a_secret(key) else _without_secrets(inner, depth + 1)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [_without_secrets(inner, depth + 1) for inner in value]
        case str():
            return _blotted(value)
        case _:
            # Whatever else there is would be shown by its repr, and that may say anything.
            return value if isinstance(value, _PLAIN) else _blotted(repr(value))


def _blotted(text: str) -> str:
    """The text without what looks like a secret or an address. Most texts are let through at a glance."""
    if len(text) >= _OPAQUE_LENGTH_MIN or "@" in text or "+" in text or "eyJ" in text or "earer " in text.lower():
        return _PERSONAL.sub(REDACTED, text)
    return text
