"""First step of the parser: comments, templates, links and tags, in one pass with a stack.

Markup that is never closed becomes text, without its opening marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.links import read_link
from wikirank.corpus.wikitext.magic import magic_words, page_variable, parser_function
from wikirank.corpus.wikitext.marks import DROPPED, EQUALS, LITERAL, without_controls
from wikirank.corpus.wikitext.names import NamespaceNames
from wikirank.corpus.wikitext.tags import (
    DROPPED_CONTENT,
    LITERAL_CONTENT,
    TAG,
    is_hidden,
    literal_text,
    tag_text,
)
from wikirank.corpus.wikitext.templates import render_template, template_name
from wikirank.corpus.wikitext.variants import choose_variants

_TOKEN = re.compile(r"\{{2,}|\}{2,}|\[\[|\]\]|\||<(?=[!/a-zA-Z])")
_LITERAL = re.compile(f"{LITERAL}([0-9]+){LITERAL}")
# MediaWiki gives up on templates nested deeper than 40. Each level copies the text inside it once.
_MAX_DEPTH = 60


@dataclass(slots=True)
class _OpenMarkup:
    """An open template (two or more `braces`) or an open link (0)."""

    braces: int
    parts: list[list[str]] = field(default_factory=lambda: [[]])

    def texts(self) -> list[str]:
        return ["".join(part) for part in self.parts]


class Expansion:
    """Expands one page and collects its categories, templates and switches.

    Args:
        names: Namespace names of the wiki.
        title: Title of the page.

    Attributes:
        categories: Categories in page order; may contain duplicates.
        templates: Normalised names of the templates used.
        magic_words: Behaviour switches used, without underscores.
    """

    def __init__(self, names: NamespaceNames, title: str) -> None:
        self.categories: list[str] = []
        self.templates: set[str] = set()
        self.magic_words: set[str] = set()
        self._names = names
        self._title = title
        self._literals: list[str] = []
        self._page: list[str] = []
        self._stack: list[_OpenMarkup] = []
        self._sink = self._page
        self._links = 0  # number of links on the stack
        self._unclosed: set[str] = set()  # tags with no closing tag in the rest of the page

    def expand(self, wikitext: str) -> str:
        """Resolve comments, templates, links and tags.

        Args:
            wikitext: Source of the page.

        Returns:
            Wikitext that has only headings, lists, tables and quotes left, and marks (see `marks`).
        """
        text = _split_tabs(without_controls(wikitext))
        position = 0
        while match := _TOKEN.search(text, position):
            start = match.start()
            if start > position:
                self._sink.append(text[position:start])
            position = self._handle_token(text, start, match[0])
        self._sink.append(text[position:])
        while self._stack:
            self._abandon()
        expanded, self.magic_words = magic_words("".join(self._page).replace(EQUALS, "="))
        return choose_variants(expanded)

    def restore(self, text: str) -> str:
        """Replace the marks of literal pieces, such as `<nowiki>`, by the pieces."""
        return _LITERAL.sub(lambda match: self._literals[int(match[1])], text)

    def _handle_token(self, text: str, start: int, token: str) -> int:
        """Handle a token and return the position after it."""
        if token == "|":
            self._handle_pipe()
        elif token == "[[":
            self._open(0)
        elif token == "]]":
            self._close_link()
        elif token[0] == "{":
            # `{{{|` may be `{{` and a table's `{|`: `_close_braces` keeps the brace left over.
            self._open(len(token))
        elif token[0] == "}":
            self._close_braces(len(token))
        else:
            return self._handle_tag(text, start)
        return start + len(token)

    def _handle_pipe(self) -> None:
        if not self._stack:
            self._page.append("|")
            return
        self._sink = []
        self._stack[-1].parts.append(self._sink)

    def _open(self, braces: int) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            return
        opened = _OpenMarkup(braces)
        self._stack.append(opened)
        self._links += not braces
        self._sink = opened.parts[-1]

    def _pop(self) -> _OpenMarkup:
        closed = self._stack.pop()
        self._links -= not closed.braces
        self._sink = self._stack[-1].parts[-1] if self._stack else self._page
        return closed

    def _abandon(self) -> None:
        """Turn the innermost open template or link into text."""
        text = "|".join(self._pop().texts())
        self._sink.append(text)

    def _close_link(self) -> None:
        if not self._links:
            self._sink.append("]]")
            return
        while self._stack[-1].braces:
            self._abandon()
        link = read_link(_restored(self._pop().texts()), self._names)
        self.categories.extend(link.categories)
        self._append(link.text)

    def _close_braces(self, run: int) -> None:
        while run >= 2 and len(self._stack) > self._links:
            while not self._stack[-1].braces:
                self._abandon()
            closed = self._pop()
            taken = min(run, closed.braces, 3)
            texts = closed.texts()
            value = self._template(texts) if taken == 2 else "|".join(texts[1:2])
            run -= taken
            left = closed.braces - taken
            if left >= 2:
                self._open(left)
            elif left:
                self._sink.append("{")
            self._append(value)
        self._sink.append("}" * run)

    def _append(self, text: str) -> None:
        """Append expanded text, so that its equals signs name no argument of the outer template."""
        self._sink.append(text.replace("=", EQUALS) if self._stack else text)

    def _template(self, parts: list[str]) -> str:
        name = parts[0].replace(EQUALS, "=").strip()
        prefix, colon, rest = name.partition(":")
        if colon and self._names.is_template(prefix):
            name = rest.strip()
        elif colon or name.startswith("#"):
            function = parser_function(prefix.strip(), [rest, *_restored(parts[1:])])
            if function is not None:
                return function
        variable = page_variable(name, self._title)
        if variable is not None:
            return variable
        self.templates.add(template_name(name))
        return render_template(name, Arguments.from_parts(parts[1:]))

    def _handle_tag(self, text: str, start: int) -> int:
        if text.startswith("<!--", start):
            end = text.find("-->", start + 4)
            return len(text) if end < 0 else end + 3
        match = TAG.match(text, start)
        if match is None:
            self._sink.append("<")
            return start + 1
        closing, name, attributes = match[1], match[2].lower(), match[3]
        opens = not closing and not attributes.endswith("/")
        drops = name in DROPPED_CONTENT or (name == "span" and is_hidden(attributes))
        if opens and (drops or name in LITERAL_CONTENT):
            close = self._content_end(text, match.end(), name)
            if close is not None:
                content = text[match.end() : close[0]]
                self._sink.append(
                    DROPPED if drops else self._literal(literal_text(name, attributes, content))
                )
                return close[1]
        replaced = self._literal("") if name == "nowiki" else tag_text(closing, name, attributes)
        self._sink.append(match[0] if replaced is None else replaced)
        return match.end()

    def _content_end(self, text: str, start: int, name: str) -> tuple[int, int] | None:
        """Return the span of the closing tag, or None if the tag is never closed."""
        if name in self._unclosed:
            return None
        match = _closing_tag(name).search(text, start)
        if match is None:
            self._unclosed.add(name)
            return None
        return match.span()

    def _literal(self, text: str) -> str:
        self._literals.append(without_controls(text))
        return f"{LITERAL}{len(self._literals) - 1}{LITERAL}"


def _restored(parts: list[str]) -> list[str]:
    return [part.replace(EQUALS, "=") for part in parts]


@cache
def _closing_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>", re.IGNORECASE)


_TAB_END = re.compile(r"\n?[ \t]*(?:\|-\||\{\{!\}\}-\{\{!\}\})[ \t]*")
_TABBER = re.compile(r"\n?</?tabber(?:\s[^<>]*)?>\n?", re.IGNORECASE)


def _split_tabs(text: str) -> str:
    """Put each tab of a `<tabber>` on its own lines; `|-|` separates tabs."""
    if "<tabber" not in text.lower() and "#tag:tabber" not in text:
        return text
    return _TABBER.sub("\n", _TAB_END.sub("\n", text))
