"""The books in memory: every port of money, wallets and people over one store. For tests, and for trying things out."""

from collections.abc import Iterable

from wallet_core.clock import Clock, system_clock
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.ids import IdGenerator, UserId, WalletId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.testing.administration import (
    InMemoryAdministration,
    InMemoryAuditTrail,
    InMemoryPeopleDirectory,
    InMemorySeals,
)
from wallet_core.testing.audit import Holdings, findings
from wallet_core.testing.builders import new_id
from wallet_core.testing.challenges import InMemoryChallengeRepository
from wallet_core.testing.ledger import InMemoryLedger
from wallet_core.testing.live import InMemoryLiveRepository
from wallet_core.testing.outbox import (
    InMemoryDeliveryQueue,
    InMemoryInbox,
    InMemoryOutbox,
    InMemoryPreferenceRepository,
)
from wallet_core.testing.records import Records
from wallet_core.testing.second_factor import InMemorySecondFactorRepository
from wallet_core.testing.sessions import InMemorySessionRepository
from wallet_core.testing.statements import InMemoryStatementRepository
from wallet_core.testing.users import InMemoryUserRepository
from wallet_core.testing.wallets import InMemoryLimitRepository, InMemoryWalletRepository

CURRENCIES = ("USD", "EUR", "GBP", "INR", "JPY")


class InMemoryBooks:
    """A ledger and the repositories around it, which all see the same people, wallets and money.

    The system's accounts are open from the start, for the gateways and in the currencies given.
    """

    def __init__(
        self,
        clock: Clock = system_clock,
        *,
        gateways: Iterable[str] = ("sandbox",),
        currencies: Iterable[str] = CURRENCIES,
        ids: IdGenerator = new_id,
    ) -> None:
        self._records = Records()
        self._records.open_system_accounts(gateways=gateways, currencies=currencies, ids=ids)
        self.ledger = InMemoryLedger(self._records, clock)
        self.users = InMemoryUserRepository(self._records)
        self.second_factors = InMemorySecondFactorRepository(self._records)
        self.challenges = InMemoryChallengeRepository(self._records)
        self.sessions = InMemorySessionRepository(self._records)
        self.wallets = InMemoryWalletRepository(self._records)
        self.limits = InMemoryLimitRepository(self._records)
        self.statements = InMemoryStatementRepository(self._records)
        self.administration = InMemoryAdministration(self._records, self.ledger, self.sessions)
        self.directory = InMemoryPeopleDirectory(self._records)
        self.audit = InMemoryAuditTrail(self._records)
        self.seals = InMemorySeals(self._records)
        self.live = InMemoryLiveRepository(self._records)
        self.outbox = InMemoryOutbox(self._records, clock)
        self.deliveries = InMemoryDeliveryQueue(self._records, clock)
        self.inbox = InMemoryInbox(self._records)
        self.preferences = InMemoryPreferenceRepository(self._records)

    async def set_status(self, wallet_id: WalletId, status: AccountStatus) -> None:
        """Freeze, deactivate or activate a wallet with all its accounts, as an operator does."""
        self._records.set_status(wallet_id, status)

    async def change_person(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        status: UserStatus | None = None,
        second_factor: bool | None = None,
    ) -> None:
        """Change what a person may do, as an operator or they themselves do."""
        self.sessions.change_person(user_id, role=role, status=status, second_factor=second_factor)

    def holdings(self) -> Holdings:
        """Everything that the books hold now."""
        return Holdings(
            accounts=list(self._records.accounts.values()),
            limits=list(self._records.limits.values()),
            transactions=list(self._records.transactions.values()),
            legs=[leg for legs in self._records.legs.values() for leg in legs],
        )

    def findings(self) -> list[str]:
        """What is wrong with the books, a sentence each; empty where every invariant holds."""
        return findings(self.holdings())
