"""What every command says and asks: the screen, the environment, and how work ends that did not go well."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from entrypoints.environment import SettingsError
from entrypoints.settings import Settings
from wallet_core.faults import Fault

T = TypeVar("T")

EXIT_FINDINGS: Final = 1
EXIT_FAILED: Final = 1
EXIT_MISUSED: Final = 2
STEPS_SECONDS_MAX: Final = 3_600

screen: Final = Console(highlight=False, soft_wrap=True)
complaints: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def settings() -> Settings:
    """What the environment says; ends the program where it says too little or nonsense."""
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        fail(f"The environment does not say how to run:\n{error}", EXIT_MISUSED)


@contextmanager
def progress(work: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with an estimate while the block runs, on a terminal; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # The estimate goes by all steps so far: they are few, and as unlike as the tables that they read.
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal,
                  speed_estimate_period=STEPS_SECONDS_MAX) as bar:  # fmt: skip
        task = bar.add_task(work, total=None)

        def watch(step: str, done: int, in_all: int) -> None:
            bar.update(task, description=step or "Done", completed=done, total=in_all)

        yield watch


def read_setting(name: str) -> str | None:
    """One variable, or the file that `{name}_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            fail(f"{name}_FILE cannot be read: {error.strerror}.", EXIT_MISUSED)
    return os.environ.get(name) or None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a fault outside our rules becomes one line and an exit code."""
    try:
        return asyncio.run(work)
    except Fault as fault:
        fail(str(fault), EXIT_FAILED)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong and end the program."""
    complaints.print(message, style="red", markup=False)
    sys.exit(code)
