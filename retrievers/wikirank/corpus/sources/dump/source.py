"""Articles from a MediaWiki XML export, such as Wikimedia's dumps."""

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

_LONGEST_TEXT = 2**23  # characters; MediaWiki itself takes pages of up to 2 MiB
_REDIRECT = "redirect"
_REDIRECT_TEXT = 1000  # characters in which a redirect's target stands


@dataclass(frozen=True, slots=True)
class _RawPage:
    """What an article is made of.

    Attributes:
        page: The page.
        aliases: The titles that redirect to it.
        site: What the dump says of its wiki.
    """

    page: DumpPage
    aliases: list[str]
    site: SiteInfo

    @property
    def text(self) -> str:
        """The wikitext."""
        return self.page.text


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the first reading of a dump found."""

    stamp: tuple[int, int]
    articles: int
    aliases: Aliases


class DumpSource(PathSource):
    """One article a page: `.xml`, `.xml.bz2` (multistream or not), `.xml.gz`, `.xml.zst`.

    The file is read twice, each time in flat memory: redirects stand anywhere in a dump, and are
    wanted as aliases of the page they lead to before that page is given. They are kept in a
    temporary file in between. An article's metadata holds `kind` (`article`, `disambiguation` or
    `list`), `namespace`, `page_id`, and where there are any `categories` and `aliases`. Its text is
    that of the page's last revision in the file.

    One process reads the file. Of a large dump others make the articles, in the file's order: as
    many as there are usable cores or `WIKIRANK_THREADS` says, 8 at most. A generator that is left
    before its end should be closed, which ends them.
    """

    def __init__(
        self, path: str | Path, *, name: str | None = None, namespaces: Iterable[int] = (0,)
    ) -> None:
        """Name the source; its contents are read when it is iterated over.

        Args:
            path: The file.
            name: What the index is to call it; by default the file's name.
            namespaces: Numbers of the namespaces whose pages are articles; 0 is the main one.

        Raises:
            CorpusError: If there is nothing at `path`.
            InvalidArgumentError: If `name` is empty or there are no namespaces.
            MissingExtraError: If the file is a `.zst` and zstandard is not installed.
        """
        super().__init__(path, name=name)
        check_packages(self.path)
        self.namespaces = frozenset(namespaces)
        if not self.namespaces:
            msg = "namespaces must name one namespace at least, got none: 0 is the main one"
            raise InvalidArgumentError(msg)
        self._survey: _Survey | None = None

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the dump's order; CorpusError names what is wrong, and where."""
        return parsed_articles(self)

    def read_raw(self) -> Generator[_RawPage, None, None]:
        """Read the pages that are articles, with their wikitext as it stands in the dump."""
        aliases = self._surveyed().aliases
        self._skipped.clear()
        parser = DumpParser(self.path, longest_text=_LONGEST_TEXT)
        for page in parser:
            reason = self.reason_to_skip(page, parser.site)
            if reason:
                self._skipped[reason] += 1
            else:
                yield _RawPage(page, aliases.of(page.title), parser.site)

    def parse(self, raw: _RawPage) -> Article:
        """The article that a page makes; most of the work on a dump."""
        page, site = raw.page, raw.site
        names, prefix = _conventions(site.base, tuple(site.namespaces.items()))
        read = read_wikitext(page.text, title=page.title, names=names)
        metadata = page_metadata(read, raw.aliases)
        metadata["namespace"] = namespace_of(page, site)
        if page.id.isdecimal():
            metadata["page_id"] = int(page.id)
        return Article(page.title, read.text, page_url(prefix, page.title), page.revision, metadata)

    def count(self) -> int | None:
        """Number of articles, from the first of the two readings; None if none could be read."""
        return self._surveyed().articles or None

    def _surveyed(self) -> _Survey:
        """Read the dump for its redirects, unless that is done and the file is the same."""
        status = self.path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if self._survey is None or self._survey.stamp != stamp:
            survey = _SurveyReading(self)
            aliases = Aliases()
            aliases.fill(survey.redirects())
            self._survey = _Survey(stamp, survey.articles, aliases)
        return self._survey

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs; the temporary file stays here."""
        return self.__dict__ | {"_survey": None}

    def reason_to_skip(self, page: DumpPage, site: SiteInfo) -> str:
        """Why a page is no article.

        Args:
            page: The page.
            site: What the dump says of its wiki.

        Returns:
            The reason, in a few words; empty if it is an article.
        """
        if namespace_of(page, site) not in self.namespaces:
            return "in another namespace"
        if page.redirect or redirect_target(page.text[:_REDIRECT_TEXT]):
            return _REDIRECT
        if page.model not in ("", "wikitext"):
            return "not wikitext"
        if page.deleted:
            return "text deleted"
        if page.length > _LONGEST_TEXT:
            return f"over {_LONGEST_TEXT // 2**20} Mi characters"
        return "" if page.title else "without a title"


class _SurveyReading:
    """The first reading."""

    def __init__(self, source: DumpSource) -> None:
        self._source = source
        self.articles = 0

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Each redirect's title and target; counts the articles on the way."""
        parser = DumpParser(self._source.path, longest_text=_REDIRECT_TEXT)
        try:
            for page in parser:
                reason = self._source.reason_to_skip(page, parser.site)
                if reason == _REDIRECT:
                    yield page.title, page.redirect or redirect_target(page.text)
                self.articles += not reason
        except CorpusError:
            return  # the second reading meets it too, and has given the articles before it


@lru_cache(maxsize=8)
def _conventions(base: str, namespaces: tuple[tuple[int, str], ...]) -> tuple[NamespaceNames, str]:
    """The names of a wiki's namespaces, and what its addresses begin with."""
    return NamespaceNames.of({key: [name] for key, name in namespaces}), url_prefix(base)


def namespace_of(page: DumpPage, site: SiteInfo) -> int:
    """The number of a page's namespace; by its title's prefix in exports of old versions."""
    if page.namespace is not None:
        return page.namespace
    prefix, colon, _ = page.title.partition(":")
    known = {name: key for key, name in site.namespaces.items() if name}
    return known.get(prefix.strip(), 0) if colon else 0
