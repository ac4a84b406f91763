"""What the README shows and says is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs.examples import loyalty_payouts
from entrypoints.cli.commands import wallet
from entrypoints.container import VERSION
from entrypoints.environment import SettingDescription
from entrypoints.http.problems import PROBLEMS
from entrypoints.http.views import PROBLEM_BY_REASON
from entrypoints.settings import describe_settings
from wallet_core.ledger.outcomes import Reason

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", python_blocks())
def test_every_python_block_runs(block: str) -> None:
    ran = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert ran.returncode == 0, ran.stderr


def test_there_is_a_python_block_to_run() -> None:
    assert len(python_blocks()) == 1


async def test_the_example_pays_each_winner_once_and_within_the_purses_limit() -> None:
    told = await loyalty_payouts.main()

    assert list(told.values()) == ["paid before", "paid", "not paid: limit_exceeded"]


@pytest.mark.parametrize("setting", describe_settings(), ids=lambda setting: setting.name)
def test_every_setting_has_its_row(setting: SettingDescription) -> None:
    row = next((line for line in README.splitlines() if line.startswith(f"| `{setting.name}` |")), None)

    assert row is not None
    assert setting.meaning in row


def test_no_row_names_a_setting_that_is_not_read() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))

    assert rows == {setting.name for setting in describe_settings()}


@pytest.mark.parametrize("command", sorted(wallet.commands))
def test_every_command_is_listed(command: str) -> None:
    assert f"python -m entrypoints {command}" in README


def test_every_reason_has_its_problem() -> None:
    assert set(PROBLEM_BY_REASON) == set(Reason)
    assert set(PROBLEM_BY_REASON.values()) <= set(PROBLEMS)


def test_the_service_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["version"] == VERSION


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
