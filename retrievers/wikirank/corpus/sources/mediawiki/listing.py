"""List a wiki's titles by prefix, by category, and by links to or from a page."""

from __future__ import annotations

from wikirank.corpus.live import TitleList, TitleQuery
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import entries, section, text
from wikirank.corpus.sources.mediawiki.site import Site
from wikirank.errors import InvalidArgumentError

# The API's parameter for the position to continue from.
_CONTINUE = {
    "prefix": "apcontinue",
    "category": "cmcontinue",
    "links_to": "blcontinue",
    "links_from": "plcontinue",
}


def list_titles(client: ApiClient, site: Site, query: TitleQuery) -> TitleList:
    """List titles of articles.

    Args:
        client: Client of the wiki.
        site: Information about the wiki.
        query: Which titles; at most one condition, because the API accepts only one.

    Returns:
        The titles; `after` is the API's own position.

    Raises:
        CorpusError: If the wiki cannot be read.
        InvalidArgumentError: If several conditions are set.
    """
    if len(query.kinds) > 1:
        msg = f"Expected one condition, got {' and '.join(query.kinds)}. Leave the others out."
        raise InvalidArgumentError(msg)
    parameter = next((_CONTINUE[kind] for kind in query.kinds), _CONTINUE["prefix"])
    after = {parameter: query.after} if query.after else {}
    answer = client.call(action="query", **_parameters(site, query), **after)
    result = section(answer, "query")
    if query.links_from:
        pages = entries(result, "pages")
        titles = [text(link, "title") for page in pages for link in entries(page, "links")]
    else:
        lists = ("allpages", "categorymembers", "backlinks")
        titles = [text(entry, "title") for name in lists for entry in entries(result, name)]
    position = section(answer, "continue").get(parameter)
    return TitleList(list(dict.fromkeys(titles)), None if position is None else str(position))


def _parameters(site: Site, query: TitleQuery) -> dict[str, str]:
    limit = str(query.limit)
    if query.category:
        title = site.category_title(query.category)
        which = {"cmtitle": title, "cmtype": "page", "cmnamespace": "0"}
        return {"list": "categorymembers", "cmprop": "title", "cmlimit": limit, **which}
    if query.links_to:
        which = {"bltitle": query.links_to, "blnamespace": "0", "blfilterredir": "nonredirects"}
        return {"list": "backlinks", "bllimit": limit, **which}
    if query.links_from:
        which = {"titles": query.links_from.replace("|", " "), "redirects": "1", "plnamespace": "0"}
        return {"prop": "links", "pllimit": limit, **which}
    prefix = query.prefix[:1].upper() + query.prefix[1:]
    listed = {"list": "allpages", "apnamespace": "0", "apfilterredir": "nonredirects"}
    return {**listed, "aplimit": limit, **({"apprefix": prefix} if prefix else {})}
