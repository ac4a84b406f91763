"""Thousands of operations over HTTP on two processes, and each answer is the one that the model foretold."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.model.coverage import missing
from tests.model.runs import Report, Wanted
from tests.model.service import environment, run_service
from tests.races.serving import served
from tests.services.databases import TestDatabase

OPERATIONS = 2_500


async def test_the_service_answers_every_operation_as_the_model_does(
    migrated_database: TestDatabase, redis_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted.from_environment(OPERATIONS)
    report = Report("service", "tests/model/test_service_agrees.py", wanted.seed)
    log = tmp_path / "service.log"

    with served(log, database=migrated_database.dsn, redis_url=redis_url, **environment()) as service:
        async with AsyncExitStack() as stack:
            clients = await service.clients_at_each_process(stack, 1)
            await run_service(report, wanted.operations, clients, migrated_database.owner_dsn)

    report.show(capfd)
    assert not wanted.is_whole or missing(report, ["idempotency_key_required", "LookBack done"]) == []
