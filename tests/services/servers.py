"""Real servers, from where WALLET_TEST_SERVICES says: what is asked for and not there is a failure, never a skip.

embedded    PostgreSQL and Valkey from wheels, one of each for each test process (the default)
containers  official images through testcontainers; needs a Docker engine
urls        servers that run already: WALLET_TEST_DATABASE_URL (a role that may create roles and databases) and
            WALLET_TEST_REDIS_URL (its logical database is flushed; parallel workers take the ones after it)
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.valkey import EmbeddedValkey

POSTGRES_IMAGE = "postgres:18-alpine"
REDIS_IMAGE = "redis:8-alpine"

# Losing the files in a power cut is no loss here. Commits stay synchronous, so that their order is the real one.
TEST_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}

_MEMORY = Path("/dev/shm")
_PREFIX = "wallet-tests-"


class Services(StrEnum):
    """Where the tests get their servers from."""

    EMBEDDED = "embedded"
    CONTAINERS = "containers"
    URLS = "urls"


def chosen_services(environment: Mapping[str, str] = os.environ) -> Services:
    """What WALLET_TEST_SERVICES asks for. Raises ValueError when that is nothing we know."""
    return Services(environment.get("WALLET_TEST_SERVICES", Services.EMBEDDED))


@contextmanager
def postgres_service() -> Iterator[str]:
    """A PostgreSQL server while the block runs: the DSN of a role that may create roles and databases."""
    match chosen_services():
        case Services.EMBEDDED:
            with scratch_folder() as folder:
                server = EmbeddedPostgres(folder, settings=TEST_SETTINGS)
                with server:
                    yield server.dsn
                server.wipe()
        case Services.CONTAINERS:
            from testcontainers.community.postgres import PostgresContainer

            with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
                yield container.get_connection_url()
        case Services.URLS:
            yield _required("WALLET_TEST_DATABASE_URL")
        case unknown:
            assert_never(unknown)


@contextmanager
def redis_service(worker: int) -> Iterator[str]:
    """A Redis or Valkey server while the block runs: the URL of a logical database for this test process alone."""
    match chosen_services():
        case Services.EMBEDDED:
            with scratch_folder() as folder, EmbeddedValkey(folder) as server:
                yield server.url
        case Services.CONTAINERS:
            from testcontainers.community.redis import RedisContainer

            with RedisContainer(REDIS_IMAGE) as container:
                yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(container.port)}/0"
        case Services.URLS:
            url = urlsplit(_required("WALLET_TEST_REDIS_URL"))
            first = int(url.path.strip("/") or 0)
            yield url._replace(path=f"/{first + worker}").geturl()
        case unknown:
            assert_never(unknown)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in memory where there is such a thing, removed after the block."""
    root = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _sweep(root: Path) -> None:
    """Give back the memory of test processes that were killed before they could clean up."""
    for folder in root.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if folder.stat().st_uid == os.getuid() and not _lives(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise ValueError(f"WALLET_TEST_SERVICES=urls needs {variable}")
    return value
