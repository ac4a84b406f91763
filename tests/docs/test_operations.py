"""What the page on operations names is there."""

import re
from pathlib import Path

from entrypoints.http.problems import PROBLEMS
from entrypoints.metrics.exposition import Exposition
from entrypoints.metrics.figures import Figures
from tests.http.figures import Figures as Read
from wallet_core.notifications.outbox import EventBacklog

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_OTHER_WORDS = {"wallet_owner", "wallet_app", "wallet_core"}
_OF_A_HISTOGRAM = re.compile("_(bucket|count|sum)$")


async def test_every_figure_that_the_page_names_is_measured() -> None:
    async def backlog() -> EventBacklog:
        return EventBacklog(not_relayed=0, pending=0, parked=0, oldest_seconds=0)

    figures = Figures()
    figures.say_version("0")
    text = (await Exposition(figures, lambda: None, backlog).text()).decode()
    described = set(re.findall(r"^# HELP (\w+) ", text, re.MULTILINE))
    measured = described | {f"{name}_total" for name in described}

    named = {_OF_A_HISTOGRAM.sub("", name) for name in re.findall(r"\bwallet_\w+", PAGE)} - _OTHER_WORDS

    assert len(named) > 12
    assert named - measured == set()
    assert Read.read(text)("wallet_deliveries_parked") == 0


def test_every_code_and_file_that_the_page_names_is_there() -> None:
    codes = {"overloaded", "unavailable", "outcome_unknown"}

    files = re.findall(r"`(tests/[\w/]+\.py|requirements/\w+\.txt)`", PAGE)

    assert codes <= set(PROBLEMS)
    assert files
    assert [path for path in files if not (ROOT / path).exists()] == []
