"""Parts of a data set on which rankings differ: few shared words, fewer candidates."""

from __future__ import annotations

import re
from statistics import median

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.index.stopwords import STOPWORDS

DEPTHS = (20, 50, 100)
LOW_OVERLAP = "low word overlap"
HIGH_OVERLAP = "high word overlap"

_WORD = re.compile(r"\w+")
_STOPWORDS = frozenset(STOPWORDS.split())


def word_overlap(query: str, passage: str) -> float:
    """Share of a query's content words that a passage holds.

    Args:
        query: Its distinct words, case aside and stop words out, are counted; all of its words
            if every one is a stop word.
        passage: Title and text.

    Returns:
        The share, in [0, 1]; 0 for a query without a word.
    """
    words = set(_WORD.findall(query.casefold()))
    telling = (words - _STOPWORDS) or words
    return len(telling & set(_WORD.findall(passage.casefold()))) / max(1, len(telling))


def overlap_strata(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Part the queries by the words that they share with the passage to find.

    Args:
        dataset: Of a query's relevant passages the one that shares most counts.

    Returns:
        `LOW_OVERLAP`: ids of the queries below the data set's median; `HIGH_OVERLAP`: of the
        others. The first has none where half of the queries or more share least.
    """
    overlaps = {
        id_: max(
            word_overlap(query, f"{dataset.titles.get(key, '')} {dataset.passages[key]}")
            for key in dataset.relevant[id_]
        )
        for id_, query in dataset.queries.items()
    }
    middle = median(overlaps.values())
    return {
        LOW_OVERLAP: [id_ for id_, overlap in overlaps.items() if overlap < middle],
        HIGH_OVERLAP: [id_ for id_, overlap in overlaps.items() if overlap >= middle],
    }
