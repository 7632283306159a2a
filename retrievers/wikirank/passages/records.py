"""Make passages from ready-made records: of a Chroma collection or a caller's documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wikirank.types import HEADING_SEPARATOR, Passage


def passage_from_record(
    id_: str, text: str, metadata: Mapping[str, Any], *, source: str, number: int
) -> Passage:
    """Make a passage from an id, a text and free metadata.

    The keys `title`, `section`, `url`, `revision` and `passage_number` become fields of the
    passage if their values have the right type. All other keys stay in its metadata.

    Args:
        id_: Id of the passage.
        text: Text of the passage.
        metadata: Metadata; not modified.
        source: Name of the source.
        number: Number of the passage if the metadata has no `passage_number`.

    Returns:
        The passage.
    """
    rest = dict(metadata)
    title = _take_text(rest, "title")
    url = _take_text(rest, "url")
    value = rest.get("passage_number")
    if isinstance(value, int) and not isinstance(value, bool):
        number = int(rest.pop("passage_number"))
    return Passage(
        id=id_,
        text=text,
        source=source,
        article=url.partition("#")[0] or title or id_,
        number=number,
        title=title,
        section=_take_section(rest),
        url=url,
        revision=_take_text(rest, "revision"),
        end=len(text),
        metadata=rest,
    )


def _take_text(metadata: dict[str, Any], key: str) -> str:
    return metadata.pop(key) if isinstance(metadata.get(key), str) else ""


def _take_section(metadata: dict[str, Any]) -> tuple[str, ...]:
    section = metadata.get("section")
    if isinstance(section, str):
        metadata.pop("section")
        return tuple(part for part in section.split(HEADING_SEPARATOR) if part)
    if isinstance(section, Sequence) and all(isinstance(part, str) for part in section):
        return tuple(metadata.pop("section"))
    return ()


def passages_digest(passages: Iterable[Passage]) -> str:
    """Hash all fields of some passages, so that any change is noticed."""
    digest = hashlib.blake2b(digest_size=16)
    for passage in passages:
        digest.update(repr(passage).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
