"""What each operation takes and answers, said once beside its handler: checked by it, and published from it.

The only importer of aiohttp-apispec: its decorators hold what is declared, its middleware checks requests, its own
document is served as Swagger 2.0. OpenAPI 3.1 it does not speak; that document is made here from the same declarations.
"""

import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import aiohttp_apispec
import marshmallow
import orjson
from aiohttp import hdrs, web

from entrypoints.http.openapi_document import (
    Info,
    describe_fields,
    is_twin,
    openapi_document,
    responses_of,
    schema_name,
)
from entrypoints.http.parsing import BodyLimits, StrictParser
from entrypoints.http.problems import JSON, PROBLEMS

H = TypeVar("H", bound=Callable[..., Awaitable[web.StreamResponse]])
SchemaLike = marshmallow.Schema | type[marshmallow.Schema]
Answers = Mapping[int, tuple[SchemaLike | None, str]]

_BODY: Final = web.RequestKey("body", dict[str, Any])
_QUERY: Final = web.RequestKey("query", dict[str, Any])
_PATH: Final = web.RequestKey("path", dict[str, Any])
_HEADERS: Final = web.RequestKey("headers", dict[str, Any])
_NOTHING_ELSE: Final = web.RequestKey("nothing_else", dict[str, Any])


@dataclass(frozen=True, slots=True)
class Header:
    """A header of requests, as the documents tell of it. Handlers read and check it for themselves."""

    name: str
    description: str
    length_max: int
    required: bool = False


IDEMPOTENCY_KEY: Final = Header(
    "Idempotency-Key", "Names this request: sent again with the same body, it gets the first answer again.", 255
)
AMOUNT_PROBLEMS: Final = ("amount_invalid", "amount_precision", "amount_not_positive")
"""What any amount in a request may be refused for."""

REQUEST_ID: Final = Header("X-Request-Id", "An id of yours for this request, said back in the answer.", 128)


def operation(
    *,
    tags: Sequence[str],
    summary: str,
    responses: Answers,
    description: str = "",
    security: bool = True,
    needs_session: bool = True,
    problems: Sequence[str] = (),
    headers: Sequence[Header] = (),
    needs_database: bool = True,
    content: Mapping[int, str] | None = None,
    background: bool = False,
) -> Callable[[H], H]:
    """Declare a handler an operation.

    With `security` it needs a token, and unless `needs_session` is said not to hold, that the token's session is live.
    `problems` are the codes it may answer besides those that follow from its declarations: 401 from `security`, 503
    from `needs_database`, 400, 404, 408, 413 and 415 from its body, query and path, and always 500. Raises KeyError
    for a code that does not exist. `content` names what answers without a schema are written in, by their status.
    What is said to happen in the `background` uses nobody's session, as with `X-Background: 1`.
    """
    for code in problems:
        PROBLEMS[code]
    declared = aiohttp_apispec.docs(
        tags=list(tags),
        summary=summary,
        description=description,
        security=[{"bearer": []}] if security else [],
        parameters=[_swagger_header(header) for header in headers],
        **{
            "x-problems": list(problems),
            "x-needs-database": needs_database,
            "x-needs-session": security and needs_session,
            "x-content": {str(status): media_type for status, media_type in (content or {}).items()},
            "x-background": background,
        },
    )

    def declare(handler: H) -> H:
        for status, (schema, meaning) in responses.items():
            if schema is None:
                handler = aiohttp_apispec.docs(responses={str(int(status)): {"description": meaning}})(handler)
            else:
                handler = aiohttp_apispec.response_schema(schema, int(status), description=meaning)(handler)
        return cast("H", declared(handler))

    return declare


def _swagger_header(header: Header) -> dict[str, Any]:
    return {
        "in": "header",
        "name": header.name,
        "description": header.description,
        "required": header.required,
        "type": "string",
        "minLength": 1,
        "maxLength": header.length_max,
    }


def body(schema: SchemaLike, *, required: bool = False) -> Callable[[H], H]:
    """The handler takes a JSON object; it may be left out where neither `required` nor any field of it says no."""
    instance = schema if isinstance(schema, marshmallow.Schema) else schema()
    required = required or any(field.required for field in instance.load_fields.values())
    return cast("Callable[[H], H]", aiohttp_apispec.json_schema(instance, required=required, put_into=_BODY))


def query(schema: SchemaLike) -> Callable[[H], H]:
    """The handler takes query parameters; List fields may be repeated."""
    return cast("Callable[[H], H]", aiohttp_apispec.querystring_schema(schema, put_into=_QUERY))


def path(schema: SchemaLike) -> Callable[[H], H]:
    """The handler takes these parts of its path."""
    return cast("Callable[[H], H]", aiohttp_apispec.match_info_schema(schema, put_into=_PATH))


def headers(schema: SchemaLike) -> Callable[[H], H]:
    """The handler takes these headers, checked through a HeaderSchema."""
    return cast("Callable[[H], H]", aiohttp_apispec.headers_schema(schema, put_into=_HEADERS))


def body_of(request: web.Request) -> dict[str, Any]:
    """The checked body of an operation that declares one."""
    return request[_BODY]


def query_of(request: web.Request) -> dict[str, Any]:
    """The checked query of an operation that declares one."""
    return request[_QUERY]


def path_of(request: web.Request) -> dict[str, Any]:
    """The checked path parameters of an operation that declares them."""
    return request[_PATH]


def headers_of(request: web.Request) -> dict[str, Any]:
    """The checked headers of an operation that declares them."""
    return request[_HEADERS]


def setup(app: web.Application, info: Info, limits: BodyLimits | None = None) -> None:
    """Check every declared request from now on, and serve `/openapi.json` and `/swagger.json`.

    Call it once, after the last operation was added: what comes later is checked but not published.
    """
    document = orjson.dumps(openapi_document(app, info))

    async def show_document(_: web.Request) -> web.Response:
        return web.Response(body=document, headers={hdrs.CONTENT_TYPE: JSON})

    swagger = _Swagger(
        url="/swagger.json",
        request_data_name=_NOTHING_ELSE,
        schema_name_resolver=schema_name,
        title=info.title,
        version=info.version,
        info={"description": info.description},
        securityDefinitions={"bearer": {"type": "apiKey", "in": "header", "name": "Authorization"}},
    )
    with warnings.catch_warnings():
        # The package keeps its state under string keys.
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        swagger.register(app, in_place=True)
        app["_apispec_parser"] = StrictParser(limits)
    app.middlewares.append(aiohttp_apispec.validation_middleware)
    app.router.add_get("/openapi.json", show_document)
    app.router.add_get("/v1/openapi.json", show_document)


class _Swagger(aiohttp_apispec.AiohttpApiSpec):  # type: ignore[misc]  # the package has no types
    """The package's own Swagger 2.0 document, made without using up what the decorators declared."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.plugin.converter.add_attribute_function(describe_fields)

    def _register_route(self, route: web.AbstractRoute, method: str, view: object) -> None:
        declared = getattr(view, "__apispec__", None)
        if declared is None or route.resource is None or method == "head" or is_twin(route.resource.canonical):
            return
        public = {name: value for name, value in declared.items() if not name.startswith("x-")}
        self._update_paths(
            public
            | {
                "schemas": list(declared["schemas"]),
                "parameters": list(declared["parameters"]),
                "responses": responses_of(declared),
            },
            method,
            route.resource.canonical,
        )
