"""Figures of several processes: a folder that all of them write to, and whoever is asked adds up.

prometheus-client decides where it counts when it is imported. So the folder has to be there before a process starts.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = "wallet-metrics-"

Forget = Callable[[int], None]


@contextmanager
def figures_of_several() -> Iterator[Forget]:
    """Have the processes that are started within the block count together.

    What it gives is told of each process that died, so that its gauges are not added up any more.
    """
    before = os.environ.get(_FOLDER)
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        os.environ[_FOLDER] = folder

        def forget(pid: int) -> None:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # the package leaves it untyped

        try:
            yield forget
        finally:
            if before is None:
                del os.environ[_FOLDER]
            else:
                os.environ[_FOLDER] = before


def _sweep(root: Path) -> None:
    """Remove the folders of services that were killed before they could do so themselves."""
    for folder in root.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _lives(int(pid)):
            # Somebody else's folder, or one that another service is just removing, is not ours to fail for.
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def registry_to_read(own: CollectorRegistry) -> CollectorRegistry:
    """The figures of all processes that count together, or of this one where there is no other."""
    if _FOLDER not in os.environ:
        return own
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # the package leaves it untyped
    return together
