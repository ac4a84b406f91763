"""Wallets in PostgreSQL."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.limits import open_limits
from adapters.postgres.queries import Connection, load_queries
from adapters.postgres.rows import account_of
from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.wallets.entities import Wallet, WalletRefusal, WalletStatus
from wallet_core.wallets.ports import GrantedCaps


class PostgresWalletRepository:
    """A WalletRepository over the tables `wallets` and `accounts`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("wallets")
        self._limit_queries = load_queries("limits")

    async def open(
        self, wallet: Wallet, account: Account, granted: GrantedCaps, *, wallets_max: int
    ) -> Wallet | WalletRefusal:
        """As WalletRepository.open."""
        try:
            async with self._database.transaction() as connection:
                owner = await self._queries["lock_owner"].fetch_row(connection, user_id=wallet.user_id)
                if owner is None:
                    return WalletRefusal.NOT_FOUND
                held = await self._queries["count_wallets"].fetch_value(connection, user_id=wallet.user_id)
                if held >= wallets_max:
                    return WalletRefusal.TOO_MANY
                await self._queries["add_wallet"].execute(
                    connection,
                    id=wallet.id,
                    user_id=wallet.user_id,
                    name=wallet.name,
                    currency=wallet.currency,
                    is_default=held == 0,
                    created_at=wallet.created_at,
                )
                await self._add_account(connection, account, granted)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "wallets_user_name_key":
                raise
            return WalletRefusal.NAME_TAKEN
        opened = await self.find(wallet.user_id, wallet.id)
        return WalletRefusal.NOT_FOUND if opened is None else opened

    async def open_account(self, account: Account, granted: GrantedCaps) -> Account | WalletRefusal:
        """As WalletRepository.open_account."""
        user_id = account.user_id
        if user_id is None:
            return WalletRefusal.NOT_FOUND
        try:
            async with self._database.transaction() as connection:
                await self._queries["lock_owner"].fetch_row(connection, user_id=user_id)
                if await self._find(connection, user_id, account.wallet_id) is None:
                    return WalletRefusal.NOT_FOUND
                await self._add_account(connection, account, granted)
                wallet = await self._find(connection, user_id, account.wallet_id)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "accounts_wallet_id_currency_key":
                raise
            return WalletRefusal.CURRENCY_HELD
        opened = None if wallet is None else wallet.account(account.currency)
        return WalletRefusal.NOT_FOUND if opened is None else opened

    async def of(self, user_id: UserId) -> list[Wallet]:
        """As WalletRepository.of."""
        async with self._database.connection() as connection:
            return wallets_of(await self._queries["find_wallets"].fetch(connection, user_id=user_id, wallet_id=None))

    async def find(self, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        """As WalletRepository.find."""
        async with self._database.connection() as connection:
            return await self._find(connection, user_id, wallet_id)

    async def account(self, user_id: UserId, wallet_id: WalletId, currency: str | None) -> Account | None:
        """As WalletRepository.account."""
        async with self._database.connection() as connection:
            row = await self._queries["find_account"].fetch_row(
                connection, user_id=user_id, wallet_id=wallet_id, currency=currency
            )
            return None if row is None else account_of(row)

    async def change(
        self, user_id: UserId, wallet_id: WalletId, *, name: str | None, default: bool | None
    ) -> Wallet | WalletRefusal:
        """As WalletRepository.change."""
        try:
            async with self._database.transaction() as connection:
                await self._queries["lock_owner"].fetch_row(connection, user_id=user_id)
                wallet = await self._find(connection, user_id, wallet_id)
                if wallet is None:
                    return WalletRefusal.NOT_FOUND
                if name is not None and name != wallet.name:
                    await self._queries["rename"].execute(connection, wallet_id=wallet_id, name=name)
                if default and not wallet.is_default:
                    await self._queries["clear_default"].execute(connection, user_id=user_id)
                    await self._queries["set_default"].execute(connection, wallet_id=wallet_id)
                changed = await self._find(connection, user_id, wallet_id)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "wallets_user_name_key":
                raise
            return WalletRefusal.NAME_TAKEN
        return WalletRefusal.NOT_FOUND if changed is None else changed

    async def recipient(self, *, email: str | None = None, phone: str | None = None) -> WalletId | None:
        """As WalletRepository.recipient."""
        async with self._database.connection() as connection:
            wallet_id: WalletId | None = await self._queries["find_recipient"].fetch_value(
                connection, email=email, phone=phone
            )
            return wallet_id

    async def is_settled(self, user_id: UserId, key: str) -> bool:
        """As WalletRepository.is_settled."""
        async with self._database.connection() as connection:
            settled: bool = await self._queries["is_settled"].fetch_value(connection, user_id=user_id, key=key)
            return settled

    async def _find(self, connection: Connection, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        rows = await self._queries["find_wallets"].fetch(connection, user_id=user_id, wallet_id=wallet_id)
        return next(iter(wallets_of(rows)), None)

    async def _add_account(self, connection: Connection, account: Account, granted: GrantedCaps) -> None:
        await self._queries["add_account"].execute(
            connection,
            id=account.id,
            wallet_id=account.wallet_id,
            user_id=account.user_id,
            currency=account.currency,
        )
        if account.user_id is not None:
            await open_limits(connection, self._limit_queries["add_limits"], account.user_id, account.currency, granted)


def wallets_of(rows: Sequence[asyncpg.Record]) -> list[Wallet]:
    """Rows of accounts, in the order of their wallets, as wallets."""
    return [_wallet_of(list(accounts)) for _, accounts in groupby(rows, key=itemgetter("wallet_id"))]


def _wallet_of(rows: Sequence[asyncpg.Record]) -> Wallet:
    first = rows[0]
    return Wallet(
        id=WalletId(first["wallet_id"]),
        user_id=UserId(first["user_id"]),
        name=first["wallet_name"],
        currency=first["wallet_currency"],
        status=WalletStatus(first["wallet_status"]),
        is_default=first["is_default"],
        version=first["wallet_version"],
        created_at=first["created_at"],
        accounts=tuple(account_of(row) for row in rows),
    )
