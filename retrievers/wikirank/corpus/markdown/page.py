"""A Markdown document made into a title, a text with `==` headings, and metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from wikirank.corpus.html import html_text
from wikirank.corpus.markdown.front_matter import json_value, split_front_matter, words_of
from wikirank.errors import CorpusError

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_DEEPEST_BLOCK = 100  # lists count twice; each level takes several of Python's frames
_DEEPEST_INLINE = 20  # the parser's own default: its time for brackets grows with it


@dataclass(frozen=True, slots=True)
class MarkdownPage:
    """What a Markdown document says.

    Attributes:
        title: The front matter's title, else the first `#` heading; empty if there is neither.
        text: Plain text; sections begin with `== Heading ==` lines.
        metadata: The other fields of the front matter; `aliases` and `tags` are lists of strings.
        faults: What could not be read as it was meant, each as a reason.
    """

    title: str
    text: str
    metadata: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class MarkdownReader:
    """Reads the Markdown of CommonMark, GitHub, GitLab and Obsidian.

    Args:
        is_page: Tells whether a page of that name exists in the same wiki.
        has_comments: Whether `%%` begins and ends a comment, as in Obsidian.
    """

    def __init__(
        self, *, is_page: Callable[[str], bool] = lambda _: False, has_comments: bool = True
    ) -> None:
        from markdown_it import MarkdownIt

        from wikirank.corpus.markdown.syntax import add_wiki_syntax

        self._parser = MarkdownIt("commonmark")
        core = self._parser.core.ruler
        core.before("block", "deep", lambda state: _set_depth(state, _DEEPEST_BLOCK))
        core.before("inline", "shallow", lambda state: _set_depth(state, _DEEPEST_INLINE))
        self._parser.enable(["table", "strikethrough"])
        add_wiki_syntax(self._parser, is_page=is_page, has_comments=has_comments)
        self._parser.add_render_rule("image", _alternative_text)

    def read(self, markdown: str) -> MarkdownPage:
        """Read a document.

        Args:
            markdown: The document, its lines ended by line feeds.

        Returns:
            What it says. Marks, tags and comments are gone, links and pictures give their labels,
            code stays as it is. One that is nested too deeply to be parsed stays Markdown.
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
        """The first `#` heading, and the tokens without it if it is only the document's title."""
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


def _set_depth(state: StateCore, deepest: int) -> None:
    state.md.options["maxNesting"] = deepest


def _check_depth(tokens: Sequence[Token]) -> None:
    # Beyond its greatest depth the parser drops what is there.
    if any(token.level >= _DEEPEST_BLOCK - 2 for token in tokens):
        raise RecursionError


def _language(markdown: str) -> str:
    return "TOML" if markdown.startswith("+++") else "YAML"


def _title(fields: dict[str, Any]) -> str:
    """Take the title out of the fields: text, or what YAML sees a number or a date in."""
    key = next((key for key in fields if key.lower() == "title"), None)
    title = json_value(fields.pop(key)) if key else None
    return "" if title is None or isinstance(title, list) else str(title).strip()


_NAMES = {"aliases": ",", "tags": ", "}  # with what separates names in one text
_SINGULAR = {"alias": "aliases", "tag": "tags"}


def _metadata(fields: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, list[str]] = {}
    metadata: dict[str, Any] = {}
    for key, value in fields.items():
        listed = _SINGULAR.get(key.lower(), key.lower())
        if listed in _NAMES:
            values = words_of(value, separators=_NAMES[listed])
            names[listed] = list(dict.fromkeys([*names.get(listed, []), *values]))
            continue
        kept = json_value(value)
        if kept is not None and kept != []:
            metadata[key] = kept
    filled = {key: names[key] for key in _NAMES if names.get(key)}
    return {**filled, **metadata}


def _alternative_text(
    renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    alt: str = renderer.renderInlineAsText(tokens[index].children, options, env)
    label, _, size = alt.rpartition("|")  # Obsidian: ![label|100](picture.png)
    return escape(label if size.strip().replace("x", "").isdecimal() else alt)
