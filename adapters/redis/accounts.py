"""Accounts in Redis, for readers."""

import json
import time
from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from adapters.redis.connection import RedisConnection
from wallet_core.ids import AccountId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.caching import ACCOUNT_SECONDS_MAX

# A value is its shape's number, the revision in 20 digits, and the account: "1:00000000000000000042:{…}". Digits of one
# length compare as text as they do as numbers, beyond the 53 bits that a number has in Lua. What has another shape
# (another version of this program, another hand) holds no revision to respect.
_PREFIX: Final = "1:{revision:020d}:"
_PREFIX_LENGTH: Final = len(_PREFIX.format(revision=0))

_FIGURES: Final = ("balance", "held", "version", "declines", "declined_today")

_PUT_NEWER: Final = """
for i, key in ipairs(KEYS) do
  local kept, given = redis.pcall('GET', key), ARGV[i + 1]
  local revision = type(kept) == 'string' and string.match(kept, '^1:(%d+):')
  if not revision or #revision ~= 20 or revision <= string.sub(given, 3, 22) then
    redis.call('SET', key, given, 'PXAT', ARGV[1])
  end
end
"""


class RedisAccountCache:
    """An AccountCache of all processes that share a Redis.

    One script looks and stores, so that nobody comes in between: a reader that was held up cannot put back what a
    writer has replaced. One call for each `put`, however many accounts.

    What is put says until when by the clock of this machine, not for how long: a server that hung carries out what it
    was sent meanwhile, and would keep an old account for its whole time from then on. So the clocks of the machines
    have to agree to within a second.
    """

    def __init__(self, connection: RedisConnection, *, seconds_max: float = ACCOUNT_SECONDS_MAX) -> None:
        self._connection = connection
        self._milliseconds_max = round(seconds_max * 1000)

    async def get(self, wallet_id: WalletId, currency: str) -> Account | None:
        """As AccountCache.get."""
        kept = await self._connection.ask("GET", _key(wallet_id, currency))
        account = _read(kept) if isinstance(kept, bytes) else None
        # A value under another account's key is nothing, however it got there.
        return account if account is not None and account.key == (wallet_id, currency) else None

    async def put(self, accounts: Sequence[Account]) -> None:
        """As AccountCache.put."""
        if not accounts:
            return
        keys = [_key(*account.key) for account in accounts]
        values = [_written(account) for account in accounts]
        await self._connection.ask(
            "EVAL", _PUT_NEWER, len(keys), *keys, _milliseconds_now() + self._milliseconds_max, *values
        )


def _milliseconds_now() -> int:
    return time.time_ns() // 1_000_000


def _key(wallet_id: WalletId, currency: str) -> str:
    return f"balance:{wallet_id}:{currency}"


def _written(account: Account) -> str:
    """The prefix, and the account as JSON, put together by hand: a busy batch writes hundreds of them."""
    user_id = "null" if account.user_id is None else f'"{account.user_id}"'
    return _PREFIX.format(revision=account.revision) + (
        f'{{"id":"{account.id}","wallet_id":"{account.wallet_id}","user_id":{user_id},'
        f'"holder":{json.dumps(account.holder)},"currency":"{account.currency}",'
        f'"balance":{account.balance},"held":{account.held},"version":{account.version},'
        f'"declines":{account.declines},"declined_on":"{account.declined_on}",'
        f'"declined_today":{account.declined_today},"status":"{account.status}"}}'
    )


def _read(kept: bytes) -> Account | None:
    """The account that was written; what is not whole is nothing, and the books are asked."""
    try:
        prefix, written = kept[:_PREFIX_LENGTH].decode("ascii"), json.loads(kept[_PREFIX_LENGTH:])
        account = _account_of(written)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return account if prefix == _PREFIX.format(revision=account.revision) else None


def _account_of(written: dict[str, Any]) -> Account:
    figures = {name: written[name] for name in _FIGURES}
    if any(type(figure) is not int for figure in figures.values()):
        raise TypeError("A figure is no whole number.")
    return Account(
        id=AccountId(UUID(written["id"])),
        wallet_id=WalletId(UUID(written["wallet_id"])),
        user_id=None if written["user_id"] is None else UserId(UUID(written["user_id"])),
        holder=written["holder"],
        currency=written["currency"],
        declined_on=date.fromisoformat(written["declined_on"]),
        status=AccountStatus(written["status"]),
        **figures,
    )
