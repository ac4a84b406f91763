"""Rendered pages of history kept at hand for readers."""

from typing import Final, Protocol

PAGE_BYTES_MAX: Final = 256 * 1024
"""A longer page is not kept: one reader's long page must not push out everybody else's."""

PAGE_SECONDS_MAX: Final = 60.0
"""How long a page is kept. A movement makes it unreachable before that: its key names the account's revision."""


class PageCache(Protocol):
    """Where pages are kept for a while. It may forget anything at any time and never fails.

    The caller's key says all that a page depends on: whose it is, the account's revision, the filters and the cursor.
    A page that is out of date is never asked for again and needs no deletion.
    Every implementation passes `wallet_core.testing.contracts.caches.PageCacheContract`.
    """

    async def get(self, key: str) -> bytes | None:
        """The page that was put last under exactly that key, unless it is forgotten."""
        ...

    async def put(self, key: str, page: bytes) -> None:
        """Keep the page, unless it is longer than PAGE_BYTES_MAX."""
        ...


class NoPageCache:
    """A PageCache that forgets everything at once, for a service that runs without one."""

    async def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return None

    async def put(self, key: str, page: bytes) -> None:
        """Keep nothing."""
