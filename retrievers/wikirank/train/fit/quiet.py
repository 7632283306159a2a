"""Silence libraries that print progress bars and warnings while a model is loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging as transformers_logging

_logging: Any = transformers_logging  # has no types


@contextmanager
def quiet_transformers(active: bool = True) -> Iterator[None]:
    """Hide progress bars and warnings of (sentence-)transformers, if active; errors are shown."""
    if not active:
        yield
        return
    sentence_transformers = logging.getLogger("sentence_transformers")
    level = sentence_transformers.level
    verbosity, bars = _logging.get_verbosity(), _logging.is_progress_bar_enabled()
    sentence_transformers.setLevel(logging.ERROR)
    _logging.set_verbosity_error()
    _logging.disable_progress_bar()
    try:
        yield
    finally:
        sentence_transformers.setLevel(level)
        _logging.set_verbosity(verbosity)
        if bars:
            _logging.enable_progress_bar()
