"""Read the front matter of Markdown files: YAML, TOML, or Logseq properties."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

_MAX_LENGTH = 64 * 2**10  # characters
_OPENING = re.compile(r"(---|\+\+\+)[ \t]*\n")
_CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_PROPERTY = re.compile(
    r"(?:[-*][ \t]+)?[ \t]*([^\W\d_][\w./-]{0,60})::(?:[ \t]+(.*))?[ \t]*(?:\n|$)"
)
_LISTS = ("alias", "aliases", "tag", "tags")
# Properties that Logseq writes under a block for its own use.
_INTERNAL = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:id|collapsed|background-color|heading|created-at|updated-at|file|"
    r"file-path|hl-[\w-]+|ls-type|card-[\w-]+|query-[\w-]+|logseq\.[\w.-]+)::[ \t].*\n?",
    re.MULTILINE,
)
_MAX_VALUES = 1000
_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_MAX_BRACKETS = 200  # the time of the YAML parser grows with the square of their depth
_MAX_DOTS = 50  # in one key; the time of the TOML parser grows with their square


def split_front_matter(markdown: str) -> tuple[Mapping[str, Any] | None, str]:
    """Split a document into front matter and body.

    Args:
        markdown: The document, with line feeds as line ends.

    Returns:
        The fields of the front matter, and the body. The fields are empty if there is no front
        matter, or no end of it within 65,536 characters. They are None if it is not valid YAML
        (between `---`) or TOML (between `+++`), or has YAML references; its lines then stay in the
        body, as code.
    """
    opening = _OPENING.match(markdown)
    if opening is None:
        return _split_properties(markdown)
    start = opening.end()
    closing = _CLOSING[opening[1]].search(markdown, start, start + _MAX_LENGTH)
    if closing is None:
        return {}, markdown
    head = markdown[start : closing.start()]
    body = markdown[closing.end() :].removeprefix("\n")
    parse: Callable[[str], Any] = parse_yaml if opening[1] == "---" else _parse_toml
    try:
        values = parse(head)
    except (ValueError, RecursionError):
        # Indented as code, because `#` comments would become headings.
        return None, "".join(f"    {line}\n" for line in head.splitlines()) + f"\n{body}"
    if isinstance(values, Mapping):
        return {str(key): value for key, value in values.items()}, body
    return {}, markdown if head.strip() else body  # text between two rules


def _parse_toml(text: str) -> Any:
    if any(line.partition("=")[0].count(".") > _MAX_DOTS for line in text.splitlines()):
        msg = f"Expected at most {_MAX_DOTS} dots in a TOML key, got more."
        raise ValueError(msg)
    return tomllib.loads(text)


def _split_properties(markdown: str) -> tuple[Mapping[str, Any], str]:
    """Split off Logseq's page properties (`alias:: Frosty`) and remove its internal ones."""
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
    """Parse YAML with plain values.

    Args:
        text: YAML from an untrusted file.

    Returns:
        The value; None for blank text.

    Raises:
        ValueError: If the text is not valid YAML, or has references, Python tags or more than 200
            brackets.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc, unused-ignore]
        """Refuses references: with them, a few lines can make a value of any size."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError
            return super().compose_node(parent, index)

    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        msg = f"Expected YAML with at most {_MAX_BRACKETS} brackets, got more."
        raise ValueError(msg)
    # Like YAML 1.2 and Obsidian: "no" is a word, and 12:30 is not a base-60 number.
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


def split_names(value: Any, *, separators: str = ",") -> list[str]:
    """Return the names in a field such as `aliases` or `tags`.

    Args:
        value: A list, or a string with several names.
        separators: Characters that separate the names in a string.

    Returns:
        The names without duplicates and without the `#` of a tag.
    """
    if isinstance(value, str):
        value = re.split(f"[{re.escape(separators)}]+", value.strip().strip("[]"))
    if not isinstance(value, list):
        value = [] if value is None else [value]
    names = (_name(name) for name in value[:_MAX_VALUES] if _is_scalar(name))
    return list(dict.fromkeys(name for name in names if name))


def _name(value: Any) -> str:
    return str(json_value(value)).strip().strip("\"'").removeprefix("#")


def json_value(value: Any) -> Any:
    """Convert a value for JSON; None for anything but a scalar or a list of scalars."""
    if isinstance(value, list):
        return [json_value(inner) for inner in value[:_MAX_VALUES] if _is_scalar(inner)]
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float)) else None


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float, date, time))
