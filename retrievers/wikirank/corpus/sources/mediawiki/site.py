"""Find a wiki's API from any of its URLs, and read information about the wiki."""

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

# Paths to try if the wiki's pages do not name its API.
_USUAL_PATHS = ("/w/api.php", "/api.php", "/wiki/api.php", "/mediawiki/api.php")
_REDIRECTS = 5
_CATEGORIES = 14
_MAIN_PAGES = frozenset(
    {"", "main page", "home", "hauptseite", "wikipedia:hauptseite", "accueil", "portada"}
    | {"wikipédia:accueil principal", "wikipedia:portada", "pagina principale", "hoofdpagina"}
    | {"заглавная страница", "メインページ", "wikipedia:首页", "strona główna"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """Information about a wiki.

    Attributes:
        name: Name of the wiki.
        generator: Its software, such as `MediaWiki 1.39.17`.
        articles: Approximate number of articles by its own count; 0 if unknown.
        namespaces: Names of the namespaces by number, the localized name first.
        now: Time of the request by the wiki's clock, in ISO 8601.
    """

    name: str
    generator: str
    articles: int
    namespaces: Mapping[int, Sequence[str]]
    now: str

    def category_title(self, category: str) -> str:
        """Return the full title of a category given with or without its namespace."""
        names = self.namespaces.get(_CATEGORIES, ("Category",))
        prefix, colon, rest = category.partition(":")
        if colon and prefix.strip().casefold() in {name.casefold() for name in names}:
            category = rest
        return f"{names[0]}:{category.strip()}"


def read_site(client: ApiClient) -> Site:
    """Read information about a wiki.

    Args:
        client: Client of the wiki.

    Returns:
        The information.

    Raises:
        CorpusError: If it is not a MediaWiki, or its version is too old.
        SourceAccessError: If the wiki denies access.
        SourceConnectionError: If the wiki cannot be reached.
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
        msg = f"{client.url}: expected MediaWiki, got {generator or 'nothing'!r}."
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
        address: URL of `api.php` itself, of any page of the wiki, or of its host.
        contact: Your mail address or web page, for the user agent.
        has_credentials: Whether the user gave a password or token. If so, redirects to another
            host are refused.

    Returns:
        The URL of `api.php`.

    Raises:
        CorpusError: If there is no `api.php`, or the address redirects to a forbidden host.
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
        for path in _USUAL_PATHS:
            answer = _get(client, _join(page.url, path), named, has_credentials)
            if answer.status == 200 and b"MediaWiki" in answer.body:
                return str(answer.url.copy_with(query=None))
    msg = (
        f"Expected a page of a MediaWiki, got {address} (status {page.status}), whose host has no "
        f"api.php at the usual paths ({', '.join(_USUAL_PATHS)}). Give the URL of its api.php."
    )
    raise CorpusError(msg)


def title_in_url(address: str) -> str:
    """Return the title in a page's URL such as `…/wiki/Frost`; empty if there is none."""
    parts = urlsplit(address)
    title = dict(parse_qsl(parts.query)).get("title", "")
    for prefix in ("/wiki/", "/index.php/"):
        title = title or unquote(parts.path.partition(prefix)[2])
    title = title.replace("_", " ").strip("/ ")
    return "" if title.casefold() in _MAIN_PAGES else title


def _get(client: httpx.Client, url: httpx.URL, named: httpx.URL, has_credentials: bool) -> Answer:
    """Get a page and follow redirects, but only to hosts that `check_host` accepts."""
    for _ in range(_REDIRECTS):
        check_host(named, url, has_credentials=has_credentials)
        answer = send(client, str(url), {})
        target = answer.headers.get("location")
        if not (300 <= answer.status < 400 and target):
            return answer
        url = _join(answer.url, target)
        if url.scheme not in ("http", "https"):
            break
    msg = f"{url} redirects more than {_REDIRECTS} times, or to something else than http(s)."
    raise CorpusError(msg)


def _named_api(page: Answer) -> str | None:
    """Return the URL of `api.php` in the head of a wiki's page; None if there is none."""
    finder = _EditUri()
    finder.feed(page.body.decode(errors="replace"))
    if not finder.href:
        return None
    api = _join(page.url, finder.href.split("?", 1)[0])
    if not is_same_host(page.url, api):
        msg = (
            f"{page.url} names {api}, another host, as its api.php: expected its own host. "
            "If that is right, give the URL of this api.php."
        )
        raise CorpusError(msg)
    return str(api)


def _join(base: httpx.URL, reference: str) -> httpx.URL:
    try:
        return parse_url(urljoin(str(base), reference))
    except ValueError as err:  # such as "http://["
        msg = f"{base} redirects to {reference[:80]!r}: expected a URL."
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
