"""Whom each operation is for: one table, by the path of the route."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web

from entrypoints.http.openapi_document import TWIN_PREFIX
from wallet_core.identity.entities import Role

EVERYBODY: Final = frozenset(Role)
_ADMINS: Final = frozenset({Role.ADMIN})

ROLES: Final[Mapping[str, frozenset[Role]]] = MappingProxyType(
    {
        "/admin/users": _ADMINS,
        "/admin/users/{user_id}": _ADMINS,
        "/admin/users/{user_id}/transactions": _ADMINS,
        "/admin/users/{user_id}/sessions": _ADMINS,
        "/admin/users/{user_id}/sessions/end": _ADMINS,
        "/admin/users/{user_id}/activate": _ADMINS,
        "/admin/users/{user_id}/deactivate": _ADMINS,
        "/admin/users/{user_id}/limits": _ADMINS,
        "/admin/wallets/{wallet_id}/freeze": _ADMINS,
        "/admin/wallets/{wallet_id}/unfreeze": _ADMINS,
        "/admin/wallets/{wallet_id}/deposit": _ADMINS,
        "/admin/deliveries": _ADMINS,
        "/admin/deliveries/{delivery_id}/retry": _ADMINS,
        "/admin/audit": _ADMINS,
        "/admin/audit.csv": _ADMINS,
    }
)
"""What is not in it is for everybody who is logged in, or open."""


def roles_of(path: str) -> frozenset[Role]:
    """Who may call what is served at that path."""
    return ROLES.get(path.removeprefix(TWIN_PREFIX) if path.startswith(f"{TWIN_PREFIX}/") else path, EVERYBODY)


def roles_by_handler(app: web.Application) -> dict[object, frozenset[Role]]:
    """The same for the handlers of an application, those alone that are not for everybody."""
    return {
        route.handler: roles_of(route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and roles_of(route.resource.canonical) != EVERYBODY
    }
