"""What somebody asks from: what a request tells of it, and what it is given to keep."""

from typing import Final

from aiohttp import hdrs, web

from entrypoints.http.client_address import client_address
from entrypoints.http.cross_origin import own_cookie
from entrypoints.http.edge import edge_of
from wallet_core.identity.entities import Device

_COOKIE: Final = "wallet_device"
_COOKIE_SECONDS: Final = 365 * 24 * 3600
_NAME_LENGTH_MAX: Final = 200


def device_of(request: web.Request) -> Device:
    """The device of a request, in characters that may be kept. Raises the problem `foreign_origin`."""
    name = "".join(each if each.isprintable() else " " for each in request.headers.get(hdrs.USER_AGENT, ""))
    return Device(
        name=name[:_NAME_LENGTH_MAX].strip(), address=client_address(request), proof=own_cookie(request, _COOKIE)
    )


def keep_proof(request: web.Request, response: web.StreamResponse, proof: str) -> None:
    """Have the device keep a proof. No script reads it, and no other site's page sends it."""
    secure = request.secure or edge_of(request).https
    response.set_cookie(_COOKIE, proof, max_age=_COOKIE_SECONDS, httponly=True, samesite="Strict", secure=secure)
