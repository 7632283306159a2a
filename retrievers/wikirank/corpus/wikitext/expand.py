"""The first step: comments, templates, links and tags, in one pass with a stack.

Whatever opens and never closes is text, without the marks that open it.
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
from wikirank.corpus.wikitext.variants import chosen_variants

_TOKEN = re.compile(r"\{{2,}|\}{2,}|\[\[|\]\]|\||<(?=[!/a-zA-Z])")
_LITERAL = re.compile(f"{LITERAL}([0-9]+){LITERAL}")
# MediaWiki itself gives up on templates at 40; each level copies the text within it once.
_DEEPEST = 60


@dataclass(slots=True)
class _Open:
    """A template (`braces` of two or more) or link (0) that has not closed yet."""

    braces: int
    parts: list[list[str]] = field(default_factory=lambda: [[]])

    def texts(self) -> list[str]:
        return ["".join(part) for part in self.parts]


class Expansion:
    """The expansion of one page.

    Args:
        names: What the wiki calls its namespaces.
        title: The page's title.

    Attributes:
        categories: The page's categories, in its order; may repeat.
        templates: Normalised names of the templates it uses.
        magic_words: The behaviour switches it holds, without underscores.
    """

    def __init__(self, names: NamespaceNames, title: str) -> None:
        self.categories: list[str] = []
        self.templates: set[str] = set()
        self.magic_words: set[str] = set()
        self._names = names
        self._title = title
        self._literals: list[str] = []
        self._page: list[str] = []
        self._stack: list[_Open] = []
        self._sink = self._page
        self._links = 0  # how many of the stack are links
        self._unclosed: set[str] = set()  # tags that do not close in the rest of the page

    def expand(self, wikitext: str) -> str:
        """Resolve comments, templates, links and tags.

        Args:
            wikitext: The page's source.

        Returns:
            Wikitext of headings, lists, tables and quotes alone, with marks (see `marks`).
        """
        text = _with_tabs_apart(without_controls(wikitext))
        position = 0
        while match := _TOKEN.search(text, position):
            start = match.start()
            if start > position:
                self._sink.append(text[position:start])
            position = self._token(text, start, match[0])
        self._sink.append(text[position:])
        while self._stack:
            self._abandon()
        expanded, self.magic_words = magic_words("".join(self._page).replace(EQUALS, "="))
        return chosen_variants(expanded)

    def restore(self, text: str) -> str:
        """Put the pieces back, in place of their marks, that were kept as they are."""
        return _LITERAL.sub(lambda match: self._literals[int(match[1])], text)

    def _token(self, text: str, start: int, token: str) -> int:
        """Deal with a token; returns where to go on."""
        if token == "|":
            self._pipe()
        elif token == "[[":
            self._open(0)
        elif token == "]]":
            self._close_link()
        elif token[0] == "{":
            # `{{{|` is a table after a template's opening braces.
            self._open(len(token))
        elif token[0] == "}":
            self._close_braces(len(token))
        else:
            return self._tag(text, start)
        return start + len(token)

    def _pipe(self) -> None:
        if not self._stack:
            self._page.append("|")
            return
        self._sink = []
        self._stack[-1].parts.append(self._sink)

    def _open(self, braces: int) -> None:
        if len(self._stack) >= _DEEPEST:
            return
        opened = _Open(braces)
        self._stack.append(opened)
        self._links += not braces
        self._sink = opened.parts[-1]

    def _pop(self) -> _Open:
        closed = self._stack.pop()
        self._links -= not closed.braces
        self._sink = self._stack[-1].parts[-1] if self._stack else self._page
        return closed

    def _abandon(self) -> None:
        """Make text of what is open innermost."""
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
        """Append what was expanded; its equals signs name no argument of what holds it."""
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
        return render_template(name, Arguments.of(parts[1:]))

    def _tag(self, text: str, start: int) -> int:
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
        """Where a tag's content ends, and its closing tag; None if it does not close."""
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


def _with_tabs_apart(text: str) -> str:
    """The tabs of `<tabber>`, between which `|-|` stands, each on lines of its own."""
    if "<tabber" not in text.lower() and "#tag:tabber" not in text:
        return text
    return _TABBER.sub("\n", _TAB_END.sub("\n", text))
