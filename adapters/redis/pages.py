"""Pages of history in Redis."""

from hashlib import blake2b

from adapters.redis.connection import RedisConnection
from wallet_core.wallets.pages import PAGE_BYTES_MAX, PAGE_SECONDS_MAX


class RedisPageCache:
    """A PageCache of all processes that share a Redis.

    Kept under a digest of the caller's key, which is short however many filters a page has. The value begins with the
    same digest: a page is somebody's history, and none is handed out that does not say it is the one asked for.
    """

    def __init__(self, connection: RedisConnection, *, seconds_max: float = PAGE_SECONDS_MAX) -> None:
        self._connection = connection
        self._milliseconds_max = round(seconds_max * 1000)

    async def get(self, key: str) -> bytes | None:
        """As PageCache.get."""
        digest = _digest(key)
        kept = await self._connection.ask("GET", b"page:" + digest)
        return kept[len(digest) :] if isinstance(kept, bytes) and kept.startswith(digest) else None

    async def put(self, key: str, page: bytes) -> None:
        """As PageCache.put."""
        if len(page) > PAGE_BYTES_MAX:
            return
        digest = _digest(key)
        await self._connection.ask("SET", b"page:" + digest, digest + page, "PX", self._milliseconds_max)


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", errors="surrogatepass"), digest_size=20).hexdigest().encode("ascii")
