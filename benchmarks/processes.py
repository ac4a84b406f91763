"""CPU time of processes, by what they are, as Linux tells it in /proc."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name in brackets, from 0: parent, own ticks, those of children that ended.
_PARENT: Final = 1
_TICKS: Final = slice(11, 13)
_TICKS_OF_DEAD_CHILDREN: Final = slice(13, 15)


class Kind(StrEnum):
    """What a process is to a measurement."""

    SERVER = "server"
    POSTGRES = "postgres"
    VALKEY = "valkey"
    GENERATOR = "load generator"


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    ticks: int
    ticks_of_dead_children: int


class CpuMeter:
    """Counts the CPU seconds that trees of processes take, each tree of one kind."""

    def __init__(self, roots: Mapping[Kind, Iterable[int]]) -> None:
        self._roots = {kind: tuple(pids) for kind, pids in roots.items()}
        self._before: dict[Kind, float] = {}

    def start(self) -> None:
        """From now on."""
        self._before = self._seconds()

    def stop(self) -> dict[Kind, float]:
        """CPU seconds since the start, of the processes that live and of those that ended meanwhile."""
        after = self._seconds()
        return {kind: max(after[kind] - self._before.get(kind, 0.0), 0.0) for kind in after}

    def _seconds(self) -> dict[Kind, float]:
        processes = _all_processes()
        children: dict[int, list[int]] = {}
        for pid, process in processes.items():
            children.setdefault(process.parent, []).append(pid)
        return {
            kind: sum(_ticks_of_tree(root, processes, children) for root in roots) / _TICKS_PER_SECOND
            for kind, roots in self._roots.items()
        }


def reaped_seconds() -> float:
    """CPU seconds of the children of this process that ended and were waited for."""
    times = os.times()
    return times.children_user + times.children_system


def _ticks_of_tree(pid: int, processes: Mapping[int, _Process], children: Mapping[int, list[int]]) -> int:
    process = processes.get(pid)
    if process is None:
        return 0
    below = sum(_ticks_of_tree(child, processes, children) for child in children.get(pid, ()))
    return process.ticks + process.ticks_of_dead_children + below


def _all_processes() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and the look
        found[int(folder.name)] = _Process(
            parent=int(fields[_PARENT]),
            ticks=sum(map(int, fields[_TICKS])),
            ticks_of_dead_children=sum(map(int, fields[_TICKS_OF_DEAD_CHILDREN])),
        )
    return found
