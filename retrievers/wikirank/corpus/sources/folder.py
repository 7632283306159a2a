"""Articles from a folder of pages: notes, a vault, a cloned wiki, a site."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from wikirank.corpus.dokuwiki import dokuwiki_text, is_dokuwiki
from wikirank.corpus.html import html_text
from wikirank.corpus.markdown import MarkdownReader
from wikirank.corpus.markdown.front_matter import parse_yaml
from wikirank.corpus.sources.folder_files import HTML, MARKDOWN, TEXT, WIKITEXT, page_files
from wikirank.corpus.sources.path_source import PathSource, cannot_read, decode_any
from wikirank.corpus.wikitext import read_wikitext
from wikirank.errors import CorpusError
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


_FAILURES_IN_A_ROW = 10
_TITLE = re.compile(r"<title[^<>]*>([^<]{1,1000})</title", re.IGNORECASE)
_CHARSET = re.compile(rb"charset=[\"' ]?([\w-]+)", re.IGNORECASE)


class FolderSource(PathSource):
    """One article a page, at any depth: Markdown, text, HTML, and MediaWiki's or DokuWiki's markup.

    A Markdown file's title is that of its front matter, else its first `#` heading, else the
    file's name without its suffix, in which a wiki of GitHub or GitLab has dashes for spaces. Its
    headings become sections, its marks and tags go; see `MarkdownReader`. In text files
    `== Heading ==` lines begin sections, unless they are pages of DokuWiki. HTML has the title of
    its `<title>`. The metadata holds the fields of the front matter and `path`, relative to the
    folder; the address is that path, or the front matter's `url`. Files are UTF-8, else UTF-16 or
    cp1252. Hidden files are left out; symbolic links, other formats and what is no text are
    passed over, counted and named.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the files in the order of their paths; CorpusError if none can be read."""
        self._begin_reading()
        files = page_files(self.path, self._pass_over)
        reader = _PageReader(self.path, files)
        failures, articles = 0, 0
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as err:
                failures += 1
                if failures == _FAILURES_IN_A_ROW or (not articles and failures == len(files)):
                    raise cannot_read(file, err) from err
                self._pass_over("not readable", file.relative_to(self.path).as_posix())
                continue
            failures = 0
            text = _decoded_page(data, file)
            if text is None:
                self._pass_over("not text", file.relative_to(self.path).as_posix())
                continue
            articles += 1
            article, faults = reader.article(file, text)
            self._skipped.update(faults)
            yield article

    def count(self) -> int | None:
        """Number of files."""
        return len(page_files(self.path, lambda _reason, _name: None))


class _PageReader:
    """Makes articles of the pages of a folder.

    Args:
        folder: The folder.
        files: Its pages.
    """

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self._folder = folder
        self._is_git_wiki = _is_git_wiki(folder, files)
        self._is_logseq = (folder / "logseq").is_dir()
        pages = {_folded(file.stem) for file in files if file.suffix.lower() in MARKDOWN}
        self._markdown = MarkdownReader(
            is_page=lambda name: _folded(name) in pages, has_comments=not self._is_git_wiki
        )
        self._former = former_titles(folder) if self._is_git_wiki else {}

    def article(self, file: Path, text: str) -> tuple[Article, tuple[str, ...]]:
        """The article of a file, and what could not be read as it was meant, each as a reason."""
        suffix = file.suffix.lower()
        relative = file.relative_to(self._folder).as_posix()
        metadata: dict[str, Any] = {}
        title, address = self._named(file), quote(relative)
        faults: tuple[str, ...] = ()
        if suffix in MARKDOWN:
            page = self._markdown.read(text)
            title, body, faults = page.title or title, page.text, page.faults
            metadata = {**page.metadata}
            if str(metadata.get("url", "")).startswith(("http://", "https://")):
                address = str(metadata.pop("url"))
        elif suffix in WIKITEXT:
            wikitext = read_wikitext(text, title=title)
            body = wikitext.text
            metadata = {"categories": list(wikitext.categories)} if wikitext.categories else {}
        elif suffix in HTML:
            title = _html_title(text) or title
            body, faults = _html_body(text, title)
        else:
            body = dokuwiki_text(text) if is_dokuwiki(text) else text
        metadata["path"] = relative
        former = self._former.get(relative.removesuffix(file.suffix))
        if former:
            metadata["aliases"] = list(dict.fromkeys([*metadata.get("aliases", []), *former]))
        return Article(title, body, address, metadata=metadata), faults

    def _named(self, file: Path) -> str:
        """The title that a file's name gives."""
        name = file.stem
        if self._is_git_wiki and file.suffix.lower() not in TEXT:
            # GitHub writes a dash that is part of a title as U+2010.
            return name.replace("-", " ").replace("\u2010", "-")
        return unquote(name.replace("___", "/")) if self._is_logseq else name


def _decoded_page(data: bytes, file: Path) -> str | None:
    """The text of a file, its lines ended by line feeds; None if it is no text."""
    text = decode_any(data)
    if file.suffix.lower() in HTML and text is not None and (named := _CHARSET.search(data[:2048])):
        with suppress(UnicodeDecodeError, LookupError):
            text = data.decode(named[1].decode())
    return text and text.replace("\r\n", "\n").replace("\r", "\n")


def _html_title(page: str) -> str:
    match = _TITLE.search(page)
    return " ".join(unescape(match[1]).split()) if match else ""


def _html_body(page: str, title: str) -> tuple[str, tuple[str, ...]]:
    try:
        return html_text(page, title=title), ()
    except CorpusError:
        return "", ("nested too deeply to be read",)


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
