"""Limits in PostgreSQL, as a person reads and lowers them."""

from collections.abc import Mapping

from adapters.postgres.database import Database
from adapters.postgres.queries import Connection, Query, load_queries
from adapters.postgres.rows import limit_of
from wallet_core.ids import UserId
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.wallets.ports import GrantedCaps


class PostgresLimitRepository:
    """A LimitRepository over the table `transfer_limits`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("limits")

    async def of(self, user_id: UserId, currency: str) -> list[Limit]:
        """As LimitRepository.of."""
        async with self._database.connection() as connection:
            rows = await self._queries["find_limits"].fetch(connection, user_id=user_id, currency=currency)
            return [limit_of(row, row["time_zone"]) for row in rows]

    async def choose(
        self, user_id: UserId, currency: str, chosen: Mapping[LimitKind, ChosenCaps], *, granted: GrantedCaps
    ) -> bool:
        """As LimitRepository.choose."""
        async with self._database.transaction() as connection:
            await open_limits(connection, self._queries["add_limits"], user_id, currency, granted)
            rows = await self._queries["lock_limits_of"].fetch(
                connection, user_id=user_id, currency=currency, kinds=list(chosen)
            )
            allowed = {row["kind"]: Caps(daily=row["daily_max"], monthly=row["monthly_max"]) for row in rows}
            if not all(caps.within(allowed[kind]) for kind, caps in chosen.items()):
                return False
            for kind, caps in chosen.items():
                await self._queries["choose"].execute(
                    connection,
                    user_id=user_id,
                    currency=currency,
                    kind=kind,
                    daily_max=caps.daily,
                    monthly_max=caps.monthly,
                )
        return True


async def open_limits(
    connection: Connection, add_limits: Query, user_id: UserId, currency: str, granted: GrantedCaps
) -> None:
    """Grant a person their limits in a currency, unless they have them."""
    kinds = sorted(granted)
    await add_limits.execute(
        connection,
        user_id=user_id,
        kinds=kinds,
        currency=currency,
        daily_maxs=[granted[kind].daily for kind in kinds],
        monthly_maxs=[granted[kind].monthly for kind in kinds],
    )
