"""Which pages a wiki has: all of them, those of a category tree, or those of some titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import Fields, entries, number, section, text
from wikirank.corpus.wikitext import WikitextPage, page_metadata
from wikirank.errors import CorpusError
from wikirank.passages.ids import stable_hash

TITLES_AT_ONCE = 50  # the API's limit for those without the right `apihighlimits`
# What is asked about each page.
_ABOUT = {
    "prop": "info|redirects",
    "inprop": "url",
    "rdprop": "title",
    "rdlimit": "max",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a wiki, without its text.

    Attributes:
        title: Its title with its namespace.
        url: Its address, and its key in an index.
        namespace: Number of its namespace.
        id: Its number; 0 if there is no such page.
        revision: Number of its newest revision; 0 if there is no such page.
        touched: When it last changed in any way, that of a template included.
        aliases: Titles of the pages that redirect to it, sorted.
        is_redirect: Whether it only points to another.
        model: Its content model, such as `wikitext`.
        length: Bytes of its source text.
    """

    title: str
    url: str
    namespace: int
    id: int = 0
    revision: int = 0
    touched: str = ""
    aliases: tuple[str, ...] = ()
    is_redirect: bool = False
    model: str = "wikitext"
    length: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is such a page."""
        return self.id > 0

    @property
    def aliases_digest(self) -> str:
        """Hash of the aliases; "-" for none."""
        return stable_hash(list(self.aliases)) if self.aliases else "-"

    def metadata(self, read: WikitextPage) -> dict[str, Any]:
        """The metadata of its article, the same as from a dump, given what the page says."""
        known = page_metadata(read, self.aliases)
        return {**known, "namespace": self.namespace, "page_id": self.id}


@dataclass(frozen=True, slots=True)
class FoundTitles:
    """What a wiki says about some titles.

    Attributes:
        pages: A page for each title, which may not exist.
        targets: Titles that redirects among them point to.
        invalid: Titles that no page can have, or of other wikis.
        circles: Those of the titles that are redirects which lead back to themselves.
    """

    pages: list[Page]
    targets: list[str]
    invalid: list[str]
    circles: list[str]


def all_pages(client: ApiClient, namespaces: Sequence[int]) -> Iterator[Page]:
    """All pages of some namespaces that are no redirects, in the order of their titles."""
    for namespace in namespaces:
        yield from _generated(
            client,
            generator="allpages",
            gapnamespace=str(namespace),
            gapfilterredir="nonredirects",
            gaplimit="max",
        )


def category_pages(
    client: ApiClient, category: str, *, depth: int, namespaces: Sequence[int]
) -> Iterator[Page]:
    """The pages of a category and of the categories in it, each once.

    Args:
        client: The wiki's client.
        category: Title of the category, with its namespace.
        depth: How many levels of categories within it to go down, 0 for none.
        namespaces: Numbers of the namespaces whose pages are taken.

    Yields:
        The pages; a category that is in itself does no harm.
    """
    level, met_categories, met_pages = [category], {category}, set[int]()
    for remaining in range(depth, -1, -1):
        below: list[str] = []
        for name in level:
            for page in _generated(
                client,
                generator="categorymembers",
                gcmtitle=name,
                gcmtype="page|file" if 6 in namespaces else "page",
                gcmnamespace="|".join(map(str, namespaces)),
                gcmlimit="max",
            ):
                if page.id not in met_pages and not page.is_redirect:
                    met_pages.add(page.id)
                    yield page
            if remaining:
                below += [sub for sub in _subcategories(client, name) if sub not in met_categories]
                met_categories.update(below)
        level = below


def _subcategories(client: ApiClient, category: str) -> Iterator[str]:
    options = {"cmtitle": category, "cmtype": "subcat", "cmprop": "title", "cmlimit": "max"}
    for answer in client.batches(list="categorymembers", **options):
        yield from (text(member, "title") for member in entries(answer, "query", "categorymembers"))


def find_titles(client: ApiClient, titles: Sequence[str], *, follow: bool = False) -> FoundTitles:
    """Look titles up.

    Args:
        client: The wiki's client.
        titles: At most 50.
        follow: Whether a redirect is to give the page that it leads to, instead of itself.

    Returns:
        What there is of them.
    """
    joined = {"titles": "|".join(titles), **({"redirects": "1"} if follow else {})}
    pages: dict[str, dict[str, Any]] = {}
    invalid: set[str] = set()
    spelled: dict[str, str] = {}
    followed: dict[str, str] = {}
    for answer in client.batches(**joined, **_ABOUT):
        query = section(answer, "query")
        _merge(pages, entries(query, "pages"))
        invalid.update(text(entry, "title") for entry in entries(query, "interwiki"))
        spelled.update(_from_to(query, "normalized"))
        followed.update(_from_to(query, "redirects"))
    invalid.update(page["title"] for page in pages.values() if "canonicalurl" not in page)
    pages_found = [_page(page) for page in pages.values() if page["title"] not in invalid]
    redirects = [page.title for page in pages_found if page.is_redirect]
    wanted = dict.fromkeys(spelled.get(title, title) for title in titles)
    circles = [title for title in wanted if _leads_back(title, followed)]
    return FoundTitles(pages_found, _targets(client, redirects), sorted(invalid), circles)


def using(client: ApiClient, title: str, namespaces: Sequence[int]) -> Iterator[str]:
    """Titles of the pages in some namespaces that a template or module is used on."""
    for answer in client.batches(
        list="embeddedin",
        eititle=title,
        einamespace="|".join(map(str, namespaces)),
        eifilterredir="nonredirects",
        eilimit="max",
    ):
        yield from (text(entry, "title") for entry in entries(answer, "query", "embeddedin"))


def _leads_back(title: str, followed: Mapping[str, str]) -> bool:
    met: set[str] = set()
    while title in followed and title not in met:
        met.add(title)
        title = followed[title]
    return title in met  # of a title that is no redirect, none was met


def _targets(client: ApiClient, redirects: Sequence[str]) -> list[str]:
    if not redirects:
        return []
    answer = client.call(action="query", titles="|".join(redirects), redirects="1")
    return [to for _, to in _from_to(section(answer, "query"), "redirects")]


def _from_to(query: Fields, name: str) -> list[tuple[str, str]]:
    return [(text(entry, "from"), text(entry, "to")) for entry in entries(query, name)]


def _generated(client: ApiClient, **parameters: str) -> Iterator[Page]:
    """The pages of a generator, each when all that was asked about it has come."""
    pages: dict[str, dict[str, Any]] = {}
    for answer in client.batches(**parameters, **_ABOUT):
        _merge(pages, entries(answer, "query", "pages"))
        if answer.get("batchcomplete"):
            yield from map(_page, pages.values())
            pages = {}


def _merge(pages: dict[str, dict[str, Any]], more: Iterable[Fields]) -> None:
    """Add what an answer says of pages to what earlier ones said."""
    for entry in more:
        page = pages.setdefault(text(entry, "title"), {})
        aliases = [*page.get("redirects", ()), *entries(entry, "redirects")]
        page.update(entry)
        page["redirects"] = aliases


def _page(entry: Fields) -> Page:
    title, url = text(entry, "title"), text(entry, "canonicalurl")
    if not url.startswith(("https://", "http://")):
        msg = f"{title} has the address {url!r}: expected http(s)."
        raise CorpusError(msg)
    return Page(
        title=title,
        url=url,
        namespace=number(entry, "ns"),
        id=number(entry, "pageid", 0),
        revision=number(entry, "lastrevid", 0),
        touched=str(entry.get("touched", "")),
        aliases=tuple(sorted(text(alias, "title") for alias in entries(entry, "redirects"))),
        is_redirect=bool(entry.get("redirect")),
        model=str(entry.get("contentmodel", "wikitext")),
        length=number(entry, "length", 0),
    )
