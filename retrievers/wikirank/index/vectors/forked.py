"""Load Chroma again in a forked child, where it would hang.

Chroma's extension module creates one thread pool per process, and adds vectors to its graph there.
A forked child has the memory of that pool but not its threads, so adding a vector waits forever,
even in a newly opened store. A copy of the module in another file has its own globals, and so its
own pool with running threads.
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
# Whether this process used Chroma's module, and whether its parent had used it before the fork.
_is_used = False
_was_used_by_parent = False


def ensure_usable() -> None:
    """Make Chroma's embedded store usable in this process, even if it was forked.

    Raises:
        IndexStorageError: If Chroma's module cannot be loaded again.
    """
    global _is_used, _was_used_by_parent
    with _lock:
        if _was_used_by_parent:
            _reload_module()
            _was_used_by_parent = False
        _is_used = True


def is_embedded(settings: Settings) -> bool:
    """Whether a client with these settings has Chroma's store in its own process."""
    return not settings.chroma_api_impl.endswith("FastAPI")


def _reload_module() -> None:
    """Replace Chroma's module, which the parent used, with a copy."""
    package = chromadb_rust_bindings
    original = package.chromadb_rust_bindings
    faults: list[str] = []
    for make_copy in _COPIES:
        try:
            with make_copy(Path(original.__file__)) as copy:
                module = _load_module(copy, original.__name__)
        except (OSError, ImportError) as err:
            faults.append(str(err))
            continue
        for name in vars(package).keys() & vars(module).keys():
            if not name.startswith("__"):
                setattr(package, name, getattr(module, name))
        return
    msg = (
        "Expected a process in which Chroma can work, got one forked from a process that had used "
        f"Chroma, where it cannot be loaded again ({'; '.join(faults)}). Start processes by spawn "
        "or forkserver, or open the first index after the fork."
    )
    raise IndexStorageError(msg)


def _load_module(path: Path, name: str) -> ModuleType:
    loader = ExtensionFileLoader(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        msg = f"{path} is not a module"
        raise ImportError(msg)
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@contextmanager
def _in_memory(original: Path) -> Iterator[Path]:
    """Copy to memory: needs no disk space, and works if the disk is mounted noexec."""
    if not hasattr(os, "memfd_create"):
        msg = "this system has no files in memory"
        raise OSError(msg)
    with os.fdopen(os.memfd_create(original.name), "wb") as copy, original.open("rb") as source:
        shutil.copyfileobj(source, copy, 2**20)
        copy.flush()
        yield Path(f"/proc/self/fd/{copy.fileno()}")


@contextmanager
def _on_disk(original: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wikirank-", ignore_cleanup_errors=True) as folder:
        yield Path(shutil.copy(original, folder))


_COPIES: tuple[Callable[[Path], AbstractContextManager[Path]], ...] = (_in_memory, _on_disk)


def _after_fork() -> None:
    """Leave Chroma's open systems to the parent, without closing them."""
    global _is_used, _was_used_by_parent
    SharedSystemClient._refcount_lock = threading.Lock()
    systems = SharedSystemClient._identifier_to_system
    embedded = [name for name, system in systems.items() if is_embedded(system.settings)]
    for name in embedded:
        abandon(systems.pop(name))
    _was_used_by_parent = _was_used_by_parent or _is_used or bool(embedded)
    _is_used = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
