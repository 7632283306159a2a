"""Convert a Markdown document to a title, a text with `==` headings, and metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from wikirank.corpus.html import html_text
from wikirank.corpus.markdown.front_matter import json_value, split_front_matter, split_names
from wikirank.errors import CorpusError

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_MAX_BLOCK_DEPTH = 100  # lists count twice; each level takes several Python frames
_MAX_INLINE_DEPTH = 20  # the parser's default; its time for brackets grows with the depth


@dataclass(frozen=True, slots=True)
class MarkdownPage:
    """The content of a Markdown document.

    Attributes:
        title: Title in the front matter, otherwise the first `#` heading; empty if there is
            neither.
        text: Plain text; sections begin with `== Heading ==` lines.
        metadata: The other fields of the front matter. `aliases` and `tags` are lists of strings.
        faults: Descriptions of the parts that could not be parsed and stayed as text.
    """

    title: str
    text: str
    metadata: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class MarkdownReader:
    """Reads Markdown: CommonMark and the additions of GitHub, GitLab and Obsidian.

    Args:
        is_page: Returns whether a page with that name exists in the same wiki. GitHub writes links
            as `[[label|page]]`, Obsidian as `[[page|label]]`.
        has_comments: Whether `%%` begins and ends a comment, like in Obsidian.
    """

    def __init__(
        self, *, is_page: Callable[[str], bool] = lambda _: False, has_comments: bool = True
    ) -> None:
        from markdown_it import MarkdownIt

        from wikirank.corpus.markdown.syntax import add_wiki_syntax

        self._parser = MarkdownIt("commonmark")
        core = self._parser.core.ruler
        core.before("block", "block_depth", lambda state: _set_depth(state, _MAX_BLOCK_DEPTH))
        core.before("inline", "inline_depth", lambda state: _set_depth(state, _MAX_INLINE_DEPTH))
        self._parser.enable(["table", "strikethrough"])
        add_wiki_syntax(self._parser, is_page=is_page, has_comments=has_comments)
        self._parser.add_render_rule("image", _alternative_text)

    def read(self, markdown: str) -> MarkdownPage:
        """Read a document.

        Args:
            markdown: The document, with line feeds as line ends.

        Returns:
            The content. Markup, tags and comments are removed, links and pictures become their
            labels, and code stays unchanged. A document that is nested too deeply stays Markdown.
        """
        values, body = split_front_matter(markdown)
        faults = () if values is not None else (f"front matter that is not {_language(markdown)}",)
        fields = dict(values or {})
        title = _title(fields)
        try:
            tokens = self._parser.parse(body)
            _check_depth(tokens)
            heading, tokens = self._without_title(tokens, title)
            text = html_text(self._parser.renderer.render(tokens, self._parser.options, {}))
        except (CorpusError, RecursionError):
            heading, text = "", body
            faults = (*faults, "Markdown nested too deeply")
        return MarkdownPage(title or heading, text, _metadata(fields), faults)

    def _without_title(self, tokens: list[Token], title: str) -> tuple[str, list[Token]]:
        """Return the first `#` heading; remove it from the tokens if it is just the title."""
        openings = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
        for index in openings:
            if tokens[index].tag == "h1":
                inline = tokens[index + 1].children or []
                heading = html_text(self._parser.renderer.render(inline, self._parser.options, {}))
                heading = " ".join(heading.split())
                same = not title or title.casefold() == heading.casefold()
                if heading and same and index == openings[0]:
                    return heading, [*tokens[:index], *tokens[index + 3 :]]
                return heading, tokens
        return "", tokens


def _set_depth(state: StateCore, depth: int) -> None:
    state.md.options["maxNesting"] = depth


def _check_depth(tokens: Sequence[Token]) -> None:
    # The parser silently drops anything deeper than its limit.
    if any(token.level >= _MAX_BLOCK_DEPTH - 2 for token in tokens):
        raise RecursionError


def _language(markdown: str) -> str:
    return "TOML" if markdown.startswith("+++") else "YAML"


def _title(fields: dict[str, Any]) -> str:
    """Remove the title from the fields and return it. YAML may parse it as a number or a date."""
    key = next((key for key in fields if key.lower() == "title"), None)
    title = json_value(fields.pop(key)) if key else None
    return "" if title is None or isinstance(title, list) else str(title).strip()


_SEPARATORS = {"aliases": ",", "tags": ", "}  # characters between the names in a string
_SINGULAR = {"alias": "aliases", "tag": "tags"}


def _metadata(fields: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, list[str]] = {}
    metadata: dict[str, Any] = {}
    for key, value in fields.items():
        listed = _SINGULAR.get(key.lower(), key.lower())
        if listed in _SEPARATORS:
            values = split_names(value, separators=_SEPARATORS[listed])
            names[listed] = list(dict.fromkeys([*names.get(listed, []), *values]))
            continue
        plain = json_value(value)
        if plain is not None and plain != []:
            metadata[key] = plain
    filled = {key: names[key] for key in _SEPARATORS if names.get(key)}
    return {**filled, **metadata}


def _alternative_text(
    renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    alt: str = renderer.renderInlineAsText(tokens[index].children, options, env)
    label, _, size = alt.rpartition("|")  # Obsidian: ![label|100](picture.png)
    return escape(label if size.strip().replace("x", "").isdecimal() else alt)
