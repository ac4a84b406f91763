"""Who is in charge: changes of state, the audit and its seals."""

from dependency_injector import providers

from adapters.postgres.administration import PostgresAdministration, PostgresPeopleDirectory
from adapters.postgres.audit import PostgresAuditTrail, PostgresSeals
from entrypoints.container.foundation import Foundation
from entrypoints.container.identity import Identity
from entrypoints.container.money import Money
from wallet_core.administration.administration import Administration as Administering
from wallet_core.administration.chain import AuditSealing


class Administration(Identity, Money):
    """The use cases of those who administer."""

    directory = providers.Singleton(PostgresPeopleDirectory, Foundation.database)
    audit_trail = providers.Singleton(PostgresAuditTrail, Foundation.database)
    audit_sealing = providers.Singleton(AuditSealing, providers.Singleton(PostgresSeals, Foundation.database))
    administration = providers.Singleton(
        Administering,
        providers.Singleton(PostgresAdministration, Foundation.database, Money.postgres_ledger),
        Foundation.account_cache,
        Identity.sessions,
        granted=Money.granted,
        ids=Foundation.ids,
    )
