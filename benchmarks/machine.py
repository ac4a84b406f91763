"""What was measured on, and what was measured."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.children import PROJECT
from entrypoints.embedded.wheels import postgres_install, valkey_binary

_SECONDS_MAX: Final = 10.0
_PACKAGES: Final = ("aiohttp", "asyncpg", "uvloop")


def machine() -> dict[str, Any]:
    """Processors, memory and system; nothing that names the machine."""
    return {
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(generator: str) -> dict[str, str]:
    """Of everything that has a part in the figures; the project's is its last commit."""
    return {
        "python": platform.python_version(),
        "postgres": _said(str(postgres_install() / "bin" / "postgres"), "--version"),
        "valkey": _said(str(valkey_binary()), "--version"),
        **{package: version(package) for package in _PACKAGES},
        "load_generator": _said("wrk", "--version") if generator == "wrk" else "the project's own",
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
    }


def _line(path: str, name: str) -> str:
    lines = (line.partition(":") for line in Path(path).read_text(encoding="utf-8").splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")


def _said(*command: str) -> str:
    """The first line of what a program says; wrk tells its version along with a failure, and git may not be there."""
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False)
    except OSError:
        return "unknown"
    return (done.stdout.strip() or "unknown").splitlines()[0]
