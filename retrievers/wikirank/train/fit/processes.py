"""Several processes that train one model, as `accelerate launch` and `torchrun` start them.

Only the main one prepares data, writes files and speaks; the others wait, and read what it wrote.
A single process is the main one, and waits for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

_PATIENCE = timedelta(days=2)
"""How long the others wait for the main process; a large corpus takes hours to prepare."""


def process_count() -> int:
    """How many processes train together, 1 or more."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the process that prepares, writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def main_process_first() -> Iterator[bool]:
    """Run a block in the main process, and then in the others.

    If it fails in the main process the others are not let in: their launcher ends them.

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
