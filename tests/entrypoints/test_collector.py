"""What a process that serves tells its garbage collector."""

import subprocess
import sys

_TELL = """
import gc
from entrypoints.collector import spare_what_stays

kept = [[] for _ in range(1_000)]
spare_what_stays()
passes = gc.get_stats()[0]["collections"]
passing = [[] for _ in range(5_000)]
print(gc.get_freeze_count() > len(kept), gc.get_stats()[0]["collections"] - passes)
"""


def test_what_stays_is_spared_and_a_batch_is_not_gone_through_while_it_is_made() -> None:
    told = subprocess.run([sys.executable, "-c", _TELL], capture_output=True, text=True, timeout=60, check=True)

    assert told.stdout.split() == ["True", "0"]
