"""Make articles from records of JSON lines or Parquet files."""

from __future__ import annotations

from typing import Any

from wikirank.errors import CorpusError
from wikirank.types import Article

_REVISION_FIELDS = ("revision", "revision_id", "revid")


def article_from_record(record: dict[str, Any], where: str) -> Article:
    """Make an article from a record.

    Args:
        record: `title` and `text` (strings) are required. `url` (string) and one of `revision`,
            `revision_id`, `revid` (string or whole number) are optional; the first of these that
            is set is used. All other fields become metadata.
        where: File and line or row, for error messages.

    Returns:
        The article.

    Raises:
        CorpusError: If a field is missing or of the wrong type.
    """
    rest = dict(record)
    title = _string(rest, "title", where)
    text = _string(rest, "text", where)
    url = "" if rest.get("url") is None else _string(rest, "url", where)
    rest.pop("url", None)
    return Article(title, text, url, _revision(rest, where), rest)


def _string(record: dict[str, Any], field: str, where: str) -> str:
    if field not in record:
        msg = f"{where}: expected the field {field!r}, got {sorted(record) or 'none'}"
        raise CorpusError(msg)
    value = record.pop(field)
    if not isinstance(value, str):
        msg = f"{where}: expected a string in the field {field!r}, got {_shown(value)}"
        raise CorpusError(msg)
    return value


def _revision(record: dict[str, Any], where: str) -> str:
    for field in _REVISION_FIELDS:
        value = record.pop(field, None)
        if value is None:
            continue
        # Data frames store whole numbers as floats in columns with gaps.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            msg = (
                f"{where}: expected a string or whole number in the field {field!r}, "
                f"got {_shown(value)}"
            )
            raise CorpusError(msg)
        return str(value)
    return ""


def _shown(value: object) -> str:
    """Return the repr of a value; if long, shortened and with the type."""
    shown = repr(value)
    return f"{shown[:60]}… ({type(value).__name__})" if len(shown) > 60 else shown
