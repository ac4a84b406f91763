"""Garbage collection in a process that serves: of what passes, seldom; of what stays, never."""

import gc
from typing import Final

_THRESHOLDS: Final = (10_000, 20, 50)
"""A batch alone has thousands of objects alive at a time. At the 700 that Python begins with the collector goes through
them again and again while they are made, and finds nothing: counting references frees nearly all of them."""


def spare_what_stays() -> None:
    """Keep the garbage collector from going through what lives as long as the process: the code, the application.

    Under load it went through them several times a second, and every request waited.
    """
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
