"""What somebody asks from: what a request tells of it, and what it is given to keep."""

from typing import Final

from aiohttp import hdrs, web

from wallet_core.identity.entities import Device

_COOKIE: Final = "wallet_device"
_COOKIE_SECONDS: Final = 365 * 24 * 3600
_NAME_LENGTH_MAX: Final = 200


def device_of(request: web.Request) -> Device:
    """The device of a request, in characters that may be kept."""
    name = "".join(each if each.isprintable() else " " for each in request.headers.get(hdrs.USER_AGENT, ""))
    return Device(
        name=name[:_NAME_LENGTH_MAX].strip(), address=request.remote, proof=request.cookies.get(_COOKIE) or None
    )


def keep_proof(response: web.StreamResponse, proof: str, *, secure: bool) -> None:
    """Have the device keep a proof. No script reads it, and no other site's page sends it."""
    response.set_cookie(_COOKIE, proof, max_age=_COOKIE_SECONDS, httponly=True, samesite="Strict", secure=secure)
