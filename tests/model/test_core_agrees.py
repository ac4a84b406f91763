"""A hundred thousand operations on the pure core, and each outcome is the one that the model foretold."""

import pytest

from tests.model.core import run_core
from tests.model.coverage import missing
from tests.model.runs import Report, Wanted

OPERATIONS = 100_000


async def test_the_core_answers_every_operation_as_the_model_does(capfd: pytest.CaptureFixture[str]) -> None:
    wanted = Wanted.from_environment(OPERATIONS)
    report = Report("core", "tests/model/test_core_agrees.py", wanted.seed)

    await run_core(report, wanted.operations)

    report.show(capfd)
    assert not wanted.is_whole or missing(report) == []
