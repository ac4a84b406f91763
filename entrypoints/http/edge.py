"""Where the service stands: what the operator said of the proxies before it, and of the pages that may call it."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

from aiohttp import web

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What lies between the service and whoever asks. By itself: nothing, and no page but its own."""

    trusted_proxies: tuple[Network, ...] = ()
    https: bool = False
    """Whether people reach it by TLS, here or at a proxy."""
    own_origins: frozenset[str] = frozenset()
    """Of its own pages, besides the one that a request names in `Host`."""
    cors_origins: frozenset[str] = frozenset()
    """Of other pages that may call it."""


EDGE: Final = web.AppKey("edge", Edge)
_BARE: Final = Edge()


def edge_of(request: web.BaseRequest) -> Edge:
    """Where the service stands that the request came to."""
    return request.config_dict.get(EDGE, _BARE) if isinstance(request, web.Request) else _BARE
