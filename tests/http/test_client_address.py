"""Whose request it is: what our own proxies say of that, and nobody else."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from entrypoints.http.client_address import client_address
from entrypoints.http.edge import EDGE, Edge

PEER = "10.0.0.1"
TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8")))


def address_of(*forwarded: str, peer: str | None = PEER, trusted=TRUSTED) -> str | None:
    app = web.Application()
    app[EDGE] = Edge(trusted_proxies=trusted)
    request = make_mocked_request("GET", "/", headers=[("X-Forwarded-For", each) for each in forwarded], app=app)
    return client_address(request.clone(remote=peer))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], PEER),
        (["198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7, 10.0.0.2, 10.0.0.3"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:DB8:0::1, fd00::1"], "2001:db8::1"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, unknown"], PEER),
        (["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9,"], PEER),
        ([""], PEER),
        (["x" * 5_000], PEER),
        (["1.2.3.4.5, 999.1.1.1"], PEER),
    ],
)
def test_row_17_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(forwarded, client):
    assert address_of(*forwarded) == client


@pytest.mark.parametrize("peer", ["198.51.100.7", "2001:db8::1"])
def test_row_17_whoever_is_no_proxy_of_ours_says_nothing_of_others(peer):
    assert address_of("203.0.113.9", peer=peer) == peer
    assert address_of("203.0.113.9", peer=peer, trusted=()) == peer


def test_a_proxy_that_speaks_ipv4_in_the_dress_of_ipv6_is_the_same_proxy():
    assert address_of("203.0.113.9", peer="::ffff:10.0.0.1") == "203.0.113.9"


def test_without_a_network_in_between_there_is_no_address():
    assert address_of("203.0.113.9", peer=None) is None
