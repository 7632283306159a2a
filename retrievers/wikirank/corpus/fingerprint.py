"""Detect that a source's files are unchanged without reading them.

A file counts as unchanged if its size, mtime and ctime are the same; no program can set back the
ctime. Hashing gigabytes would take longer than reading a small wiki. The fingerprint also covers
how the files are read: the source's settings and the code of this package.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from wikirank._version import __version__
from wikirank.corpus.sources.path_source import PathSource
from wikirank.corpus.sources.sample import SampleSource
from wikirank.passages.ids import stable_hash

# A file may change twice within one tick of the clock; the second change would go unnoticed.
_TICK_NS = 2 * 10**9
_PLAIN = (str, int, float, bool, type(None))


def source_fingerprint(source: object) -> str | None:
    """Hash the state of a source's files and the way they are read.

    Args:
        source: A source that has not been iterated over. Its paths and settings are its
            attributes.

    Returns:
        32 hexadecimal digits. None for a source that is not read from files alone, has settings
        that are not plain values, or has a file that changed within the last two seconds.
    """
    if not isinstance(source, (PathSource, SampleSource)):
        return None
    settings: list[Any] = []
    files: list[list[Any]] = []
    try:
        for name, value in sorted(vars(source).items()):
            settings.append([name, _plain(value)])
            if isinstance(value, Path):
                files.extend(_stamps(value))
    except (TypeError, OSError):
        return None
    newest = max((time_ns for stamp in files for time_ns in stamp[2:]), default=0)
    if not files or newest > time.time_ns() - _TICK_NS:
        return None
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    return stable_hash([kind, settings, files, __version__, _code()])


def _plain(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value), key=repr)
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    msg = f"Expected a plain value, got {type(value).__name__}."
    raise TypeError(msg)


def _stamps(path: Path) -> Iterator[list[Any]]:
    """Yield the stamp of a file, or of each file in a folder except hidden ones."""
    if not path.is_dir():
        yield _stamp(path, path.name)
        return
    for file in sorted(path.rglob("*")):
        inner = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in inner.parts):
            yield _stamp(file, str(inner))


def _stamp(file: Path, name: str) -> list[Any]:
    """Return name, size, mtime and ctime."""
    status = file.stat()
    return [name, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


@cache
def _code() -> str:
    """Hash the code that reads articles and cuts them into passages."""
    digest = blake2b(digest_size=16)
    corpus = Path(__file__).parent
    for folder in (corpus, corpus.with_name("passages")):
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
