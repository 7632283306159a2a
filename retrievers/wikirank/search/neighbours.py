"""Join each result with the passages around it, so that answers are not cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from wikirank.index.store import PassageStore
from wikirank.types import Passage, RankedPassage


def with_neighbours(
    store: PassageStore, ranked: Sequence[RankedPassage], reach: int
) -> list[RankedPassage]:
    """Join each passage with those before and after it in its section, in reading order.

    No text is returned twice. A passage that is already in the text of a better one is dropped, so
    the result may be shorter.

    Args:
        store: The store of the passages.
        ranked: Passages, best first.
        reach: Number of passages to join before, and after.

    Returns:
        Passages with the longer texts, best first, with new ranks.
    """
    used: set[str] = set()
    joined: list[RankedPassage] = []
    for result in ranked:
        if result.passage.id in used:
            continue
        parts = [p for p in store.adjacent(result.passage, reach) if p.id not in used]
        used.update(passage.id for passage in parts)
        passage = replace(
            result.passage, text=joined_text(parts), start=parts[0].start, end=parts[-1].end
        )
        joined.append(replace(result, passage=passage, rank=len(joined) + 1))
    return joined


def joined_text(passages: Sequence[Passage]) -> str:
    """Join the texts of adjacent passages in reading order, without repeating overlaps."""
    text = passages[0].text
    for previous, following in pairwise(passages):
        if previous.start < following.start < previous.end:
            text += following.text[previous.end - following.start :]
        elif following.start == previous.end > previous.start:
            text += following.text
        else:
            text += f" {following.text}"
    return text
