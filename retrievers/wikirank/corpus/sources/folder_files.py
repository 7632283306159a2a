"""The files of a folder: which of them are pages, in what markup, and what is passed over."""

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
# Markup that wikis of GitHub and GitLab take, and we do not read.
_UNREAD = {
    ".rst": "reStructuredText", ".rest": "reStructuredText", ".org": "Org", ".asciidoc": "AsciiDoc",
    ".adoc": "AsciiDoc", ".asc": "AsciiDoc", ".textile": "Textile", ".pod": "Pod",
    ".rdoc": "RDoc", ".creole": "Creole",
}  # fmt: skip
_FRAMES = ("_sidebar", "_footer", "_header", "_navbar", "_coverpage")
PassOver = Callable[[str, str], None]
"""Is told why a file is passed over, and its path in the folder."""


def page_files(folder: Path, pass_over: PassOver) -> list[Path]:
    """Find the pages of a folder, at any depth.

    Hidden files and folders are left out without a word. Symbolic links are not followed, as a
    cloned wiki's may lead anywhere; neither pipes, devices nor sockets are opened.

    Args:
        folder: The folder.
        pass_over: Told of each other file.

    Returns:
        The pages' paths, sorted.

    Raises:
        CorpusError: If the folder cannot be read.
    """
    files = []
    for file, name in _regular_files(folder, pass_over):
        suffix = file.suffix.lower()
        if suffix in _UNREAD:
            pass_over(f"in {_UNREAD[suffix]}, which is not read", name)
        elif suffix not in PAGES:
            pass_over("in a format that is not read", name)
        elif suffix not in TEXT and file.stem.lower() in _FRAMES:
            pass_over("in the frame of a wiki", name)
        else:
            files.append(file)
    return sorted(files, key=lambda path: path.relative_to(folder).parts)


def files_below(folder: Path) -> list[Path]:
    """The files of a folder at any depth, but for hidden ones and symbolic links; sorted."""
    return sorted(file for file, _ in _regular_files(folder, lambda _reason, _name: None))


def _regular_files(folder: Path, pass_over: PassOver) -> Iterator[tuple[Path, str]]:
    """Each file with its path in the folder; what is no file of the folder is passed over."""
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as err:
            if current == folder:
                raise cannot_read(folder, err) from err
            pass_over("in a folder that cannot be read", current.relative_to(folder).as_posix())
            continue
        for entry in entries:
            path = Path(entry.path)
            raw_name = path.relative_to(folder).as_posix()
            name = os.fsencode(raw_name).decode("utf-8", "replace")
            if entry.name.startswith("."):
                continue
            if name != raw_name:
                pass_over("with a name that is not UTF-8", name)
            elif entry.is_symlink():
                pass_over("behind symbolic links, which are not followed", name)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path, name
            else:
                pass_over("neither file nor folder", name)
