"""Holds every answer against the document that the application itself publishes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

_TIMESTAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_PROBLEM: Final = "#/components/schemas/Problem"
_FORMATS: Final = FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_utc_timestamp(value: object) -> bool:
    return not isinstance(value, str) or _TIMESTAMP.fullmatch(value) is not None


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON that it carries."""
        return json.loads(self.raw)

    @property
    def refused(self) -> tuple[int, str]:
        """The status and the code of a refusal."""
        return self.status, self.body["code"]

    @property
    def faulty_fields(self) -> list[str]:
        """Where a refusal says that something is wrong."""
        return [error["field"] for error in self.body["errors"]]


class Contract:
    """The published document, as a judge of answers. An answer that it does not announce is an AssertionError."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        # What is spelt out comes before what stands for anything, as in the router.
        paths = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", path)), document["paths"][path]) for path in paths]
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What is declared of that method and path, its twin under /v1 included."""
        known = re.sub(r"^/v1(?=/)", "", path)
        item = next((item for pattern, item in self._paths if pattern.fullmatch(known)), {})
        return item.get(method.lower())

    def check(self, method: str, path: str, answer: Answer, sent: object = None) -> None:
        """Whether the answer, and the body that was taken, are as the document says."""
        _check_headers(answer)
        assert answer.status != 500, answer.raw
        if answer.status >= 400:
            _check_problem_headers(answer)
        operation = self.operation(method, path)
        if operation is None:
            assert answer.refused in ((404, "not_found"), (405, "method_not_allowed")), (method, path, answer)
            self._validate(answer.body, {"$ref": _PROBLEM})
            return
        declared = operation["responses"].get(str(answer.status))
        assert declared is not None, f"{method} {path} does not declare {answer.status}: {answer.raw!r}"
        self._check_declared(declared, answer)
        if answer.status < 300 and sent is not None:
            self._validate(sent, operation["requestBody"]["content"]["application/json"]["schema"])

    def _check_declared(self, declared: Mapping[str, Any], answer: Answer) -> None:
        if "content" not in declared:
            assert answer.raw == b""
            return
        schema = declared["content"][answer.headers["Content-Type"]]["schema"]
        if not answer.headers["Content-Type"].endswith("json"):
            return
        self._validate(answer.body, schema)
        if schema == {"$ref": _PROBLEM}:
            _check_problem(answer)
            assert f"`{answer.body['code']}`" in declared["description"], f"undeclared code: {answer.raw!r}"

    def _validate(self, value: object, schema: Mapping[str, Any]) -> None:
        name = json.dumps(schema)
        validator = self._validators.get(name)
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = self._validators[name] = Draft202012Validator(whole, format_checker=_FORMATS)
        validator.validate(value)


@cache
def contract_of(document: bytes) -> Contract:
    """The judge by that document; made once, for all tests have the same one."""
    return Contract(json.loads(document))


def _check_headers(answer: Answer) -> None:
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "Server" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def _check_problem_headers(answer: Answer) -> None:
    assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)
    assert ("Retry-After" in answer.headers) == (answer.status in (429, 503))
    assert ("Allow" in answer.headers) == (answer.status == 405)


def _check_problem(answer: Answer) -> None:
    problem = answer.body
    assert problem["status"] == answer.status
    assert problem["type"] == f"/problems/{problem['code']}"
    # A refusal given again is the first one to the byte, its request's id included.
    if "Idempotent-Replayed" not in answer.headers:
        assert problem["request_id"] == answer.headers["X-Request-Id"]
