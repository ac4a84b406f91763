"""The folder that processes count together in comes and goes with the service."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from entrypoints.metrics.processes import figures_of_several


def test_it_is_there_while_they_run_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with figures_of_several():
        during = [folder.is_dir() for folder in tmp_path.iterdir()]
        named = os.environ["PROMETHEUS_MULTIPROC_DIR"]

    assert during == [True]
    assert named.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_what_a_killed_service_left_is_removed_and_what_another_one_uses_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    left, used = tmp_path / f"wallet-metrics-{ended.pid}-abc", tmp_path / f"wallet-metrics-{os.getppid()}-abc"
    left.mkdir()
    used.mkdir()

    with figures_of_several():
        there = left.exists(), used.exists()

    assert there == (False, True)
