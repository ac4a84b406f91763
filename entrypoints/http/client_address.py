"""Whose request it is, as far as the network tells: nobody may say of themselves where they come from."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import hdrs, web

from entrypoints.http.edge import Network, edge_of


def client_address(request: web.Request) -> str | None:
    """The address of the client: who connected, or, where that was one of our proxies, who connected to it.

    A proxy adds whom it heard to the right of `X-Forwarded-For`. Read from there, the first that is no proxy of ours is
    the client; what stands left of it anybody may have written. Nothing where there is no network in between.
    """
    peer = _parsed(request.remote or "")
    trusted = edge_of(request).trusted_proxies
    if peer is None or not _is_within(peer, trusted):
        return request.remote if peer is None else str(peer)
    client = peer
    for hop in reversed(",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, [])).split(",")):
        heard = _parsed(hop.strip())
        if heard is None:
            break  # no proxy of ours writes such a thing
        client = heard
        if not _is_within(heard, trusted):
            break
    return str(client)


def _is_within(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; IPv4 in the dress of IPv6 is IPv4."""
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        address = ip_address(written)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
