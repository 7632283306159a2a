"""Markdown additions of wikis and note-taking programs: `[[links]]`, comments, callouts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

_MAX_LINK_LENGTH = 500  # characters
_MAX_CONTENTS_LENGTH = 40  # characters of a paragraph that asks for a table of contents
_MAX_PENDING = 1000  # characters; the parser copies its pending text for each one that it adds
# Unclosed brackets in a paragraph: for each of them the parser searches all that follows.
_MAX_UNCLOSED = 500
_BRACKET = re.compile(r"(\\.)|\[", re.DOTALL)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,100}\](:[ \t]*)?")
_BLOCK_ID = re.compile(r"\^[A-Za-z0-9-]{4,}[ \t]*(?=\n|$)")
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$(?![\s$])([^$\n]+)(?<!\s)\$(?!\d)")
_CALLOUT = re.compile(r"\[!([A-Za-z][\w-]*)(?:\|[^\]\n]*)?\][+-]?[ \t]*")
_MEDIA = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif|pdf|mp3|m4a|wav|ogg|flac|mp4|webm|mov|mkv|canvas|base)$",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\d+(?:x\d+)?(?:px)?")
_CONTENTS = ("[[_TOC_]]", "[TOC]", "[[_toc_]]", "[toc]")


def add_wiki_syntax(
    parser: MarkdownIt, *, is_page: Callable[[str], bool], has_comments: bool
) -> None:
    """Add the syntax of GitHub and GitLab wikis and of Obsidian to a parser, in place.

    Args:
        parser: The parser to change.
        is_page: Returns whether a page with that name exists. GitHub writes `[[label|page]]`,
            Obsidian `[[page|label]]`.
        has_comments: Whether `%%` begins and ends a comment.
    """

    def wiki_link(state: StateInline, silent: bool) -> bool:
        return _wiki_link(state, silent, is_page)

    inline = parser.inline.ruler
    for name, rule in (
        ("wiki_link", wiki_link),
        ("footnote", _footnote),
        ("contents", _contents),
        ("formula", _formula),
        ("highlight", _highlight),
        ("block_id", _block_id),
    ):
        inline.before("link", name, rule)
    if has_comments:
        inline.before("link", "comment", _comment)
        parser.block.ruler.before("fence", "comment_block", _comment_block, {"alt": ["paragraph"]})
    # "[^1]: word" is a footnote, not a link definition.
    reference = next(r.fn for r in parser.block.ruler.__rules__ if r.name == "reference")
    parser.block.ruler.at(
        "reference",
        lambda state, start, end, silent: (
            not state.src.startswith("[^", state.bMarks[start] + state.tShift[start])
            and bool(reference(state, start, end, silent))
        ),
    )
    inline.push("flush", _flush)
    parser.core.ruler.before("inline", "unclosed", _escape_unclosed)
    parser.core.ruler.push("callout", _callouts)


def link_label(inner: str, *, embedded: bool, is_page: Callable[[str], bool]) -> str:
    """Return the text that a reader sees of a wiki link.

    Args:
        inner: Text between the brackets.
        embedded: Whether `!` precedes the brackets.
        is_page: Returns whether a page with that name exists.

    Returns:
        The label, or without one the page and heading as `Page > Heading`. Empty for embedded media
        without a label.
    """
    left, *options = (part.strip() for part in inner.split("|"))
    right = options[0] if options else ""
    if _MEDIA.search(left.partition("#")[0]) and (embedded or "/" in left or options):
        named = [option.removeprefix("alt=") for option in options if option.startswith("alt=")]
        plain = "" if "=" in right or _SIZE.fullmatch(right) or not embedded else right
        return named[0] if named else plain
    if right and not (embedded and _SIZE.fullmatch(right)):
        return left if is_page(right) and not is_page(left) else right
    page, *headings = left.split("#")
    name = page if "://" in page else page.rpartition("/")[2].removesuffix(".md")
    return " > ".join(part for part in (name, *headings) if part and not part.startswith("^"))


def _wiki_link(state: StateInline, silent: bool, is_page: Callable[[str], bool]) -> bool:
    embedded = state.src.startswith("![[", state.pos)
    if not embedded and not state.src.startswith("[[", state.pos):
        return False
    start = state.pos + 2 + embedded
    end = state.src.find("]]", start, min(start + _MAX_LINK_LENGTH, state.posMax))
    inner = state.src[start:end]
    if end < 0 or not inner.strip() or "\n" in inner or "[[" in inner:
        return False
    label = link_label(inner, embedded=embedded, is_page=is_page)
    return _replace(state, end + 2, "" if inner.lower() == "_toc_" else label, silent)


def _footnote(state: StateInline, silent: bool) -> bool:
    match = _FOOTNOTE.match(state.src, state.pos)
    if match is None:
        return False
    defines = state.pos == 0 or state.src[state.pos - 1] == "\n"
    return _replace(
        state, match.end() if defines else match.end() - len(match[1] or ""), "", silent
    )


def _contents(state: StateInline, silent: bool) -> bool:
    if len(state.src) > _MAX_CONTENTS_LENGTH:
        return False
    return state.src.strip() in _CONTENTS and _replace(state, state.posMax, "", silent)


def _formula(state: StateInline, silent: bool) -> bool:
    match = _FORMULA.match(state.src, state.pos)
    if match is None:
        return False
    # Backslashes, stars and underscores inside are TeX, not Markdown.
    return _replace(state, match.end(), match[1] or match[2], silent)


def _highlight(state: StateInline, silent: bool) -> bool:
    """Remove `==` beside a word, on one side only, if the paragraph has a second `==`."""
    text, start = state.src, state.pos
    if not text.startswith("==", start) or text.startswith("=", start + 2):
        return False
    # Search from both ends: counting all marks at each mark would take quadratic time.
    if text.find("==") == text.rfind("=="):
        return False
    before = text[start - 1 : start].strip() if start else ""
    after = text[start + 2 : start + 3].strip()
    opens, closes = bool(after) and not before.isalnum(), bool(before) and not after.isalnum()
    return (opens or closes) and _replace(state, start + 2, "", silent)


def _block_id(state: StateInline, silent: bool) -> bool:
    match = _BLOCK_ID.match(state.src, state.pos)
    alone = state.pos == 0 or state.src[state.pos - 1].isspace()
    return alone and match is not None and _replace(state, match.end(), "", silent)


def _comment(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("%%", state.pos):
        return False
    end = state.src.find("%%", state.pos + 2)
    return end >= 0 and _replace(state, end + 2, "", silent)


def _comment_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Skip a comment over several lines; it may contain blank lines."""
    if not state.getLines(start, start + 1, state.blkIndent, False).startswith("%%"):
        return False
    if "%%" in _line(state, start)[2:]:
        return False  # it ends on its first line
    for number in range(start + 1, end):
        line = _line(state, number)
        if "%%" in line:
            if not line.endswith("%%"):
                return False
            if not silent:
                state.line = number + 1
            return True
    return False


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] : state.eMarks[number]].strip()


def _flush(state: StateInline, silent: bool) -> bool:
    """Turn long pending text into a token; otherwise long texts take quadratic time."""
    if not silent and len(state.pending) > _MAX_PENDING:
        state.pushPending()
    return False


def _escape_unclosed(state: StateCore) -> None:
    """Treat the brackets of a paragraph as text if hundreds of them are never closed."""
    for token in state.tokens:
        text = token.content
        if token.type == "inline" and any(
            text.count(left) - text.count(right) > _MAX_UNCLOSED for left, right in ("[]", "()")
        ):
            token.content = _BRACKET.sub(lambda match: match[1] or r"\[", text)


def _callouts(state: StateCore) -> None:
    """Put the title of `> [!note] Title` on its own line; without a title, the kind of callout."""
    for quote, paragraph, token in zip(
        state.tokens, state.tokens[1:], state.tokens[2:], strict=False
    ):
        children = token.children
        if quote.type != "blockquote_open" or paragraph.type != "paragraph_open" or not children:
            continue
        match = _CALLOUT.match(children[0].content)
        if match is None:
            continue
        title = children[0].content[match.end() :]
        untitled = not title and (len(children) == 1 or children[1].type == "softbreak")
        children[0].content = match[1].capitalize() if untitled else title
        for child in children:
            if child.type == "softbreak":
                child.type, child.tag = "hardbreak", "br"
                break


def _replace(state: StateInline, end: int, text: str, silent: bool) -> bool:
    """Skip the source up to `end` and write `text` in its place."""
    if not silent:
        state.push("text", "", 0).content = text
    state.pos = end
    return True
