"""Articles from a folder of text and Markdown files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wikirank.corpus.sources.markdown import wiki_text
from wikirank.corpus.sources.path_source import PathSource, cannot_read, decode_utf8
from wikirank.types import Article

_SUFFIXES = (".txt", ".md")


class FolderSource(PathSource):
    """One article a `.txt` or `.md` file, at any depth; hidden files and folders are skipped.

    The title is the first `#` heading of a Markdown file, else the file's name without its
    suffix. Markdown headings outside fenced code become sections, and so do `== Heading ==` lines.
    The metadata holds `path`, relative to the folder.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the files in the order of their paths; CorpusError names the one that is wrong."""
        for path in self._files():
            yield self._article(path)

    def count(self) -> int | None:
        """Number of files."""
        return len(self._files())

    def _files(self) -> list[Path]:
        try:
            found = [path for path in self.path.rglob("*") if self._is_article(path)]
        except OSError as err:
            raise cannot_read(self.path, err) from err
        return sorted(found, key=lambda path: path.relative_to(self.path).parts)

    def _is_article(self, path: Path) -> bool:
        hidden = any(part.startswith(".") for part in path.relative_to(self.path).parts)
        return not hidden and path.suffix.lower() in _SUFFIXES and path.is_file()

    def _article(self, path: Path) -> Article:
        try:
            data = path.read_bytes()
        except OSError as err:
            raise cannot_read(path, err) from err
        title = ""
        text = decode_utf8(data, path=path).replace("\r\n", "\n").replace("\r", "\n")
        if path.suffix.lower() == ".md":
            title, text = wiki_text(text)
        metadata = {"path": path.relative_to(self.path).as_posix()}
        return Article(title or path.stem, text, metadata=metadata)
