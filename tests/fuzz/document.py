"""Requests made from a published document, some of them about what is really there, and answers judged by it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from tests.fuzz.askers import Asker, Known

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

_STREAM: Final = "text/event-stream"
SECONDS_MAX: Final = 10
"""How long any answer may take."""

CHECKS: Final[list[CheckFunction]] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.ignored_auth,
    # What the document does not allow is refused: none of it may pass for something else.
    checks.negative_data_rejection,
]


@dataclass(frozen=True, slots=True)
class Document:
    """The document of the service at that URL, and what its operations answered so far."""

    url: str
    published: Mapping[str, Any]
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    broken: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def at(cls, url: str) -> "Document":
        """The document as it is served."""
        return cls(url, requests.get(f"{url}/openapi.json", timeout=SECONDS_MAX).json())

    def operations(self) -> Iterator[Operation]:
        """Every operation whose answer has an end. Raises where the document cannot be read as one."""
        for found in schemathesis.openapi.from_dict(dict(self.published)).get_all_operations():
            if found.ok().label not in self.streams:
                yield found.ok()

    @property
    def streams(self) -> set[str]:
        """The operations that answer as long as somebody listens."""
        return {
            f"{method.upper()} {path}"
            for path, item in self.published["paths"].items()
            for method, operation in item.items()
            if _STREAM in operation["responses"].get("200", {}).get("content", {})
        }

    def ask(
        self,
        operation: Operation,
        asker: Asker,
        *,
        examples: int,
        number: int,
    ) -> None:
        """Send that many requests, as the random number has it, and note what is answered and what breaks a promise."""
        with requests.Session() as session:

            @seed(number)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=_cases(operation, asker.known))
            def send(case: Case) -> None:
                self._send(case, asker, session)

            send()

    def _send(self, case: Case, asker: Asker, session: requests.Session) -> None:
        headers = {"Authorization": f"Bearer {asker.token}"}
        answer = case.call(base_url=self.url, session=session, headers=headers, timeout=SECONDS_MAX)
        label = case.operation.label
        self.statuses[label][answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS, headers=headers)
        except FailureGroup as failures:
            for failure in failures.exceptions:
                told = f"{failure}\n{case.as_curl_command(headers)}\n{answer.status_code} {answer.text[:500]}"
                self.broken.setdefault((label, type(failure).__name__), told)


def _cases(operation: Operation, known: Known) -> st.SearchStrategy[Case]:
    """What the document allows, what it does not allow, and what makes sense."""
    return st.one_of(
        operation.as_strategy(GenerationMode.POSITIVE),
        operation.as_strategy(GenerationMode.NEGATIVE),
        _sensible_cases(operation, known),
        _sensible_cases(operation, known),
    )


@st.composite
def _sensible_cases(draw: st.DrawFn, operation: Operation, known: Known) -> Case:
    """What the document allows, with known values in most of the places that have any, and few others beside them."""
    case = draw(operation.as_strategy(GenerationMode.POSITIVE))
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = draw(known[name])
    for name in case.headers or {}:
        if name in known:
            case.headers[name] = draw(known[name])
    if isinstance(case.body, dict):
        required = _required(operation)
        kept = {name: value for name, value in case.body.items() if name in required or draw(st.integers(0, 7)) == 7}
        for name in _properties(operation):
            if name in known and (name in required or draw(st.integers(0, 3)) < 3):
                kept[name] = draw(known[name])
        case.body = kept
    return case


def _properties(operation: Operation) -> list[str]:
    return list(_body_schema(operation).get("properties", {}))


def _required(operation: Operation) -> list[str]:
    return list(_body_schema(operation).get("required", ()))


def _body_schema(operation: Operation) -> Mapping[str, Any]:
    """The schema of the operation's body, which stands among the document's components."""
    raw = operation.schema.raw_schema
    declared = raw["paths"][operation.path][operation.method]["requestBody"]["content"]["application/json"]["schema"]
    schema: Mapping[str, Any] = raw["components"]["schemas"][declared["$ref"].rpartition("/")[2]]
    return schema
