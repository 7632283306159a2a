"""Subsets of a data set on which rankings differ: by word overlap, article, or kind of query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import median

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.index.languages import STOPWORDS
from wikirank.types import Passage

LOW_OVERLAP = "low word overlap"
HIGH_OVERLAP = "high word overlap"
SAME_ARTICLE = "same-article distractors"

_WORD = re.compile(r"\w+")
_STOPWORDS = frozenset(STOPWORDS.split())


def word_overlap(query: str, passage: str) -> float:
    """Return the share of a query's distinct words that a passage contains.

    Args:
        query: Stop words do not count, unless the query has no other words. Case is ignored.
        passage: Title and text.

    Returns:
        The share, in [0, 1]; 0 for a query without words.
    """
    words = set(_WORD.findall(query.casefold()))
    keywords = (words - _STOPWORDS) or words
    return len(keywords & set(_WORD.findall(passage.casefold()))) / max(1, len(keywords))


def overlap_strata(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Divide the queries by their word overlap with the relevant passage.

    Args:
        dataset: The data set. If a query has several relevant passages, the highest overlap counts.

    Returns:
        `LOW_OVERLAP` to ids of queries below the median, which may be none; `HIGH_OVERLAP` to the
        others.
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


def kinds_of_query(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Divide the queries by kind.

    Args:
        dataset: The data set. Queries without a kind are left out.

    Returns:
        Kind to query ids, sorted by kind; empty if there are not at least two kinds.
    """
    parts: dict[str, list[str]] = {kind: [] for kind in sorted(set(dataset.kinds.values()))}
    for query in dataset.queries:
        if query in dataset.kinds:
            parts[dataset.kinds[query]].append(query)
    filled = {kind: queries for kind, queries in parts.items() if queries}
    return filled if len(filled) > 1 else {}


def same_article_ids(
    dataset: RetrievalDataset, query: str, candidates: Iterable[Passage]
) -> list[str]:
    """Find the candidates from the articles of a query's relevant passages.

    Args:
        dataset: The data set. Passages with the same title are from the same article.
        query: Id of the query.
        candidates: Passages of the data set, and distractors with titles of their own.

    Returns:
        Ids of the candidates with the title of a relevant passage, relevant ones included; none if
        no relevant passage has a title.
    """
    titles = {dataset.titles.get(id_, "") for id_ in dataset.relevant[query]} - {""}
    return [p.id for p in candidates if dataset.titles.get(p.id, p.title) in titles]
