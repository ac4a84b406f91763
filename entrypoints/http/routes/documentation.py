"""What a person reads about the API: `/docs`, Swagger UI over `/openapi.json`, and `/problems`, the table of codes.

Swagger UI's files come from a wheel that carries them for Django; only its files are read, nothing of it is imported.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from marshmallow import fields

from entrypoints.http.openapi import operation
from entrypoints.http.problems import PROBLEMS, Problem, json_response, problem_listing
from entrypoints.http.schemas.fields import Integer, Schema
from entrypoints.http.security_headers import CONTENT_SECURITY_POLICY

_WHEEL: Final = "drf_spectacular_sidecar"
_OURS: Final = Path(__file__).parents[1] / "static"
_SWAGGER_UI_FILES: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class ProblemTypeSchema(Schema):
    """A code that a refusal may carry, and what it means."""

    code = fields.String(required=True)
    status = Integer(required=True, min=400, max=599)
    error = fields.String(required=True)
    explanation = fields.String(required=True)
    type = fields.String(required=True)


class ProblemTypesSchema(Schema):
    """Every code there is."""

    data = fields.List(fields.Nested(ProblemTypeSchema), required=True)


def docs_routes() -> list[web.RouteDef]:
    """`/docs` and `/problems`. Raises LookupError when Swagger UI is not installed."""
    assets = _assets()
    page = (_OURS / "docs.html").read_bytes()

    async def show_docs(_: web.Request) -> web.Response:
        return web.Response(
            body=page,
            headers={hdrs.CONTENT_TYPE: "text/html; charset=utf-8", CONTENT_SECURITY_POLICY: _PAGE_POLICY},
        )

    async def show_asset(request: web.Request) -> web.StreamResponse:
        asset = assets.get(request.match_info["name"])
        if asset is None:
            raise Problem("not_found")
        # Kept by browsers, but asked about every time, for a new version comes under the old name.
        return web.FileResponse(asset, headers={hdrs.CACHE_CONTROL: "no-cache"})

    @operation(
        tags=["operations"],
        summary="Every code a refusal may carry",
        security=False,
        needs_database=False,
        responses={200: (ProblemTypesSchema, "The codes")},
    )
    async def list_problems(_: web.Request) -> web.Response:
        return json_response({"data": [problem_listing(code) for code in PROBLEMS]})

    @operation(
        tags=["operations"],
        summary="What a code means",
        security=False,
        needs_database=False,
        responses={200: (ProblemTypeSchema, "The code")},
        problems=["not_found"],
    )
    async def show_problem(request: web.Request) -> web.Response:
        code = request.match_info["code"]
        if code not in PROBLEMS:
            raise Problem("not_found")
        return json_response(problem_listing(code))

    return [
        web.get("/docs", show_docs),
        web.get("/docs/assets/{name}", show_asset),
        web.get("/problems", list_problems),
        web.get("/problems/{code}", show_problem),
    ]


def _assets() -> Mapping[str, Path]:
    """The files the page may ask for, by name: no other path is ever looked up."""
    wheel = find_spec(_WHEEL)
    if wheel is None or not wheel.submodule_search_locations:
        raise LookupError(f"{_WHEEL} is not installed; it carries Swagger UI")
    folder = Path(wheel.submodule_search_locations[0]) / "static" / _WHEEL / "swagger-ui-dist"
    assets = {name: folder / name for name in _SWAGGER_UI_FILES} | {"start.js": _OURS / "start.js"}
    missing = [name for name, path in assets.items() if not path.is_file()]
    if missing:
        raise LookupError(f"{_WHEEL} lacks {', '.join(missing)}")
    return assets
