"""The ledger in memory: the real decisions over dictionaries."""

import asyncio
from collections.abc import Iterable, Sequence

from wallet_core.clock import Clock
from wallet_core.ids import IdGenerator
from wallet_core.ledger.commands import Command
from wallet_core.ledger.decide import decide_batch
from wallet_core.ledger.outcomes import Outcome
from wallet_core.ledger.state import LockedState
from wallet_core.testing.records import Records


class InMemoryLedger:
    """A Ledger that decides as every other does and keeps what it decided in `Records`.

    A batch is decided and kept in one step of the event loop, so that nobody sees half of it.
    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """As Ledger.post, but it never fails. Raises ValueError when a transaction's id was given before."""
        # Lets others in between, so that callers race here too.
        await asyncio.sleep(0)
        outcomes = decide_batch(commands, self._state(commands), self._clock())
        self._records.record(outcomes)
        return outcomes

    async def open_system_accounts(
        self, *, gateways: Iterable[str], currencies: Iterable[str], ids: IdGenerator
    ) -> None:
        """Open the accounts that money comes from and goes to, where they are not open yet."""
        self._records.open_system_accounts(gateways=gateways, currencies=currencies, ids=ids)

    def _state(self, commands: Sequence[Command]) -> LockedState:
        records = self._records
        account_keys = {key for command in commands for key in (command.own, command.other) if key is not None}
        limit_keys = {(each.user_id, each.limit_kind, each.currency) for each in commands}
        accounts = [records.account(key) for key in account_keys]
        limits = [records.limit((user, kind, currency)) for user, kind, currency in limit_keys if kind is not None]
        settled = [records.settled.get((each.user_id, each.key)) for each in commands if each.key is not None]
        wallets = [records.wallets.get(wallet_id) for wallet_id, _ in account_keys]
        return LockedState(
            accounts=[account for account in accounts if account is not None],
            limits=[limit for limit in limits if limit is not None],
            settled=[transaction for transaction in settled if transaction is not None],
            owners={wallet.id: wallet.user_id for wallet in wallets if wallet is not None},
        )
