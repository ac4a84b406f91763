"""The OpenAPI 3.1 document of an application, made from what its handlers declare; the same declarations, untouched,
serve any number of applications."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from string import Formatter
from typing import Any, Final

import marshmallow
from aiohttp import web
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls, resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from entrypoints.http.problems import JSON, PROBLEM_JSON, PROBLEMS
from entrypoints.http.schemas.fields import DocumentedField, Integer, Schema

_TELL_WHEN_TO_RETRY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
TWIN_PREFIX: Final = "/v1"
"""Every path is also served under this one; the documents name it as a server instead of saying all twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What the documents say of the whole."""

    title: str
    version: str
    description: str = ""


class FieldErrorSchema(Schema):
    """One thing wrong with one value."""

    field = fields.String(required=True, metadata={"description": "Where it stands, such as body.amount."})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """Why a request was refused (RFC 9457). Codes may add members, such as `limit` and `used`."""

    class Meta:
        unknown = marshmallow.INCLUDE

    error = fields.String(required=True, metadata={"description": "The code's title."})
    code = fields.String(required=True, metadata={"enum": list(PROBLEMS)})
    status = Integer(required=True, min=400, max=599)
    type = fields.String(required=True, metadata={"description": "Where the code is explained."})
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorSchema), required=True)


def is_twin(path: str) -> bool:
    """Whether the path repeats another one under TWIN_PREFIX."""
    return path.startswith(TWIN_PREFIX + "/")


def schema_name(schema: Any) -> str:
    """How a schema is called in the documents: its class's name without `Schema`."""
    cls = resolve_schema_cls(schema)
    assert isinstance(cls, type)  # noqa: S101 - a name that is no class cannot be declared
    name = cls.__name__.removesuffix("Schema")
    return f"Partial{name}" if resolve_schema_instance(schema).partial else name


def describe_fields(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Let our own fields describe themselves. Swagger 2.0 knows neither several types nor examples of them."""
    if not isinstance(field, DocumentedField):
        return {}
    described = field.json_schema()
    if converter.openapi_version.major == 2:
        described.pop("examples", None)
        if isinstance(described["type"], list):
            described["type"] = described["type"][0]
    elif field.allow_none:
        types = described["type"] if isinstance(described["type"], list) else [described["type"]]
        described["type"] = [*types, "null"]
    return described


def responses_of(declared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every answer of an operation by its status: those it declares, and a problem for all it may be refused with."""
    responses = {status: dict(response) for status, response in declared["responses"].items()}
    by_status: dict[str, list[str]] = defaultdict(list)
    for code in sorted(set(_problem_codes(declared))):
        by_status[str(int(PROBLEMS[code].status))].append(code)
    for status, codes in by_status.items():
        lines = "\n".join(f"- `{code}`: {PROBLEMS[code].explanation}" for code in codes)
        responses[status] = {"schema": ProblemSchema, "description": lines}
    return dict(sorted(responses.items()))


def _problem_codes(declared: Mapping[str, Any]) -> Iterator[str]:
    """The codes an operation declares, and those that follow from what it takes."""
    yield from declared.get("x-problems", ())
    yield "internal"
    if "too_many_attempts" in declared.get("x-problems", ()) and not declared.get("security"):
        # What counts attempts reads the cookie by which a device is known.
        yield "foreign_origin"
    if declared.get("x-needs-database", True):
        yield from ("overloaded", "unavailable")
    if declared.get("security"):
        yield "unauthorized"
    if declared.get("x-needs-session"):
        yield from ("session_expired", "session_ended")
    if any(parameter["name"] == "Idempotency-Key" for parameter in declared["parameters"]):
        yield "idempotency_key_invalid"
    locations = {taken["location"] for taken in declared["schemas"]}
    if locations:
        yield "invalid_request"
    if locations & {"json", "querystring"}:
        yield "unknown_field"
    if "match_info" in locations:
        yield "not_found"
    if "json" in locations:
        yield from ("malformed_request", "malformed_json", "request_timeout")
        yield from ("payload_too_large", "unsupported_media_type")


def openapi_document(app: web.Application, info: Info) -> dict[str, Any]:
    """The document of every declared operation, in the order of the routes. Changes nothing."""
    plugin = MarshmallowPlugin(schema_name_resolver=schema_name)
    spec = APISpec(
        info.title,
        info.version,
        "3.1.0",
        plugins=(plugin,),
        info={"description": info.description},
        servers=[{"url": "/"}, {"url": TWIN_PREFIX, "description": "The same, under a version."}],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    converter = plugin.converter
    assert converter is not None  # noqa: S101 - set by the APISpec above
    converter.add_attribute_function(describe_fields)  # type: ignore[no-untyped-call]  # apispec leaves it untyped
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    names: set[str] = set()
    for path, method, handler in _operations(app):
        name = handler.__name__
        if name in names:
            name = re.sub(r"\W+", "_", f"{method}{path}").strip("_")
        names.add(name)
        paths[path][method] = {"operationId": name} | _operation(handler.__apispec__, path, converter)
    return spec.to_dict() | {"paths": dict(paths)}


def _operations(app: web.Application) -> Iterator[tuple[str, str, Any]]:
    for route in app.router.routes():
        if route.resource is None or route.method == "HEAD" or not hasattr(route.handler, "__apispec__"):
            continue
        if not is_twin(route.resource.canonical):
            yield route.resource.canonical, route.method.lower(), route.handler


def _operation(declared: Mapping[str, Any], path: str, converter: OpenAPIConverter) -> dict[str, Any]:
    operation = {name: declared[name] for name in ("tags", "summary", "description", "security") if declared.get(name)}
    parameters = [_header(parameter) for parameter in declared["parameters"]]
    for taken in declared["schemas"]:
        if taken["location"] == "json":
            schema = converter.resolve_nested_schema(taken["schema"])  # type: ignore[no-untyped-call]  # as above
            operation["requestBody"] = {
                "required": taken["options"]["required"],
                "content": {JSON: {"schema": schema}},
            }
        else:
            parameters += converter.schema2parameters(taken["schema"], location=taken["location"])
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    for _, name, _, _ in Formatter().parse(path):
        if name and name not in known:
            parameters.append({"in": "path", "name": name, "required": True, "schema": {"type": "string"}})
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = {
        status: _response(status, response, converter) for status, response in responses_of(declared).items()
    }
    for status, media_type in declared.get("x-content", {}).items():
        operation["responses"][status]["content"] = {media_type: {"schema": {"type": "string"}}}
    return operation


def _header(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """A header parameter of Swagger 2.0 as one of OpenAPI 3.1, which keeps the value's form in a schema."""
    outside = ("in", "name", "description", "required")
    return {name: parameter[name] for name in outside} | {
        "schema": {name: value for name, value in parameter.items() if name not in outside}
    }


def _response(status: str, response: Mapping[str, Any], converter: OpenAPIConverter) -> dict[str, Any]:
    answered = {"description": response["description"]} | _headers_of(status)
    if "schema" not in response:
        return answered
    schema = {
        "schema": converter.resolve_nested_schema(response["schema"])  # type: ignore[no-untyped-call]  # as above
    }
    media_types = (JSON, PROBLEM_JSON) if response["schema"] is ProblemSchema else (JSON,)
    return answered | {"content": dict.fromkeys(media_types, schema)}


def _headers_of(status: str) -> dict[str, Any]:
    """The headers of an answer that whoever reads it must know of."""
    if int(status) not in _TELL_WHEN_TO_RETRY:
        return {}
    described = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
    return {"headers": {"Retry-After": described}}
