"""The page that a link to a new password leads to. What it does, it does at `/auth/password/reset`, like anybody."""

from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from entrypoints.http.problems import Problem
from entrypoints.http.security_headers import CONTENT_SECURITY_POLICY
from wallet_core.identity.recovery import RESET_PATH

_FOLDER: Final = Path(__file__).parents[1] / "static"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_FILES: Final = ("reset-password.js", "page.css")


def reset_page_routes() -> list[web.RouteDef]:
    """`/reset-password`, and the files that the page asks for."""
    page = (_FOLDER / "reset-password.html").read_bytes()
    files = {name: _FOLDER / name for name in _FILES}

    async def show_page(_: web.Request) -> web.Response:
        return web.Response(
            body=page, headers={hdrs.CONTENT_TYPE: "text/html; charset=utf-8", CONTENT_SECURITY_POLICY: _POLICY}
        )

    async def show_file(request: web.Request) -> web.StreamResponse:
        file = files.get(request.match_info["name"])
        if file is None:
            raise Problem("not_found")
        return web.FileResponse(file, headers={hdrs.CACHE_CONTROL: "no-cache"})

    return [web.get(RESET_PATH, show_page), web.get(f"{RESET_PATH}/{{name}}", show_file)]
