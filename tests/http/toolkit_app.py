"""A tiny application on the toolkit alone, and how its answers are checked."""

import asyncio
from typing import Any, Final

import jsonschema
from aiohttp import ClientResponse, web
from marshmallow import ValidationError, fields, validates_schema

from entrypoints.http import middlewares, openapi
from entrypoints.http.openapi import (
    IDEMPOTENCY_KEY,
    body,
    body_of,
    headers,
    headers_of,
    operation,
    path,
    path_of,
    query,
    query_of,
)
from entrypoints.http.openapi_document import Info, openapi_document
from entrypoints.http.parsing import BodyLimits
from entrypoints.http.problems import FieldError, Problem, json_response
from entrypoints.http.routes.documentation import docs_routes
from entrypoints.http.schemas.fields import (
    Amount,
    Boolean,
    CurrencyCode,
    DateOrTimestamp,
    HeaderSchema,
    Id,
    Integer,
    QueryBoolean,
    QueryInteger,
    Schema,
    Text,
    Timestamp,
    WrittenAmount,
)
from wallet_core.faults import Fault, OutcomeUnknown, Overloaded, Unavailable

WALLET: Final = "0192f0a4-5b1c-7d3e-8f00-1a2b3c4d5e6f"
INFO: Final = Info(title="Tiny", version="1.2.3")
FAULTS: Final[dict[str, Exception]] = {
    "overloaded": Overloaded("queue full"),
    "unavailable": Unavailable("db at 10.0.0.7 is down"),
    "outcome_unknown": OutcomeUnknown("commit lost"),
    "fault": Fault("a fault of no known kind"),
    "value": ValueError("secret /etc/passwd SELECT 1"),
    "timeout": TimeoutError("secret"),
    "surprise": web.HTTPServiceUnavailable(text="secret"),
    "teapot": web.HTTPUnavailableForLegalReasons(link=None, text="secret"),
}


class TransferSchema(Schema):
    """A transfer as it is asked for."""

    amount = Amount(required=True)
    currency = CurrencyCode()
    to_wallet_id = Id()
    note = Text(max=20, allow_none=True)
    urgent = Boolean(load_default=False)
    copies = Integer(min=1, max=3)
    tags = fields.List(Text(max=5))


class NothingRequiredSchema(Schema):
    """A body that may be left out, with a rule over all of it."""

    name = Text(max=20)
    nick = Text(max=20, attribute="nickname", data_key="nickName")

    @validates_schema
    def not_both(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) > 1:
            raise ValidationError("One of the two.")


class WalletPathSchema(Schema):
    wallet_id = Id(required=True)


class FiltersSchema(Schema):
    limit = QueryInteger(min=1, max=200, load_default=50)
    since = DateOrTimestamp(data_key="from")
    type = fields.List(fields.String())
    all = QueryBoolean()
    min_amount = Amount(zero_allowed=True)


class TraceSchema(HeaderSchema):
    trace = Text(max=5, data_key="X-Trace")


class TransactionSchema(Schema):
    """A transaction as its wallet sees it."""

    id = Id(required=True)
    amount = WrittenAmount(required=True)
    created_at = Timestamp(required=True, allow_none=True)


def _routes() -> list[web.RouteDef]:
    @operation(
        tags=["wallets"],
        summary="Send money",
        responses={201: (TransactionSchema, "Sent")},
        problems=["insufficient_funds", "limit_exceeded", *openapi.AMOUNT_PROBLEMS],
        headers=[IDEMPOTENCY_KEY],
    )
    @body(TransferSchema)
    @path(WalletPathSchema)
    async def transfer(request: web.Request) -> web.Response:
        said = body_of(request) | {"amount": str(body_of(request)["amount"])}
        return json_response({"path": path_of(request), "body": said}, 201)

    @operation(tags=["wallets"], summary="Look back", responses={200: (TransactionSchema, "Found")})
    @query(FiltersSchema)
    async def look_back(request: web.Request) -> web.Response:
        return json_response({name: str(value) for name, value in query_of(request).items()})

    @operation(tags=["wallets"], summary="Rename", security=False, responses={204: (None, "Renamed")})
    @body(NothingRequiredSchema)
    async def rename(request: web.Request) -> web.Response:
        return json_response(body_of(request))

    @operation(tags=["wallets"], summary="Traced", responses={200: (None, "Traced")}, needs_database=False)
    @headers(TraceSchema)
    async def traced(request: web.Request) -> web.Response:
        return json_response(headers_of(request))

    return [
        web.post("/wallets/{wallet_id}/transfer", transfer),
        web.post("/v1/wallets/{wallet_id}/transfer", transfer),
        web.get("/transactions", look_back),
        web.patch("/wallets", rename),
        web.patch("/wallet", rename),
        web.get("/traced", traced),
    ]


def _failing_routes() -> list[web.RouteDef]:
    async def fail(request: web.Request) -> web.Response:
        raise FAULTS[request.match_info["how"]]

    async def refuse(request: web.Request) -> web.Response:
        raise Problem(request.match_info["code"])

    async def over_limit(_: web.Request) -> web.Response:
        raise Problem(
            "limit_exceeded", "No more today.", [FieldError("body.amount", "Too much.")], limit="5.00", status=200
        )

    async def cancel(_: web.Request) -> web.Response:
        raise asyncio.CancelledError

    async def move(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise ValueError("secret")

    return [
        web.get("/fail/{how}", fail),
        web.get("/refuse/{code}", refuse),
        web.get("/over-limit", over_limit),
        web.get("/cancel", cancel),
        web.get("/move", move),
        web.get("/half", half),
    ]


def tiny_app(*, limits: BodyLimits | None = None, access_log: bool = False) -> web.Application:
    app = web.Application()
    app.add_routes(_routes())
    app.add_routes(_failing_routes())
    app.add_routes(docs_routes())
    middlewares.setup(app, access_log=access_log)
    openapi.setup(app, INFO, limits)
    return app


def problem_schema() -> dict[str, Any]:
    """The JSON Schema of a problem, as the published document has it."""
    document = openapi_document(tiny_app(), INFO)
    return {"$ref": "#/components/schemas/Problem", "components": document["components"]}


PROBLEM_SCHEMA: Final = problem_schema()


async def problem_in(response: ClientResponse) -> dict[str, Any]:
    """The problem that the answer is, checked against its schema and its own headers."""
    problem = await response.json(content_type=None)
    jsonschema.validate(problem, PROBLEM_SCHEMA)
    assert problem["status"] == response.status
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["type"] == f"/problems/{problem['code']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert "secret" not in str(problem)
    assert response.status < 500 or response.status == 503 or problem["code"] == "internal"
    return dict(problem)


async def raw_answer(client: Any, *pieces: bytes, pause: float = 0) -> bytes:
    """The head of the answer to bytes that no proper client would send."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    await writer.wait_closed()
    return answer
