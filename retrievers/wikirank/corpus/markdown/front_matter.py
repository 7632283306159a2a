"""What may stand at the head of a Markdown file: YAML, TOML, or the properties of Logseq."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

_LONGEST = 64 * 2**10  # characters
_OPENING = re.compile(r"(---|\+\+\+)[ \t]*\n")
_CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_PROPERTY = re.compile(
    r"(?:[-*][ \t]+)?[ \t]*([^\W\d_][\w./-]{0,60})::(?:[ \t]+(.*))?[ \t]*(?:\n|$)"
)
_LISTS = ("alias", "aliases", "tag", "tags")
# What Logseq writes for itself beneath a block.
_INTERNAL = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:id|collapsed|background-color|heading|created-at|updated-at|file|"
    r"file-path|hl-[\w-]+|ls-type|card-[\w-]+|query-[\w-]+|logseq\.[\w.-]+)::[ \t].*\n?",
    re.MULTILINE,
)
_MOST_VALUES = 1000
_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_MOST_BRACKETS = 200  # the parser's time grows with the square of their depth
_MOST_DOTS = 50  # of one key, likewise


def split_front_matter(markdown: str) -> tuple[Mapping[str, Any] | None, str]:
    """Take the front matter off a document.

    Args:
        markdown: The document, its lines ended by line feeds.

    Returns:
        What the front matter says, with the document after it. The mapping is empty where there
        is no front matter. It is None where there is, but it is no YAML (between `---`) or TOML
        (between `+++`), holds anchors or references, or is longer than 64 KiB characters: then
        its lines stay in the document, as text.
    """
    opening = _OPENING.match(markdown)
    if opening is None:
        return _split_properties(markdown)
    start = opening.end()
    closing = _CLOSING[opening[1]].search(markdown, start, start + _LONGEST)
    if closing is None:
        return {}, markdown
    head = markdown[start : closing.start()]
    body = markdown[closing.end() :].removeprefix("\n")
    parse: Callable[[str], Any] = parse_yaml if opening[1] == "---" else _parse_toml
    try:
        values = parse(head)
    except (ValueError, RecursionError):
        # As code: its comments are no headings.
        return None, "".join(f"    {line}\n" for line in head.splitlines()) + f"\n{body}"
    if isinstance(values, Mapping):
        return {str(key): value for key, value in values.items()}, body
    return {}, markdown if head.strip() else body  # text between two rules


def _parse_toml(text: str) -> Any:
    if any(line.partition("=")[0].count(".") > _MOST_DOTS for line in text.splitlines()):
        msg = f"over {_MOST_DOTS} dots in a key"
        raise ValueError(msg)
    return tomllib.loads(text)


def _split_properties(markdown: str) -> tuple[Mapping[str, Any], str]:
    """Take Logseq's properties of a page off, `alias:: Frosty`, and those it keeps for itself."""
    properties: dict[str, Any] = {}
    position = 0
    while line := _PROPERTY.match(markdown, position):
        value = (line[2] or "").strip()
        several = "," in value or "[[" in value
        plain = value.replace("[[", "").replace("]]", "")
        properties[line[1]] = plain.split(",") if several and line[1] in _LISTS else plain
        position = line.end()
    body = markdown[position:]
    return properties, _INTERNAL.sub("", body) if "::" in body else body


def parse_yaml(text: str) -> Any:
    """Read YAML of plain values.

    Args:
        text: The YAML.

    Returns:
        Its value; None where it is blank.

    Raises:
        ValueError: If it is no YAML, or holds references, tags of Python or over 200 brackets.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc, unused-ignore]
        """Refuses references, of which a few lines may make a value of any size."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError
            return super().compose_node(parent, index)

    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        msg = f"over {_MOST_BRACKETS} brackets"
        raise ValueError(msg)
    # As YAML 1.2 and Obsidian have it: "no" is a word, and 12:30 no number of base 60.
    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] not in (_BOOL, _INT)]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|false)$", re.IGNORECASE), list("tTfF"))
    Loader.add_implicit_resolver(_INT, re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
    try:
        return yaml.load(text, Loader)  # derived from SafeLoader
    except (yaml.YAMLError, RecursionError, TypeError) as err:
        raise ValueError(str(err)) from err


def words_of(value: Any, *, separators: str = ",") -> list[str]:
    """The names in a field such as `aliases` or `tags`.

    Args:
        value: A list, or text with several names.
        separators: Characters that stand between names of a text.

    Returns:
        The names, each once, without the sign of a tag.
    """
    if isinstance(value, str):
        value = re.split(f"[{re.escape(separators)}]+", value.strip().strip("[]"))
    if not isinstance(value, list):
        value = [] if value is None else [value]
    names = (_name(name) for name in value[:_MOST_VALUES] if _plain(name))
    return list(dict.fromkeys(name for name in names if name))


def _name(value: Any) -> str:
    return str(json_value(value)).strip().strip("\"'").removeprefix("#")


def json_value(value: Any) -> Any:
    """The nearest value that JSON can hold; None for what is neither a scalar nor a flat list."""
    if isinstance(value, list):
        return [json_value(inner) for inner in value[:_MOST_VALUES] if _plain(inner)]
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float)) else None


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, date, time))
