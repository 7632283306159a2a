"""The YAML that may stand at the head of a Markdown file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_LONGEST = 64 * 2**10  # characters
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_MOST_VALUES = 1000
_MOST_BRACKETS = 200  # the parser's time grows with the square of their depth


def split_front_matter(markdown: str) -> tuple[Mapping[str, Any] | None, str]:
    """Take the front matter off a document.

    Args:
        markdown: The document, its lines ended by line feeds.

    Returns:
        What the front matter says, with the document after it. The mapping is empty where there
        is no front matter. It is None where there is, but it is no YAML, holds anchors or
        references, or is longer than 64 KiB characters: then its lines stay in the document, as
        text.
    """
    if not re.match(r"---[ \t]*\n", markdown):
        return {}, markdown
    start = markdown.index("\n") + 1
    closing = _CLOSING.search(markdown, start, start + _LONGEST)
    if closing is None:
        return {}, markdown
    head = markdown[start : closing.start()]
    body = markdown[closing.end() :].removeprefix("\n")
    try:
        values = parse_yaml(head)
    except ValueError:
        # As code: its comments are no headings.
        return None, "".join(f"    {line}\n" for line in head.splitlines()) + f"\n{body}"
    if isinstance(values, Mapping):
        return {str(key): value for key, value in values.items()}, body
    return {}, markdown if head.strip() else body  # text between two rules


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

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses references, of which a few lines may make a value of any size."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError
            return super().compose_node(parent, index)

    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        msg = f"over {_MOST_BRACKETS} brackets"
        raise ValueError(msg)
    try:
        return yaml.load(text, Loader)  # derived from SafeLoader
    except (yaml.YAMLError, RecursionError, TypeError) as err:
        raise ValueError(str(err)) from err


def words_of(value: Any) -> list[str]:
    """The names in a field such as `aliases` or `tags`: a list, or text with commas between."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        value = [] if value is None else [value]
    names = (str(name).strip().removeprefix("#") for name in value[:_MOST_VALUES] if _plain(name))
    return list(dict.fromkeys(name for name in names if name))


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
