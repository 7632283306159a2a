"""Articles from a folder of text and Markdown files: notes, a vault, a cloned wiki."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wikirank.corpus.markdown import MarkdownReader
from wikirank.corpus.markdown.front_matter import parse_yaml
from wikirank.corpus.sources.path_source import PathSource, cannot_read, decode_utf8
from wikirank.types import Article

_FILES = (".gitlab/redirects.yml", ".gitlab/.redirects.yml")


def former_titles(folder: Path) -> dict[str, list[str]]:
    """Read what GitLab keeps of renamed pages: `old/path: new/path`, a line each.

    Args:
        folder: A clone of the wiki.

    Returns:
        Former titles by path of the page without its suffix; empty where there is no such file, or
        it cannot be read: the wiki's pages do not depend on it.
    """
    titles: dict[str, list[str]] = {}
    for name in _FILES:
        try:
            moved = parse_yaml((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(moved, Mapping):
            for old, new in moved.items():
                title = str(old).rpartition("/")[2].replace("-", " ")
                titles.setdefault(str(new), []).append(title)
    return titles


_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
_SUFFIXES = (".txt", *_MARKDOWN)
_FRAMES = ("_sidebar", "_footer", "_header", "_navbar", "_coverpage")


class FolderSource(PathSource):
    """One article a `.txt` or Markdown file, at any depth; hidden files and folders are skipped.

    A Markdown file's title is that of its front matter, else its first `#` heading, else the
    file's name without its suffix, in which a wiki of GitHub or GitLab has dashes for spaces. Its
    headings become sections, its marks and tags go; see `MarkdownReader`. In text files
    `== Heading ==` lines begin sections. The metadata holds the fields of the front matter and
    `path`, relative to the folder; the address is that path, or the front matter's `url`.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the files in the order of their paths; CorpusError names the one that is wrong."""
        self._skipped.clear()
        files = self._files(self._skipped)
        wiki = _is_git_wiki(self.path, files)
        pages = {_folded(file.stem) for file in files if file.suffix.lower() in _MARKDOWN}
        reader = MarkdownReader(is_page=lambda name: _folded(name) in pages, has_comments=not wiki)
        renamed = former_titles(self.path) if wiki else {}
        for file in files:
            yield self._article(file, reader, renamed if wiki else None)

    def count(self) -> int | None:
        """Number of files."""
        return len(self._files(Counter()))

    def _files(self, skipped: Counter[str]) -> list[Path]:
        try:
            found = [path for path in self.path.rglob("*") if self._is_article(path, skipped)]
        except OSError as err:
            raise cannot_read(self.path, err) from err
        return sorted(found, key=lambda path: path.relative_to(self.path).parts)

    def _is_article(self, path: Path, skipped: Counter[str]) -> bool:
        if any(part.startswith(".") for part in path.relative_to(self.path).parts):
            return False
        if not path.is_file():
            return False
        if path.suffix.lower() not in _SUFFIXES:
            skipped["file that is neither .txt nor Markdown"] += 1
            return False
        if path.suffix.lower() in _MARKDOWN and path.stem.lower() in _FRAMES:
            skipped["sidebar, header or footer of a wiki"] += 1
            return False
        return True

    def _article(
        self, path: Path, reader: MarkdownReader, renamed: Mapping[str, list[str]] | None
    ) -> Article:
        """The article of a file; `renamed`, former titles by path, is None outside a wiki."""
        try:
            data = path.read_bytes()
        except OSError as err:
            raise cannot_read(path, err) from err
        text = decode_utf8(data, path=path).replace("\r\n", "\n").replace("\r", "\n")
        relative = path.relative_to(self.path).as_posix()
        address = quote(relative)
        if path.suffix.lower() not in _MARKDOWN:
            return Article(path.stem, text, address, metadata={"path": relative})
        page = reader.read(text)
        self._skipped.update(page.faults)
        metadata: dict[str, Any] = {**page.metadata, "path": relative}
        former = (renamed or {}).get(relative.removesuffix(path.suffix))
        if former:
            metadata["aliases"] = list(dict.fromkeys([*metadata.get("aliases", []), *former]))
        if str(metadata.get("url", "")).startswith(("http://", "https://")):
            address = str(metadata.pop("url"))
        named = path.stem
        if renamed is not None:  # GitHub writes a dash that is part of a title as U+2010
            named = named.replace("-", " ").replace("\u2010", "-")
        return Article(page.title or named, page.text, address, metadata=metadata)


def _is_git_wiki(folder: Path, files: list[Path]) -> bool:
    """Tell whether a folder is a clone of a wiki of GitHub or GitLab."""
    if folder.name.endswith(".wiki"):
        return True
    if (folder / ".obsidian").is_dir() or any(" " in file.name for file in files):
        return False
    return any(file.parent == folder and file.stem.lower() == "home" for file in files)


def _folded(name: str) -> str:
    """A page's name as links may write it: without folder and suffix, dashes for spaces."""
    name = name.partition("#")[0].strip().rpartition("/")[2].removesuffix(".md")
    return name.replace(" ", "-").replace("\u2010", "-").casefold()
