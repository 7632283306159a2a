"""Read articles from a folder of pages: notes, a vault, a cloned wiki or a site."""

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

_REDIRECT_FILES = (".gitlab/redirects.yml", ".gitlab/.redirects.yml")
_MAX_FAILURES_IN_A_ROW = 10
_TITLE = re.compile(r"<title[^<>]*>([^<]{1,1000})</title", re.IGNORECASE)
_CHARSET = re.compile(rb"charset=[\"' ]?([\w-]+)", re.IGNORECASE)


def former_titles(folder: Path) -> dict[str, list[str]]:
    """Read GitLab's list of renamed pages, with lines such as `old/path: new/path`.

    Args:
        folder: A clone of the wiki.

    Returns:
        Former titles by the page's path without suffix. A missing or unreadable list counts as
        empty, because the pages can be read without it.
    """
    titles: dict[str, list[str]] = {}
    for name in _REDIRECT_FILES:
        try:
            redirects = parse_yaml((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(redirects, Mapping):
            for old, new in redirects.items():
                title = str(old).rpartition("/")[2].replace("-", " ")
                titles.setdefault(str(new), []).append(title)
    return titles


class FolderSource(PathSource):
    """A folder of pages, one article each, at any depth.

    The pages are Markdown, text, HTML, or the markup of MediaWiki or DokuWiki. The title of a
    Markdown file is the one in its front matter, otherwise its first `#` heading, otherwise the
    file's name without suffix (in wikis of GitHub and GitLab, dashes in it become spaces). Its
    headings become sections, and its markup and tags are removed; see `MarkdownReader`. In text
    files, `== Heading ==` lines begin sections; text files may also be DokuWiki pages. The title
    of an HTML file is its `<title>`.

    The metadata holds the fields of the front matter and `path`, relative to the folder. The URL
    is that path, or the front matter's `url`. Files are read as UTF-8, otherwise as UTF-16 or
    cp1252. Hidden files are ignored. Symbolic links, files in other formats and files that are not
    text are skipped, counted and named.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the files in the order of their paths; CorpusError if none can be read."""
        self._begin_reading()
        files = page_files(self.path, self._skip)
        reader = _PageReader(self.path, files)
        failures, articles = 0, 0
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as err:
                failures += 1
                if failures == _MAX_FAILURES_IN_A_ROW or (not articles and failures == len(files)):
                    raise cannot_read(file, err) from err
                self._skip("not readable", file.relative_to(self.path).as_posix())
                continue
            failures = 0
            text = _decode_page(data, file)
            if text is None:
                self._skip("not text", file.relative_to(self.path).as_posix())
                continue
            articles += 1
            article, faults = reader.article(file, text)
            self._skipped.update(faults)
            yield article

    def count(self) -> int | None:
        """Return the number of pages."""
        return len(page_files(self.path, lambda _reason, _name: None))


class _PageReader:
    """Converts the files of a folder to articles."""

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
        """Convert a file to an article; also return the parts that could not be read properly."""
        suffix = file.suffix.lower()
        relative = file.relative_to(self._folder).as_posix()
        metadata: dict[str, Any] = {}
        title, url = self._title_of(file), quote(relative)
        faults: tuple[str, ...] = ()
        if suffix in MARKDOWN:
            page = self._markdown.read(text)
            title, body, faults = page.title or title, page.text, page.faults
            metadata = {**page.metadata}
            if str(metadata.get("url", "")).startswith(("http://", "https://")):
                url = str(metadata.pop("url"))
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
        return Article(title, body, url, metadata=metadata), faults

    def _title_of(self, file: Path) -> str:
        """Derive a title from the file's name."""
        name = file.stem
        if self._is_git_wiki and file.suffix.lower() not in TEXT:
            # GitHub writes dashes of the title itself as U+2010.
            return name.replace("-", " ").replace("\u2010", "-")
        return unquote(name.replace("___", "/")) if self._is_logseq else name


def _decode_page(data: bytes, file: Path) -> str | None:
    """Return the text of a file with line feeds as line ends; None if it is not text."""
    text = decode_any(data)
    if file.suffix.lower() in HTML and text is not None and (match := _CHARSET.search(data[:2048])):
        with suppress(UnicodeDecodeError, LookupError):
            text = data.decode(match[1].decode())
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
    """Whether a folder is a clone of a GitHub or GitLab wiki."""
    if folder.name.endswith(".wiki"):
        return True
    if (folder / ".obsidian").is_dir() or any(" " in file.name for file in files):
        return False
    return any(file.parent == folder and file.stem.lower() == "home" for file in files)


def _folded(name: str) -> str:
    """Normalize a page's name so that all spellings in links compare equal."""
    name = name.partition("#")[0].strip().rpartition("/")[2].removesuffix(".md")
    return name.replace(" ", "-").replace("\u2010", "-").casefold()
