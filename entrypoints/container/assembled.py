"""The whole of it, and what the command line needs besides."""

from dependency_injector import containers, providers

from adapters.postgres.setup import PostgresSetup
from entrypoints.container.administration import Administration
from entrypoints.container.notifications import Notifications
from entrypoints.container.watching import Watching


class Container(Administration, Watching, Notifications):
    """How everything is put together."""


class Tools(containers.DeclarativeContainer):
    """What the command line needs of a database, without the settings of the service."""

    setup = providers.Factory(PostgresSetup)
