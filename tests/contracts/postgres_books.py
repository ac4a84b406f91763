"""The books in PostgreSQL, as the contract suites see them."""

import asyncpg

from adapters.postgres.administration import PostgresAdministration, PostgresPeopleDirectory
from adapters.postgres.audit import PostgresAuditTrail, PostgresSeals
from adapters.postgres.challenges import PostgresChallengeRepository
from adapters.postgres.database import Database
from adapters.postgres.deliveries import PostgresDeliveryQueue
from adapters.postgres.events import PostgresOutbox
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.limits import PostgresLimitRepository
from adapters.postgres.notifications import PostgresInbox, PostgresPreferenceRepository
from adapters.postgres.rows import account_of, limit_of, transaction_of
from adapters.postgres.sessions import PostgresSessionRepository
from adapters.postgres.statements import PostgresStatementRepository
from adapters.postgres.users import PostgresUserRepository
from adapters.postgres.verification import verify
from adapters.postgres.wallets import PostgresWalletRepository
from wallet_core.administration.audit import OPERATOR, Act
from wallet_core.clock import Clock
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.ids import AccountId, AuditId, IdGenerator, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.testing.audit import Holdings, Leg, findings
from wallet_core.testing.books import CURRENCIES
from wallet_core.testing.builders import GATEWAY, new_id
from wallet_core.wallets.entities import WalletStatus


class PostgresBooks:
    """Every port of money, wallets and people over one database: a BooksUnderTest."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", clock: Clock) -> None:
        database = Database(pool)
        self._pool = pool
        self.ledger = PostgresLedger(pool, clock=clock)
        self.users = PostgresUserRepository(database)
        self.challenges = PostgresChallengeRepository(database)
        self.sessions = PostgresSessionRepository(database)
        self.wallets = PostgresWalletRepository(database)
        self.limits = PostgresLimitRepository(database)
        self.statements = PostgresStatementRepository(database)
        self.outbox = PostgresOutbox(database, ids=new_id)
        self.deliveries = PostgresDeliveryQueue(database)
        self.inbox = PostgresInbox(database)
        self.preferences = PostgresPreferenceRepository(database)
        self.administration = PostgresAdministration(database, self.ledger)
        self.directory = PostgresPeopleDirectory(database)
        self.audit = PostgresAuditTrail(database)
        self.seals = PostgresSeals(database)

    async def open(self, ids: IdGenerator = new_id) -> None:
        """Open the system's accounts."""
        await self.ledger.open_system_accounts(gateways=[GATEWAY], currencies=CURRENCIES, ids=ids)

    async def set_status(self, wallet_id: WalletId, status: AccountStatus) -> None:
        """As BooksUnderTest.set_status. Whoever is deactivated by it has no other wallet."""
        shown = WalletStatus.FROZEN if status is AccountStatus.FROZEN else WalletStatus.ACTIVE
        await self.administration.set_wallet_status(wallet_id, shown, _an_act())
        holder = UserStatus.DEACTIVATED if status is AccountStatus.DEACTIVATED else UserStatus.ACTIVE
        user_id = await self._pool.fetchval("SELECT user_id FROM wallets WHERE id = $1", wallet_id)
        await self.administration.set_person_status(user_id, holder, _an_act())

    async def change_person(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        status: UserStatus | None = None,
        second_factor: bool | None = None,
    ) -> None:
        """As BooksUnderTest.change_person."""
        await self._pool.execute(
            "UPDATE users SET role = coalesce($2, role), second_factor = coalesce($3, second_factor) WHERE id = $1",
            user_id,
            role,
            second_factor,
        )
        if status is not None:
            await self.administration.set_person_status(user_id, status, _an_act())

    async def findings(self) -> list[str]:
        """What is wrong with the books, as the service's own verification sees it and as the library's audit does."""
        async with self._pool.acquire() as connection:
            verified = [str(finding) for finding in await verify(connection)]
            accounts = await connection.fetch("SELECT *, NULL AS holder FROM accounts")
            limits = await connection.fetch(
                "SELECT l.*, u.time_zone FROM transfer_limits l JOIN users u ON u.id = l.user_id"
            )
            transactions = await connection.fetch("SELECT * FROM transactions")
            entries = await connection.fetch("SELECT * FROM entries")
        return verified + findings(
            Holdings(
                accounts=[account_of(row) for row in accounts],
                limits=[limit_of(row, row["time_zone"]) for row in limits],
                transactions=[transaction_of(row) for row in transactions],
                legs=[_leg_of(row) for row in entries],
            )
        )


def _an_act() -> Act:
    return Act(id=AuditId(new_id()), actor=OPERATOR, reason="The test says so")


def _leg_of(row: asyncpg.Record) -> Leg:
    return Leg(
        account_id=AccountId(row["account_id"]),
        seq=row["seq"],
        transaction_id=TransactionId(row["transaction_id"]),
        amount=row["amount"],
        balance_after=row["balance_after"],
    )
