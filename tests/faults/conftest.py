"""One stage for all rows, and the line that each of them tells."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.faults.history import Row
from tests.faults.profile import FULL, SEED
from tests.faults.proxy import proxy_to
from tests.faults.stage import Stage
from tests.outages.machines import own_postgres, own_valkey
from tests.races.serving import Service
from tests.services.databases import Databases

Tell: TypeAlias = Callable[[Row], None]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The servers and the wires. The books lie on a disk, with fsync on, so that commits take the time they do."""
    with (
        tempfile.TemporaryDirectory(prefix="wallet-faults-", dir="/var/tmp") as folder,
        own_postgres(Path(folder)) as (postgres, server_dsn),
        own_valkey() as (valkey, cache_url),
    ):
        databases = Databases(server_dsn)
        databases.prepare()
        with (
            databases.database() as database,
            proxy_to(database.dsn) as (database_wire, wired_dsn),
            proxy_to(cache_url) as (cache_wire, wired_cache_url),
        ):
            yield Stage(
                postgres=postgres,
                valkey=valkey,
                database_wire=database_wire,
                cache_wire=cache_wire,
                dsn=database.dsn,
                server_dsn=server_dsn,
                cache_url=cache_url,
                wired_dsn=wired_dsn,
                wired_cache_url=wired_cache_url,
                logs=tmp_path_factory.mktemp("faults"),
            )


@pytest.fixture(scope="session")
def service(stage: Stage) -> Iterator[Service]:
    """Two API processes that live through one row after the other."""
    with stage.serving("service") as service:
        yield service


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Writes a row's line at once, whatever is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    say(f"{'full' if FULL else 'quick'} profile, seed {SEED}")
    return lambda row: say(str(row))
