"""What the lexical index is asked: any of the words of a query, misspelt ones as near ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tantivy

K1 = 1.2
_FIELD = "body"
# Letters from which on a word unknown to the index is taken for one that differs in one place, and
# in two.
_ONE_SLIP = 4
_TWO_SLIPS = 9


def any_of(
    searcher: tantivy.Searcher, schema: tantivy.Schema, stems: Sequence[str]
) -> tuple[tantivy.Query, float]:
    """The query for passages with any of some stems.

    A stem that no passage has stands for those that differ from it in a letter or two, which count
    as one stem that occurs once in a passage of mean length.

    Args:
        searcher: The index as it is now.
        schema: Its schema.
        stems: The stems.

    Returns:
        The query, and what its scores stay below, however often a passage has all of the stems.
    """
    parts = [_part(searcher, schema, stem) for stem in stems]
    query = tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part, _ in parts])
    return query, (K1 + 1) * sum(weight for _, weight in parts)


def _part(
    searcher: tantivy.Searcher, schema: tantivy.Schema, stem: str
) -> tuple[tantivy.Query, float]:
    count = searcher.num_docs
    exact = tantivy.Query.term_query(schema, _FIELD, stem)
    frequency = searcher.doc_freq(_FIELD, stem)
    if frequency == 0 and stem.isalpha() and len(stem) >= _ONE_SLIP:
        slips = 1 if len(stem) < _TWO_SLIPS else 2
        near = tantivy.Query.fuzzy_term_query(schema, _FIELD, stem, slips)
        found: int = searcher.search(near, limit=1, count=True).count  # type: ignore[attr-defined]
        if found:
            weight = _weight(found, count)
            return tantivy.Query.const_score_query(near, weight), weight
    return exact, _weight(frequency, count)


def _weight(frequency: int, count: int) -> float:
    """The inverse document frequency of BM25."""
    return math.log1p((count - frequency + 0.5) / (frequency + 0.5))
