"""Chroma in a forked child, where it has to be loaded once more.

Chroma adds vectors to its graph, also as it catches up on a log, in a thread pool that its
extension module makes once a process and never again. A forked child has the memory of that pool
but none of its threads: whatever is added there waits for ever, in a newly opened store too. A copy
of the module under another name has globals of its own, and so a pool whose threads are there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import chromadb_rust_bindings
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from wikirank._util import ForkSafeLock, abandon
from wikirank.errors import IndexStorageError

_lock = ForkSafeLock()
# Whether this process used Chroma's module, and whether the one it was forked from did.
_is_used = False
_is_used_up = False


def ensure_usable() -> None:
    """Make Chroma's embedded store work in this process, whatever process it was forked from.

    Raises:
        IndexStorageError: If it cannot be made to.
    """
    global _is_used, _is_used_up
    with _lock:
        if _is_used_up:
            _load_again()
            _is_used_up = False
        _is_used = True


def is_embedded(settings: Settings) -> bool:
    """Whether a client of these settings has Chroma's store in its own process."""
    return not settings.chroma_api_impl.endswith("FastAPI")


def _load_again() -> None:
    """Put a copy of Chroma's module in the place of the one that the parent used."""
    package = chromadb_rust_bindings
    original = package.chromadb_rust_bindings
    faults: list[str] = []
    for place in _PLACES:
        try:
            with place(Path(original.__file__)) as copy:
                module = _loaded_from(copy, original.__name__)
        except (OSError, ImportError) as err:
            faults.append(str(err))
            continue
        for name in vars(package).keys() & vars(module).keys():
            if not name.startswith("__"):
                setattr(package, name, getattr(module, name))
        return
    msg = (
        "Expected a process that Chroma can work in, got one forked from a process that had used "
        f"it, where it cannot be loaded once more ({'; '.join(faults)}). Start processes by spawn "
        "or forkserver, or open the first index after the fork."
    )
    raise IndexStorageError(msg)


def _loaded_from(path: Path, name: str) -> ModuleType:
    loader = ExtensionFileLoader(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        msg = f"{path} is no module"
        raise ImportError(msg)
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@contextmanager
def _in_memory(original: Path) -> Iterator[Path]:
    """A copy that takes no place on a disk, nor minds one that lets nothing run."""
    if not hasattr(os, "memfd_create"):
        msg = "no files in memory"
        raise OSError(msg)
    with os.fdopen(os.memfd_create(original.name), "wb") as copy, original.open("rb") as source:
        shutil.copyfileobj(source, copy, 2**20)
        copy.flush()
        yield Path(f"/proc/self/fd/{copy.fileno()}")


@contextmanager
def _on_disk(original: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wikirank-", ignore_cleanup_errors=True) as folder:
        yield Path(shutil.copy(original, folder))


_PLACES: tuple[Callable[[Path], AbstractContextManager[Path]], ...] = (_in_memory, _on_disk)


def _after_fork() -> None:
    """Leave what Chroma has open to the parent: nothing of it is closed, or opened again."""
    global _is_used, _is_used_up
    SharedSystemClient._refcount_lock = threading.Lock()
    systems = SharedSystemClient._identifier_to_system
    embedded = [name for name, system in systems.items() if is_embedded(system.settings)]
    for name in embedded:
        abandon(systems.pop(name))
    _is_used_up = _is_used_up or _is_used or bool(embedded)
    _is_used = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
