"""Finds a TCP port of this machine that nobody listens on."""

import socket

LOOPBACK = "127.0.0.1"

_PORT_MAX = 65535


def free_port(first: int | None = None) -> int:
    """A port nobody listens on at this moment: the first one from `first` upwards, or any.

    Somebody else may take it before the caller does, so a caller that did not ask for a certain one tries again.
    Raises OSError when every port from `first` upwards is taken.
    """
    if first is None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            return int(probe.getsockname()[1])
    for port in range(first, _PORT_MAX + 1):
        if _is_free(port):
            return port
    raise OSError(f"no free port from {first} upwards")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: a port whose last connections are still fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
