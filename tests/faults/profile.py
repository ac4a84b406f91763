"""How much of each fault a run tries: the quick profile, or with FULL=1 the full one."""

import os
from typing import Final

FULL: Final = os.environ.get("FULL", "0") not in ("", "0")

SEED: Final = int(os.environ.get("FAULTS_SEED", "2026"))
"""What every choice is drawn from. Servers and networks do not repeat themselves, but the questions do."""


def often(*, quick: int, full: int) -> int:
    """So many times, or so many seconds."""
    return full if FULL else quick
