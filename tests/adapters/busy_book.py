"""People who do all they can do with their money, for tests of what the books look like after it."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg

from adapters.postgres.administration import PostgresAdministration
from adapters.postgres.database import Database
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.users import PostgresUserRepository
from adapters.postgres.wallets import PostgresWalletRepository
from wallet_core.administration.audit import OPERATOR, Act
from wallet_core.identity.entities import User
from wallet_core.ids import AccountId, AuditId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Command, Deposit, LimitKind, Transfer, Withdraw
from wallet_core.ledger.limits import Caps
from wallet_core.ledger.outcomes import Outcome
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.ids import SequentialIds
from wallet_core.wallets.entities import Wallet, WalletStatus

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CURRENCIES = ("USD", "EUR")
TIME_ZONES = ("America/New_York", "Asia/Kolkata", "UTC", "Australia/Lord_Howe")
GRANTED = {LimitKind.TRANSFER: Caps(daily=900, monthly=4_000), LimitKind.WITHDRAWAL: Caps(daily=300, monthly=1_000)}
NEW_YEARS_EVE = datetime(2026, 12, 29, 22, 30, tzinfo=UTC)


class Book:
    """Four people with wallets in two currencies, and a ledger on a clock that the test sets."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.ids = SequentialIds()
        self.clock = SettableClock(NEW_YEARS_EVE)
        self.ledger = PostgresLedger(pool, clock=self.clock)
        self.accounts: list[Account] = []

    async def open(self) -> None:
        """Open everybody's accounts, the system's first."""
        database = Database(self._pool)
        users, wallets = PostgresUserRepository(database), PostgresWalletRepository(database)
        await self.ledger.open_system_accounts(gateways=["sandbox", "unused"], currencies=CURRENCIES, ids=self.ids)
        for number, time_zone in enumerate(TIME_ZONES):
            user_id = UserId(self.ids())
            now = self.clock()
            email = f"person-{number}@example.org"
            user = User(id=user_id, name="P", email=email, phone=None, time_zone=time_zone, created_at=now)
            await users.add(user, "hash")
            wallet = Wallet(id=WalletId(self.ids()), user_id=user_id, name="W", currency="USD", created_at=now)
            for currency in CURRENCIES:
                account = Account(
                    id=AccountId(self.ids()), wallet_id=wallet.id, user_id=user_id, holder="P", currency=currency
                )
                if currency == wallet.currency:
                    await wallets.open(wallet, account, GRANTED, wallets_max=5)
                else:
                    await wallets.open_account(account, GRANTED)
                self.accounts.append(account)

    async def be_busy(self, *, batches: int, seed: int = 7, together: bool = True) -> list[Outcome]:
        """Let people do all they can do, some of it twice, for days on end and over the turn of a month.

        `together` lets two batches race for the same accounts; without it every run makes the same history.
        """
        dice = random.Random(seed)
        outcomes: list[Outcome] = []
        earlier: list[Command] = []
        for _ in range(batches):
            batch = [self._command(dice) for _ in range(dice.randint(1, 12))]
            batch += [replace(dice.choice(earlier), id=self._new_id()) for _ in range(2) if earlier]
            parts = [batch[::2], batch[1::2]] if together else [batch]
            for part in await asyncio.gather(*map(self.ledger.post, parts)):
                outcomes += part
            earlier += [command for command in batch if command.key is not None]
            self.clock.advance(timedelta(hours=dice.uniform(0, 5)))
        return outcomes

    async def freeze_first(self) -> None:
        """Freeze the first wallet, so that deposits are refused too."""
        act = Act(id=AuditId(self.ids()), actor=OPERATOR, reason="Because")
        administration = PostgresAdministration(Database(self._pool), self.ledger)
        await administration.set_wallet_status(self.accounts[0].wallet_id, WalletStatus.FROZEN, act)

    def _command(self, dice: random.Random) -> Command:
        own = dice.choice(self.accounts)
        assert own.user_id is not None
        asked = {
            "id": self._new_id(),
            "user_id": own.user_id,
            "key": None if dice.random() < 0.3 else f"key-{self.ids()}",
            "wallet_id": own.wallet_id,
            "currency": own.currency,
        }
        match dice.choices(("deposit", "withdraw", "transfer", "nowhere"), (3, 2, 6, 1)):
            case ["deposit"]:
                return Deposit(**asked, amount=dice.randint(1, 500), gateway="sandbox", reference="r")
            case ["withdraw"]:
                return Withdraw(**asked, amount=dice.randint(1, 200))
            case ["transfer"]:
                other = dice.choice(self.accounts).wallet_id
                return Transfer(**asked, amount=dice.randint(1, 400), to=str(other), to_wallet_id=other)
        return Transfer(**asked, amount=5, to="nobody@example.org", to_wallet_id=None)

    def _new_id(self) -> TransactionId:
        return TransactionId(self.ids())
