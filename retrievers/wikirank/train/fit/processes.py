"""Training one model in several processes, started by `accelerate launch` or `torchrun`.

Only the main process prepares data, writes files and prints. The others wait, and read its files.
A single process is the main process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

_PATIENCE = timedelta(days=2)
"""Time that the others wait for the main process; a large corpus takes hours to prepare."""


def process_count() -> int:
    """Return the number of processes that train together, 1 or more."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the process that prepares data, writes files and prints."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def main_process_first() -> Iterator[bool]:
    """Run a block in the main process first, and then in the others.

    If it fails in the main process, the others do not run it; their launcher stops them.

    Yields:
        Whether this is the main process.
    """
    if process_count() == 1:
        yield True
        return
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
    with state.main_process_first():
        yield state.is_main_process
