"""A service that starts only where a commit stays a commit."""

import asyncpg
import pytest

from adapters.postgres.database import Database, opened_pool
from adapters.postgres.durability import NotDurable
from entrypoints.embedded.postgres import EmbeddedPostgres
from tests.services.servers import scratch_folder


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_may_lose_a_commit_is_refused_by_name(setting: str) -> None:
    with scratch_folder() as folder, EmbeddedPostgres(folder, settings={setting: "off"}) as server:
        async with opened_pool(server.dsn, size=1) as pool:
            with pytest.raises(NotDurable, match=f"{setting}=off"):
                await Database(pool).require_durability()


async def test_a_server_as_it_comes_is_durable() -> None:
    with scratch_folder() as folder, EmbeddedPostgres(folder) as server:
        async with opened_pool(server.dsn, size=1) as pool:
            await Database(pool).require_durability()


async def test_a_login_whose_commits_do_not_wait_for_the_disk_is_refused() -> None:
    with scratch_folder() as folder, EmbeddedPostgres(folder) as server:
        owner = await asyncpg.connect(server.dsn)
        await owner.execute("ALTER ROLE postgres SET synchronous_commit = off")
        await owner.close()

        async with opened_pool(server.dsn, size=1) as pool:
            with pytest.raises(NotDurable, match="synchronous_commit=off"):
                await Database(pool).require_durability()
