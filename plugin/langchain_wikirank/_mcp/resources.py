"""Pages of the wiki as MCP resources: `wiki://TITLE`, and `wiki://TITLE#Section`."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import quote, unquote

from mcp import MCPError, types

from langchain_wikirank._evidence.quoting import quoted_line, quoted_text
from wikirank.corpus.live import TitleQuery
from wikirank.search.neighbours import joined_text
from wikirank.search.pages import is_within, named_section
from wikirank.search.reader import PageReader
from wikirank.types import HEADING_SEPARATOR

SCHEME = "wiki://"
_PAGE_SIZE = 100
_MAX_CHARS = 100_000
_MIME_TYPE = "text/plain"

TEMPLATE = types.ResourceTemplate(
    uri_template=SCHEME + "{title}",
    name="wiki-page",
    title="A page of the wiki",
    description="The text of a page by its title, percent-encoded; `#Section` names a section.",
    mime_type=_MIME_TYPE,
)


def list_resources(reader: PageReader, cursor: str | None) -> types.ListResourcesResult:
    """List a hundred pages in alphabetical order after a cursor, with the next cursor if any."""
    titles, after = reader.list_titles(TitleQuery(after=cursor or "", limit=_PAGE_SIZE))
    return types.ListResourcesResult(
        resources=[_resource(title) for title in titles], next_cursor=after
    )


def read_resource(reader: PageReader, uri: str) -> types.ReadResourceResult:
    """Return the text of a page or of one of its sections, quoted.

    Args:
        reader: Gives access to the pages of the wiki.
        uri: `wiki://TITLE` or `wiki://TITLE#Section`, percent-encoded.

    Returns:
        The text with section headings. It is cut after 100,000 characters, with a remark.

    Raises:
        MCPError: If there is no such page or section.
    """
    if not uri.startswith(SCHEME):
        msg = f"Expected an address like {SCHEME}TITLE, got {uri[:200]!r}."
        raise _not_found(msg)
    name, _, anchor = uri.removeprefix(SCHEME).partition("#")
    title, section = unquote(name), named_section(f"#{anchor}")
    pages = reader.find(title)
    if not pages:
        msg = f"The wiki has no page {title[:200]!r}. List resources, or wiki_search."
        raise _not_found(msg)
    passages = reader.passages(pages[0])
    if section:
        passages = [p for p in passages if is_within(p.section, section)]
    if not passages:
        msg = f"{title[:200]!r} has no section {section[:200]!r}. Read the whole page."
        raise _not_found(msg)
    parts = [quoted_line(pages[0].title)]
    for path, group in groupby(passages, key=lambda passage: passage.section):
        heading = quoted_line(HEADING_SEPARATOR.join(path))
        parts += [f"== {heading} ==" if heading else "", quoted_text(joined_text([*group]))]
    text = "\n\n".join(filter(None, parts))
    if len(text) > _MAX_CHARS:
        cut = f"\n\n(Cut after {_MAX_CHARS:,} characters: read a section, or wiki_read.)"
        text = text[:_MAX_CHARS] + cut
    contents = types.TextResourceContents(uri=uri, mime_type=_MIME_TYPE, text=text)
    return types.ReadResourceResult(contents=[contents])


def _resource(title: str) -> types.Resource:
    return types.Resource(
        uri=SCHEME + quote(title, safe=""), name=quoted_line(title), mime_type=_MIME_TYPE
    )


def _not_found(message: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, message)
