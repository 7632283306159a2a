"""Joining to each result the passages around it, so that an answer is not cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from wikirank.index.store import PassageStore
from wikirank.types import Passage, RankedPassage


def with_neighbours(
    store: PassageStore, ranked: Sequence[RankedPassage], reach: int
) -> list[RankedPassage]:
    """Join to each passage those before and after it in its section, in reading order.

    A passage that stands in the text of a better one already is left out, so fewer may come
    back; no text comes back twice.

    Args:
        store: The store of the passages.
        ranked: Passages, best first.
        reach: How many to join before, and how many after.

    Returns:
        The passages with longer texts, best first, ranks counted again.
    """
    shown: set[str] = set()
    joined: list[RankedPassage] = []
    for result in ranked:
        if result.passage.id in shown:
            continue
        around = [p for p in store.adjacent(result.passage, reach) if p.id not in shown]
        shown.update(passage.id for passage in around)
        passage = replace(result.passage, text=joined_text(around), start=around[0].start)
        passage = replace(passage, end=around[-1].end)
        joined.append(replace(result, passage=passage, rank=len(joined) + 1))
    return joined


def joined_text(passages: Sequence[Passage]) -> str:
    """The text of adjacent passages as one, in reading order; what overlaps stands there once."""
    text = passages[0].text
    for previous, following in pairwise(passages):
        if previous.start < following.start < previous.end:
            text += following.text[previous.end - following.start :]
        elif following.start == previous.end > previous.start:
            text += following.text
        else:
            text += f" {following.text}"
    return text
