"""Convert DokuWiki pages to plain text. In DokuWiki, more equals signs mean a higher level."""

from __future__ import annotations

import re
from collections.abc import Callable

_HEADING = re.compile(r"[ \t]{0,1}(={2,6})[ \t]*([^=\s].*?)[ \t]*(={2,6})[ \t]*$")
_MAX_HEADING = 500  # characters
_FEWEST_SIGNS, _MOST_SIGNS = 2, 6  # equals signs of the lowest and the highest heading level
_VERBATIM = re.compile(r"<(code|file|html|php|nowiki)(?:\s[^<>\n]{0,200})?>|%%", re.IGNORECASE)
_NOTE = re.compile(r"\(\(")
_ITEM = re.compile(r"((?:  |\t)+)[ ]?([*-])[ \t]*(.*)")
_LINK = re.compile(r"\[\[([^\[\]|\n]{1,500})(?:\|([^\[\]\n]{0,500}))?\]\]")
_MEDIA = re.compile(r"\{\{[^{}\n|]{1,500}(?:\|([^{}\n]{0,500}))?\}\}")
_MARKS = re.compile(
    r"([a-z]{2,10}://\S+)|\*\*|__|''|//|</?(?:del|sub|sup|wrap|WRAP|hidden|note|box)\b[^<>\n]{0,200}>"
)
_MACRO = re.compile(r"~~[A-Za-z][^~\n]{0,200}~~")
_RULE = re.compile(r"-{4,}[ \t]*$")
_BREAK = re.compile(r"\\\\(?:[ \t]|$)")
_PLACEHOLDER = "\x00"  # encloses the number of a verbatim piece


def is_dokuwiki(text: str) -> bool:
    """Whether the first heading has four or more equals signs, and no heading has more."""
    signs = [
        min(len(match[1]), len(match[3]))
        for line in text.split("\n")
        if line.lstrip().startswith("==") and (match := _heading(line))
    ]
    return bool(signs) and signs[0] >= 4 and signs[0] == max(signs)


def dokuwiki_text(text: str) -> str:
    """Convert a DokuWiki page to plain text. Never fails; takes time linear in the length.

    Args:
        text: Source of the page, with line feeds as line ends.

    Returns:
        The text with `== Heading ==` lines; more signs mean a deeper level.
    """
    verbatim: list[str] = []

    def keep(content: str) -> str:
        verbatim.append(content)
        return f"{_PLACEHOLDER}{len(verbatim) - 1}{_PLACEHOLDER}"

    def keep_verbatim(opening: re.Match[str], content: str) -> str:
        if opening[1] is None or opening[1].lower() == "nowiki":
            return keep(content)
        return "\n" + keep(content.strip("\n")) + "\n"

    text = _replace_enclosed(text.replace(_PLACEHOLDER, ""), _VERBATIM, keep_verbatim)
    converter = _LineConverter()
    for line in text.split("\n"):
        converter.add(line)
    finished = "\n".join(converter.finish())
    return re.sub(
        f"{_PLACEHOLDER}([0-9]+){_PLACEHOLDER}",
        lambda match: _indent_headings(verbatim[int(match[1])]),
        finished,
    ).strip("\n")


def _heading(line: str) -> re.Match[str] | None:
    return _HEADING.match(line) if len(line) <= _MAX_HEADING else None


def _replace_enclosed(
    text: str, opening: re.Pattern[str], replace: Callable[[re.Match[str], str], str]
) -> str:
    """Replace each opening mark, its content and its closing mark; unclosed marks stay."""
    pieces: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while match := opening.search(text, position):
        closing = {"%%": "%%", "((": "))"}.get(match[0]) or f"</{match[1].lower()}>"
        end = -1 if closing in unclosed else text.find(closing, match.end())
        if end < 0:
            unclosed.add(closing)
            pieces.append(text[position : match.end()])
            position = match.end()
            continue
        pieces += [text[position : match.start()], replace(match, text[match.end() : end])]
        position = end + len(closing)
    return "".join([*pieces, text[position:]])


def _indent_headings(code: str) -> str:
    """Indent lines of code that would look like headings."""
    return "\n".join(f" {line}" if line.startswith("==") else line for line in code.split("\n"))


class _LineConverter:
    """Takes the lines of a page one by one and collects the plain text."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._paragraph: list[str] = []
        self._numbers: dict[int, int] = {}  # last number of a list, by its depth

    def add(self, line: str) -> None:
        heading, item = _heading(line), _ITEM.match(line)
        if not item:
            self._numbers.clear()
        if heading:
            self._flush()
            signs = "=" * (_FEWEST_SIGNS + _MOST_SIGNS - min(len(heading[1]), len(heading[3])))
            self._text.append(f"\n{signs} {_inline(heading[2])} {signs}")
        elif item:
            self._flush()
            self._add_item(len(item[1].replace("\t", "  ")) // 2 - 1, item[2], item[3])
        elif line[:1] in ("|", "^") and len(line) > 1:
            self._flush()
            # Links are converted first, because a bar within a link does not end a cell.
            cells = re.split(r"[|^]", _inline(line).strip().strip("|^"))
            self._text.append(" | ".join(cell.strip() for cell in cells if cell.strip() != ":::"))
        elif not line.strip() or _RULE.match(line):
            self._flush()
        elif line.startswith("  "):
            self._flush()
            self._text.append(line)
        else:
            self._paragraph.append(line.lstrip("> "))

    def _add_item(self, depth: int, sign: str, text: str) -> None:
        self._numbers = {key: number for key, number in self._numbers.items() if key <= depth}
        if sign == "-":
            self._numbers[depth] = self._numbers.get(depth, 0) + 1
        bullet = f"{self._numbers[depth]}." if sign == "-" else "-"
        self._text.append(f"{'  ' * depth}{bullet} {_inline(text)}")

    def _flush(self) -> None:
        if self._paragraph:
            joined = _inline(" ".join(self._paragraph))
            self._text.extend(part.strip() for part in joined.split("\n") if part.strip())
            self._paragraph = []

    def finish(self) -> list[str]:
        self._flush()
        return self._text


def _inline(text: str) -> str:
    text = _LINK.sub(lambda match: _label(match[1], match[2]), text)
    text = _MEDIA.sub(lambda match: (match[1] or "").strip(), text)
    text = _replace_enclosed(text, _NOTE, lambda _opening, _note: "")
    text = _MARKS.sub(lambda match: match[1] or "", _MACRO.sub("", text))  # keeps URLs
    return " ".join(_BREAK.sub("\n", text).split(" ")).strip()


def _label(target: str, label: str | None) -> str:
    """Return what a reader sees of a link: its label, otherwise the name of the page."""
    if label and label.strip():
        return _MEDIA.sub("", label).strip()
    if "://" in target:
        return target.strip()
    page, _, section = target.rpartition(">")[2].partition("#")
    return (page.rstrip(":").rpartition(":")[2] or section).replace("_", " ").strip()
