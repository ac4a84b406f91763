"""What people hold and move: wallets, the ledger and its batches, limits."""

from collections.abc import Mapping

from dependency_injector import providers

from adapters.payment_gateways.sandbox import SandboxGateway
from adapters.postgres.ledger import PostgresLedger
from entrypoints.container.foundation import Foundation
from entrypoints.limit_settings import CurrencyLimits
from entrypoints.metrics.observers import BatchFigures
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.caching import WriteThrough
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps
from wallet_core.ledger.observing import LedgerEntrance, ObservedLedger
from wallet_core.wallets.allowances import Allowances
from wallet_core.wallets.movements import Movements
from wallet_core.wallets.ports import GrantedCaps
from wallet_core.wallets.wallets import Wallets


def granted_caps(limits: Mapping[str, CurrencyLimits]) -> dict[str, GrantedCaps]:
    """The operator's default limits in the core's words."""
    return {
        code: {
            LimitKind.TRANSFER: Caps(daily=limit.transfer.daily, monthly=limit.transfer.monthly),
            LimitKind.WITHDRAWAL: Caps(daily=limit.withdrawal.daily, monthly=limit.withdrawal.monthly),
        }
        for code, limit in limits.items()
    }


class Money(Foundation):
    """The use cases about money."""

    granted = providers.Callable(lambda settings: granted_caps(settings.limits), Foundation.settings)
    postgres_ledger = providers.Singleton(PostgresLedger, pool=Foundation.ledger_pool)
    batch_figures = providers.Singleton(BatchFigures, Foundation.figures)
    observed_ledger = providers.Singleton(ObservedLedger, postgres_ledger, batch_figures)
    ledger = providers.Singleton(
        BatchingLedger,
        observed_ledger,
        before_answers=providers.Singleton(WriteThrough, Foundation.account_cache),
        batch_max=Foundation.settings.provided.batch_max,
        in_flight_max=Foundation.settings.provided.in_flight_max,
        queue_max=Foundation.settings.provided.queue_max,
    )
    entrance = providers.Singleton(LedgerEntrance, ledger)
    sandbox = providers.Singleton(SandboxGateway)
    gateways = providers.Dict(sandbox=sandbox)
    wallets = providers.Singleton(
        Wallets,
        Foundation.wallet_repository,
        Foundation.account_cache,
        granted=granted,
        wallets_max=Foundation.settings.provided.wallets_per_person,
        ids=Foundation.ids,
        clock=Foundation.clock,
    )
    movements = providers.Singleton(
        Movements,
        entrance,
        Foundation.wallet_repository,
        gateways=gateways,
        payout_gateway="sandbox",
        ids=Foundation.ids,
    )
    allowances = providers.Singleton(Allowances, Foundation.limit_repository, granted=granted, clock=Foundation.clock)
