"""Check that work grows linearly with its input, even on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable

_ATTEMPTS = 5
_LEAST = 0.02  # seconds below which the measurement is too coarse


def grows_evenly(work: Callable[[int], object], *, size: int = 50_000, times: int = 8) -> bool:
    """Return whether the time of some work grows about linearly with its size.

    CPU time is compared, not wall time. Other processes may still slow one of the two runs down, so
    the best of several attempts counts. Quadratic work takes `times` as long again in all of them.

    Args:
        work: Function of a size.
        size: The smaller size.
        times: Factor of the larger size.

    Returns:
        Whether the larger size took less than three times its share in at least one attempt.
    """

    def seconds(size: int) -> float:
        started = time.process_time()
        work(size)
        return time.process_time() - started

    for _ in range(_ATTEMPTS):
        small = max(seconds(size), _LEAST)
        if seconds(size * times) < small * times * 3:
            return True
    return False
