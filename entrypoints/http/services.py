"""What the handlers are given: the core's use cases, and what the operator decided about HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from entrypoints.http.edge import Edge
from entrypoints.http.measuring import Measures
from wallet_core.administration.administration import Administration
from wallet_core.administration.audit import AuditTrail
from wallet_core.administration.ports import PeopleDirectory
from wallet_core.identity.addresses import Addresses
from wallet_core.identity.factor_setup import FactorSetup
from wallet_core.identity.login import LogIn
from wallet_core.identity.passwords import Passwords
from wallet_core.identity.people import People
from wallet_core.identity.ports import AccessTokens
from wallet_core.identity.proofs import LargeAmounts, Proofs
from wallet_core.identity.recovery import Recovery
from wallet_core.identity.sessions import Sessions
from wallet_core.ledger.statements import StatementRepository
from wallet_core.live.feed import LiveFeed
from wallet_core.money import Currencies
from wallet_core.notifications.inbox import Inbox
from wallet_core.notifications.parked import ParkedDeliveries
from wallet_core.notifications.ports import Mailbox
from wallet_core.notifications.preferences import PreferenceRepository
from wallet_core.wallets.allowances import Allowances
from wallet_core.wallets.movements import Movements
from wallet_core.wallets.pages import PageCache
from wallet_core.wallets.wallets import Wallets


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the service needs and whether it answers; the cache is told of but not needed."""

    database: bool
    migrations: bool
    cache: str

    @property
    def ready(self) -> bool:
        """Whether requests may be sent here."""
        return self.database and self.migrations


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a handler may use."""

    people: People
    passwords: Passwords
    recovery: Recovery
    addresses: Addresses
    log_in: LogIn
    factor_setup: FactorSetup
    proofs: Proofs
    large_amounts: LargeAmounts
    sessions: Sessions
    administration: Administration
    directory: PeopleDirectory
    audit: AuditTrail
    tokens: AccessTokens
    wallets: Wallets
    movements: Movements
    allowances: Allowances
    statements: StatementRepository
    pages: PageCache
    currencies: Currencies
    readiness: Callable[[], Awaitable[Readiness]]
    version: str
    key_required: bool
    body_max_bytes: int
    requests_max: int
    access_log: bool
    edge: Edge
    live: LiveFeed
    measures: Measures
    figures: Callable[[], Awaitable[bytes]]
    """What was measured, as text in Prometheus's format."""
    metrics_token: str | None
    """Who brings it may read the figures; without one whoever is on this machine."""
    inbox: Inbox
    preferences: PreferenceRepository
    parked_deliveries: ParkedDeliveries
    mailbox: Mailbox | None
    """Where messages can be looked at, if that is allowed."""
