"""The contract suites: one class a port, run alike by the in-memory adapter and by every real one.

Subclass one in a test module under a name that pytest collects, and provide the fixtures its docstring asks for. They
are pytest classes, so importing this package needs pytest (and pytest-asyncio in its mode "auto"); nothing else in
the library does. Their asserts are rewritten, so that a failure shows its values.
"""

import pytest

# Before any of them is imported: afterwards it would be too late for its asserts.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{subject}"
        for subject in (
            "administration",
            "administration_grants",
            "administration_states",
            "audit",
            "audited",
            "books",
            "caches",
            "challenges",
            "gateways",
            "ledger",
            "ledger_idempotency",
            "ledger_limits",
            "ledger_movements",
            "ledger_races",
            "ledger_refusals",
            "limits",
            "live",
            "notifications",
            "outbox",
            "sealing",
            "second_factor",
            "security",
            "session_news",
            "sessions",
            "statement_pages",
            "statements",
            "throttling",
            "users",
            "wallets",
        )
    )
)

from wallet_core.testing.contracts.administration import AdministrationRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.audit import (  # noqa: E402
    AuditTrailContract,
    PeopleDirectoryContract,
    SealRepositoryContract,
)
from wallet_core.testing.contracts.books import BooksUnderTest  # noqa: E402
from wallet_core.testing.contracts.caches import AccountCacheContract, PageCacheContract  # noqa: E402
from wallet_core.testing.contracts.challenges import ChallengeRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.gateways import PaymentGatewayContract  # noqa: E402
from wallet_core.testing.contracts.ledger import LedgerContract  # noqa: E402
from wallet_core.testing.contracts.limits import LimitRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.live import LiveRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.notifications import (  # noqa: E402
    CourierContract,
    MailboxContract,
    NotifierContract,
    StationeryContract,
)
from wallet_core.testing.contracts.outbox import (  # noqa: E402
    DeliveryQueueContract,
    InboxContract,
    OutboxContract,
    PreferenceRepositoryContract,
    TurnsContract,
)
from wallet_core.testing.contracts.sealing import SealedColumnContract, SealerContract  # noqa: E402
from wallet_core.testing.contracts.second_factor import (  # noqa: E402
    OneTimeCodesContract,
    RecoveryCodesContract,
    SecondFactorEventsContract,
    SecondFactorRepositoryContract,
)
from wallet_core.testing.contracts.security import (  # noqa: E402
    AccessTokensContract,
    CommonPasswordsContract,
    PasswordHasherContract,
)
from wallet_core.testing.contracts.session_news import RefreshTokensContract, SessionNewsContract  # noqa: E402
from wallet_core.testing.contracts.sessions import SessionRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.statements import StatementRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.throttling import (  # noqa: E402
    ClientLimitsContract,
    FailureCountersContract,
    MessageCountersContract,
)
from wallet_core.testing.contracts.users import UserRepositoryContract  # noqa: E402
from wallet_core.testing.contracts.wallets import WalletRepositoryContract  # noqa: E402

__all__ = [
    "AccessTokensContract",
    "AccountCacheContract",
    "AdministrationRepositoryContract",
    "AuditTrailContract",
    "BooksUnderTest",
    "ChallengeRepositoryContract",
    "ClientLimitsContract",
    "CommonPasswordsContract",
    "CourierContract",
    "DeliveryQueueContract",
    "FailureCountersContract",
    "InboxContract",
    "LedgerContract",
    "LimitRepositoryContract",
    "LiveRepositoryContract",
    "MailboxContract",
    "MessageCountersContract",
    "NotifierContract",
    "OneTimeCodesContract",
    "OutboxContract",
    "PageCacheContract",
    "PasswordHasherContract",
    "PaymentGatewayContract",
    "PeopleDirectoryContract",
    "PreferenceRepositoryContract",
    "RecoveryCodesContract",
    "RefreshTokensContract",
    "SealRepositoryContract",
    "SealedColumnContract",
    "SealerContract",
    "SecondFactorEventsContract",
    "SecondFactorRepositoryContract",
    "SessionNewsContract",
    "SessionRepositoryContract",
    "StatementRepositoryContract",
    "StationeryContract",
    "TurnsContract",
    "UserRepositoryContract",
    "WalletRepositoryContract",
]
