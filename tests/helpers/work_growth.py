"""How the work for a text grows with its length, on a machine that may be busy otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable

_ATTEMPTS = 5
_LEAST = 0.02  # seconds of work below which the clock tells nothing


def grows_evenly(work: Callable[[int], object], *, size: int = 50_000, times: int = 8) -> bool:
    """Whether work for a size that is several times as large takes about as many times as long.

    The processor's time is compared, not the wall's, and a neighbour may still slow one of the two
    down: the best of several attempts counts. Work that grows with the square takes `times` as long
    again in every one of them.

    Args:
        work: Does the work for a size.
        size: The smaller size.
        times: How many times as large the other is.

    Returns:
        Whether it did in one attempt at the least.
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
