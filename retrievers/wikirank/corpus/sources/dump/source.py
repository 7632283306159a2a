"""Read articles from a MediaWiki XML export, such as Wikimedia's dumps."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from wikirank.corpus.sources.dump.aliases import Aliases
from wikirank.corpus.sources.dump.parser import DumpPage, DumpParser, SiteInfo
from wikirank.corpus.sources.dump.streams import check_packages
from wikirank.corpus.sources.page_url import page_url, url_prefix
from wikirank.corpus.sources.parallel import parsed_articles
from wikirank.corpus.sources.path_source import PathSource
from wikirank.corpus.wikitext import (
    NamespaceNames,
    page_metadata,
    read_wikitext,
    redirect_target,
)
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.types import Article

_MAX_TEXT = 2**23  # characters; MediaWiki itself allows pages of up to 2 MiB
_REDIRECT = "redirect"
_REDIRECT_TEXT = 1000  # characters that contain a redirect's target


@dataclass(frozen=True, slots=True)
class _RawPage:
    """A page before parsing, with the titles that redirect to it."""

    page: DumpPage
    aliases: list[str]
    site: SiteInfo

    @property
    def text(self) -> str:
        """The wikitext."""
        return self.page.text


@dataclass(frozen=True, slots=True)
class _Survey:
    """Result of the first pass over a dump; `stamp` is the file's size and mtime."""

    stamp: tuple[int, int]
    articles: int
    aliases: Aliases


class DumpSource(PathSource):
    """One article a page: `.xml`, `.xml.bz2` (multistream or not), `.xml.gz`, `.xml.zst`.

    The file is read twice, in constant memory: redirects are scattered over a dump, but are needed
    as aliases when their target is read. In between, they are kept in a temporary file. An
    article's metadata holds `kind` (`article`, `disambiguation` or `list`), `namespace`, `page_id`,
    and `categories` and `aliases` if there are any. Its text is that of the page's last revision in
    the file.

    One process reads the file. The articles of a large dump are parsed by other processes: one per
    usable core or as `WIKIRANK_THREADS` says, at most 8. They end with the iteration; if you stop
    it early, close the generator to end them.
    """

    def __init__(
        self, path: str | Path, *, name: str | None = None, namespaces: Iterable[int] = (0,)
    ) -> None:
        """Open the source; its contents are read when it is iterated over.

        Args:
            path: The file.
            name: Name of the source in the index; by default the name of the file.
            namespaces: Numbers of the namespaces to read; 0 is the main one.

        Raises:
            CorpusError: If there is nothing at `path`.
            InvalidArgumentError: If `name` is empty or there are no namespaces.
            MissingExtraError: If the file is a `.zst` and zstandard is not installed.
        """
        super().__init__(path, name=name)
        check_packages(self.path)
        self.namespaces = frozenset(namespaces)
        if not self.namespaces:
            msg = "Expected at least one namespace, got none. The main one is 0."
            raise InvalidArgumentError(msg)
        self._survey: _Survey | None = None

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the dump's order; CorpusError names the place of a fault."""
        return parsed_articles(self)

    def read_raw(self) -> Generator[_RawPage, None, None]:
        """Read the pages that are articles, without parsing their wikitext."""
        aliases = self._surveyed().aliases
        self._skipped.clear()
        parser = DumpParser(self.path, max_text=_MAX_TEXT)
        for page in parser:
            reason = self.reason_to_skip(page, parser.site)
            if reason:
                self._skipped[reason] += 1
            else:
                yield _RawPage(page, aliases.of(page.title), parser.site)

    def parse(self, raw: _RawPage) -> Article:
        """Parse the wikitext of a page, which is most of the work on a dump."""
        page, site = raw.page, raw.site
        names, prefix = _conventions(site.base, tuple(site.namespaces.items()))
        parsed = read_wikitext(page.text, title=page.title, names=names)
        metadata = page_metadata(parsed, raw.aliases)
        metadata["namespace"] = namespace_of(page, site)
        if page.id.isdecimal():
            metadata["page_id"] = int(page.id)
        url = page_url(prefix, page.title)
        return Article(page.title, parsed.text, url, page.revision, metadata)

    def count(self) -> int | None:
        """Return the number of articles, which takes one pass; None if none could be read."""
        return self._surveyed().articles or None

    def _surveyed(self) -> _Survey:
        """Read the dump for its redirects; the result is reused while the file is the same."""
        status = self.path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if self._survey is None or self._survey.stamp != stamp:
            reader = _SurveyReader(self)
            aliases = Aliases()
            aliases.fill(reader.redirects())
            self._survey = _Survey(stamp, reader.articles, aliases)
        return self._survey

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the survey: its temporary file cannot be pickled."""
        return self.__dict__ | {"_survey": None}

    def reason_to_skip(self, page: DumpPage, site: SiteInfo) -> str:
        """Return why a page is not an article, in a few words; empty if it is one."""
        if namespace_of(page, site) not in self.namespaces:
            return "in another namespace"
        if page.redirect or redirect_target(page.text[:_REDIRECT_TEXT]):
            return _REDIRECT
        if page.model not in ("", "wikitext"):
            return "not wikitext"
        if page.deleted:
            return "text deleted"
        if page.length > _MAX_TEXT:
            return f"over {_MAX_TEXT // 2**20} Mi characters"
        return "" if page.title else "without a title"


class _SurveyReader:
    """The first pass over a dump."""

    def __init__(self, source: DumpSource) -> None:
        self._source = source
        self.articles = 0

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield each redirect's title and target; count the articles in `articles`."""
        parser = DumpParser(self._source.path, max_text=_REDIRECT_TEXT)
        try:
            for page in parser:
                reason = self._source.reason_to_skip(page, parser.site)
                if reason == _REDIRECT:
                    yield page.title, page.redirect or redirect_target(page.text)
                self.articles += not reason
        except CorpusError:
            return  # the second pass raises it, after the articles before the fault


@lru_cache(maxsize=8)
def _conventions(base: str, namespaces: tuple[tuple[int, str], ...]) -> tuple[NamespaceNames, str]:
    """Return the names of a wiki's namespaces, and the prefix of its URLs."""
    return NamespaceNames.of({key: [name] for key, name in namespaces}), url_prefix(base)


def namespace_of(page: DumpPage, site: SiteInfo) -> int:
    """Return the number of a page's namespace; from its title in exports of old versions."""
    if page.namespace is not None:
        return page.namespace
    prefix, colon, _ = page.title.partition(":")
    numbers = {name: key for key, name in site.namespaces.items() if name}
    return numbers.get(prefix.strip(), 0) if colon else 0
