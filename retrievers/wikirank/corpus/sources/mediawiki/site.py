"""A wiki found by any address of it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import httpx

from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import (
    Fields,
    entries,
    malformed,
    number,
    section,
    text,
)
from wikirank.corpus.sources.mediawiki.hosts import check_host, is_same_host
from wikirank.corpus.sources.mediawiki.http import Answer, make_client, parse_url, send
from wikirank.errors import CorpusError

# Where wikis keep it whose pages do not say.
_USUAL_PLACES = ("/w/api.php", "/api.php", "/wiki/api.php", "/mediawiki/api.php")
_REDIRECTS = 5
_CATEGORIES = 14
_MAIN_PAGES = frozenset(
    {"", "main page", "home", "hauptseite", "wikipedia:hauptseite", "accueil", "portada"}
    | {"wikipédia:accueil principal", "wikipedia:portada", "pagina principale", "hoofdpagina"}
    | {"заглавная страница", "メインページ", "wikipedia:首页", "strona główna"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a wiki says of itself.

    Attributes:
        name: Its name.
        generator: What runs it, such as `MediaWiki 1.39.17`.
        articles: About how many articles it has, by its own count; 0 if it does not count.
        namespaces: Names of the namespaces by number, the wiki's own first.
        now: What its clock said, in ISO 8601.
    """

    name: str
    generator: str
    articles: int
    namespaces: Mapping[int, Sequence[str]]
    now: str

    def category_title(self, category: str) -> str:
        """The full title of a category that may be named without its namespace."""
        names = self.namespaces.get(_CATEGORIES, ("Category",))
        prefix, colon, rest = category.partition(":")
        if colon and prefix.strip().casefold() in {name.casefold() for name in names}:
            category = rest
        return f"{names[0]}:{category.strip()}"


def read_site(client: ApiClient) -> Site:
    """Ask a wiki what it is.

    Args:
        client: The wiki's client.

    Returns:
        What it says.

    Raises:
        CorpusError: If it is no MediaWiki, or of too old a version.
        SourceAccessError: If it does not let us read.
        SourceConnectionError: If it cannot be reached.
    """
    answer = client.call(
        action="query",
        meta="siteinfo",
        siprop="general|statistics|namespaces|namespacealiases",
        curtimestamp="1",
    )
    query = section(answer, "query")
    general = section(query, "general")
    generator = str(general.get("generator", ""))
    if not generator.startswith("MediaWiki"):
        msg = f"{client.url} says that it is {generator or 'nothing'!r}: expected MediaWiki."
        raise CorpusError(msg)
    return Site(
        name=text(general, "sitename"),
        generator=generator,
        articles=number(section(query, "statistics"), "articles", 0),
        namespaces=_namespaces(query),
        now=text(answer, "curtimestamp"),
    )


def _namespaces(query: Fields) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for key, entry in section(query, "namespaces").items():
        if not isinstance(entry, dict) or not key.lstrip("-").isdecimal():
            raise malformed({key: entry}, "query.namespaces", "a map of maps by number")
        canonical = [text(entry, "canonical")] if entry.get("canonical") else []
        names[int(key)] = [text(entry, "name"), *canonical]
    if not names:
        raise malformed(None, "query.namespaces", "a map of maps by number")
    for entry in entries(query, "namespacealiases"):
        names.setdefault(number(entry, "id"), []).append(text(entry, "alias"))
    return names


def find_api(address: str, *, contact: str | None = None, has_credentials: bool = False) -> str:
    """Find a wiki's `api.php`; credentials are not sent.

    Args:
        address: That of `api.php` itself, of any page of the wiki, or of its host.
        contact: Mail address or page for the user agent.
        has_credentials: Whether a password or token is meant for the wiki, so that its host must
            be the one in the address.

    Returns:
        The address of `api.php`, on the host that the given address leads to.

    Raises:
        CorpusError: If there is none, or the address leads to a host that it must not lead to.
        SourceConnectionError: If the wiki cannot be reached.
    """
    named = parse_url(address)
    if named.path.endswith("api.php"):
        return address.split("?", 1)[0].split("#", 1)[0]
    with make_client(contact) as client:
        page = _get(client, named, named, has_credentials)
        api = _named_api(page)
        if api:
            return api
        for place in _USUAL_PLACES:
            answer = _get(client, _joined(page.url, place), named, has_credentials)
            if answer.status == 200 and b"MediaWiki" in answer.body:
                return str(answer.url.copy_with(query=None))
    msg = (
        f"{address} is no page of a MediaWiki (status {page.status}), and its host has no api.php "
        f"in the usual places ({', '.join(_USUAL_PLACES)}). Give the address of its api.php."
    )
    raise CorpusError(msg)


def page_named(address: str) -> str:
    """The title of the page that an address names, `…/wiki/Frost`; empty if it names none."""
    parts = urlsplit(address)
    title = dict(parse_qsl(parts.query)).get("title", "")
    for place in ("/wiki/", "/index.php/"):
        title = title or unquote(parts.path.partition(place)[2])
    title = title.replace("_", " ").strip("/ ")
    return "" if title.casefold() in _MAIN_PAGES else title


def _get(client: httpx.Client, url: httpx.URL, named: httpx.URL, has_credentials: bool) -> Answer:
    """Get a page, along redirects to hosts that the address given may lead to."""
    for _ in range(_REDIRECTS):
        check_host(named, url, has_credentials=has_credentials)
        answer = send(client, str(url), {})
        target = answer.headers.get("location")
        if not (300 <= answer.status < 400 and target):
            return answer
        url = _joined(answer.url, target)
        if url.scheme not in ("http", "https"):
            break
    msg = f"{url} redirects more than {_REDIRECTS} times, or elsewhere than to a page of the web."
    raise CorpusError(msg)


def _named_api(page: Answer) -> str | None:
    """The `api.php` that a page of a wiki names in its head; None if it names none."""
    finder = _EditUri()
    finder.feed(page.body.decode(errors="replace"))
    if not finder.href:
        return None
    api = _joined(page.url, finder.href.split("?", 1)[0])
    if not is_same_host(page.url, api):
        msg = (
            f"{page.url} says that its api.php is {api}, on another host: expected its own. "
            "If that is right, give that address itself."
        )
        raise CorpusError(msg)
    return str(api)


def _joined(base: httpx.URL, reference: str) -> httpx.URL:
    try:
        return parse_url(urljoin(str(base), reference))
    except ValueError as err:  # such as "http://[", which no parser reads
        msg = f"{base} leads to {reference[:80]!r}: expected an address of the web."
        raise CorpusError(msg) from err


class _EditUri(HTMLParser):
    """Finds `<link rel="EditURI" href="…/api.php?action=rsd">`."""

    def __init__(self) -> None:
        super().__init__()
        self.href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "link" and (attributes.get("rel") or "").lower() == "edituri":
            self.href = self.href or attributes.get("href") or ""
