"""Find the pages in a folder, by markup, and report the files that are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from wikirank.corpus.sources.path_source import cannot_read

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mkdn")
WIKITEXT = (".mediawiki", ".wiki", ".wikitext")
HTML = (".html", ".htm", ".xhtml")
TEXT = (".txt",)
PAGES = (*TEXT, *MARKDOWN, *WIKITEXT, *HTML)
# Markup supported by GitHub and GitLab wikis, but not by us.
_UNSUPPORTED = {
    ".rst": "reStructuredText", ".rest": "reStructuredText", ".org": "Org", ".asciidoc": "AsciiDoc",
    ".adoc": "AsciiDoc", ".asc": "AsciiDoc", ".textile": "Textile", ".pod": "Pod",
    ".rdoc": "RDoc", ".creole": "Creole",
}  # fmt: skip
_NAVIGATION = ("_sidebar", "_footer", "_header", "_navbar", "_coverpage")
SkipCallback = Callable[[str, str], None]
"""Called with the reason for skipping a file, and its path in the folder."""


def page_files(folder: Path, skip: SkipCallback) -> list[Path]:
    """Find the pages of a folder, at any depth.

    Hidden files and folders are ignored. Symbolic links are not followed, because those of a
    cloned wiki may lead anywhere. Pipes, devices and sockets are not opened.

    Args:
        folder: The folder.
        skip: Called for each file that is skipped.

    Returns:
        The pages' paths, sorted.

    Raises:
        CorpusError: If the folder cannot be read.
    """
    files = []
    for file, name in _walk(folder, skip):
        suffix = file.suffix.lower()
        if suffix in _UNSUPPORTED:
            skip(f"in {_UNSUPPORTED[suffix]}, which is not read", name)
        elif suffix not in PAGES:
            skip("in a format that is not read", name)
        elif suffix not in TEXT and file.stem.lower() in _NAVIGATION:
            skip("in the frame of a wiki", name)
        else:
            files.append(file)
    return sorted(files, key=lambda path: path.relative_to(folder).parts)


def regular_files(folder: Path) -> list[Path]:
    """Return the files of a folder at any depth, sorted, without hidden ones and symbolic links."""
    return sorted(file for file, _ in _walk(folder, lambda _reason, _name: None))


def _walk(folder: Path, skip: SkipCallback) -> Iterator[tuple[Path, str]]:
    """Yield each regular file with its path in the folder; call `skip` for everything else."""
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as err:
            if current == folder:
                raise cannot_read(folder, err) from err
            skip("in a folder that cannot be read", current.relative_to(folder).as_posix())
            continue
        for entry in entries:
            path = Path(entry.path)
            raw_name = path.relative_to(folder).as_posix()
            name = os.fsencode(raw_name).decode("utf-8", "replace")
            if entry.name.startswith("."):
                continue
            if name != raw_name:
                skip("with a name that is not UTF-8", name)
            elif entry.is_symlink():
                skip("behind symbolic links, which are not followed", name)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path, name
            else:
                skip("neither file nor folder", name)
