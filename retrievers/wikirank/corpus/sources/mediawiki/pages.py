"""List the pages of a wiki: all, those of a category tree, or those with some titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import Fields, entries, number, section, text
from wikirank.corpus.wikitext import WikitextPage, page_metadata
from wikirank.errors import CorpusError
from wikirank.passages.ids import stable_hash

TITLES_AT_ONCE = 50  # the API's limit for users without the right `apihighlimits`
_PAGE_PROPERTIES = {
    "prop": "info|redirects",
    "inprop": "url",
    "rdprop": "title",
    "rdlimit": "max",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a wiki, without its text.

    Attributes:
        title: Title with the namespace.
        url: URL, which is also its key in an index.
        namespace: Number of the namespace.
        id: Id of the page; 0 if it does not exist.
        revision: Id of the newest revision; 0 if it does not exist.
        touched: Time of the last change, including changes of its templates.
        aliases: Titles of the pages that redirect to it, sorted.
        is_redirect: Whether it redirects to another page.
        model: Content model, such as `wikitext`.
        length: Length of its wikitext in bytes.
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
        """Whether the wiki has this page."""
        return self.id > 0

    @property
    def aliases_digest(self) -> str:
        """Hash of the aliases; "-" for none."""
        return stable_hash(list(self.aliases)) if self.aliases else "-"

    def metadata(self, read: WikitextPage) -> dict[str, Any]:
        """Return the metadata of the article, equal to that from a dump."""
        metadata = page_metadata(read, self.aliases)
        return {**metadata, "namespace": self.namespace, "page_id": self.id}


@dataclass(frozen=True, slots=True)
class FoundTitles:
    """Result of looking up titles.

    Attributes:
        pages: A page for each title; it may not exist.
        targets: Titles that redirects among the pages lead to.
        invalid: Titles that no page can have, and titles of other wikis.
        circles: Titles of redirects that lead back to themselves.
    """

    pages: list[Page]
    targets: list[str]
    invalid: list[str]
    circles: list[str]


def all_pages(client: ApiClient, namespaces: Sequence[int]) -> Iterator[Page]:
    """Yield all pages of some namespaces by title, except redirects."""
    for namespace in namespaces:
        yield from _generate(
            client,
            generator="allpages",
            gapnamespace=str(namespace),
            gapfilterredir="nonredirects",
            gaplimit="max",
        )


def category_pages(
    client: ApiClient, category: str, *, depth: int, namespaces: Sequence[int]
) -> Iterator[Page]:
    """Yield the pages of a category and its sub-categories, each once.

    Args:
        client: Client of the wiki.
        category: Title of the category, with its namespace.
        depth: Levels of sub-categories to read; 0 for none.
        namespaces: Numbers of the namespaces to read.

    Yields:
        The pages; categories may contain each other.
    """
    level, seen_categories, seen_pages = [category], {category}, set[int]()
    for levels_left in range(depth, -1, -1):
        next_level: list[str] = []
        for name in level:
            for page in _generate(
                client,
                generator="categorymembers",
                gcmtitle=name,
                gcmtype="page|file" if 6 in namespaces else "page",
                gcmnamespace="|".join(map(str, namespaces)),
                gcmlimit="max",
            ):
                if page.id not in seen_pages and not page.is_redirect:
                    seen_pages.add(page.id)
                    yield page
            if levels_left:
                subcategories = _subcategories(client, name)
                next_level += [title for title in subcategories if title not in seen_categories]
                seen_categories.update(next_level)
        level = next_level


def _subcategories(client: ApiClient, category: str) -> Iterator[str]:
    options = {"cmtitle": category, "cmtype": "subcat", "cmprop": "title", "cmlimit": "max"}
    for answer in client.batches(list="categorymembers", **options):
        yield from (text(member, "title") for member in entries(answer, "query", "categorymembers"))


def find_titles(client: ApiClient, titles: Sequence[str], *, follow: bool = False) -> FoundTitles:
    """Look up titles.

    Args:
        client: Client of the wiki.
        titles: At most 50 titles.
        follow: Return the target of a redirect instead of the redirect.

    Returns:
        The pages, and what is wrong with titles.
    """
    parameters = {"titles": "|".join(titles), **({"redirects": "1"} if follow else {})}
    entries_by_title: dict[str, dict[str, Any]] = {}
    invalid: set[str] = set()
    normalized: dict[str, str] = {}
    followed: dict[str, str] = {}
    for answer in client.batches(**parameters, **_PAGE_PROPERTIES):
        query = section(answer, "query")
        _merge(entries_by_title, entries(query, "pages"))
        invalid.update(text(entry, "title") for entry in entries(query, "interwiki"))
        normalized.update(_from_to(query, "normalized"))
        followed.update(_from_to(query, "redirects"))
    page_entries = entries_by_title.values()
    invalid.update(entry["title"] for entry in page_entries if "canonicalurl" not in entry)
    pages = [_page(entry) for entry in page_entries if entry["title"] not in invalid]
    redirects = [page.title for page in pages if page.is_redirect]
    unique_titles = dict.fromkeys(normalized.get(title, title) for title in titles)
    circles = [title for title in unique_titles if _is_circle(title, followed)]
    return FoundTitles(pages, _targets(client, redirects), sorted(invalid), circles)


def titles_using(client: ApiClient, title: str, namespaces: Sequence[int]) -> Iterator[str]:
    """Yield titles of the pages in some namespaces that use a template or module."""
    for answer in client.batches(
        list="embeddedin",
        eititle=title,
        einamespace="|".join(map(str, namespaces)),
        eifilterredir="nonredirects",
        eilimit="max",
    ):
        yield from (text(entry, "title") for entry in entries(answer, "query", "embeddedin"))


def _is_circle(title: str, redirects: Mapping[str, str]) -> bool:
    """Whether following the redirects of a title never ends."""
    seen: set[str] = set()
    while title in redirects and title not in seen:
        seen.add(title)
        title = redirects[title]
    return title in seen


def _targets(client: ApiClient, redirects: Sequence[str]) -> list[str]:
    if not redirects:
        return []
    answer = client.call(action="query", titles="|".join(redirects), redirects="1")
    return [to for _, to in _from_to(section(answer, "query"), "redirects")]


def _from_to(query: Fields, name: str) -> list[tuple[str, str]]:
    return [(text(entry, "from"), text(entry, "to")) for entry in entries(query, name)]


def _generate(client: ApiClient, **parameters: str) -> Iterator[Page]:
    """Yield the pages of one of the API's generators, each once all its properties are read."""
    pages: dict[str, dict[str, Any]] = {}
    for answer in client.batches(**parameters, **_PAGE_PROPERTIES):
        _merge(pages, entries(answer, "query", "pages"))
        if answer.get("batchcomplete"):
            yield from map(_page, pages.values())
            pages = {}


def _merge(pages: dict[str, dict[str, Any]], more: Iterable[Fields]) -> None:
    """Add the properties in one answer to those of earlier answers."""
    for entry in more:
        page = pages.setdefault(text(entry, "title"), {})
        aliases = [*page.get("redirects", ()), *entries(entry, "redirects")]
        page.update(entry)
        page["redirects"] = aliases


def _page(entry: Fields) -> Page:
    title, url = text(entry, "title"), text(entry, "canonicalurl")
    if not url.startswith(("https://", "http://")):
        msg = f"Expected an http(s) URL for the page {title}, got {url!r}."
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
