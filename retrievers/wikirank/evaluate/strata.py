"""Parts of a data set on which rankings differ: few shared words, one article, one kind."""

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


def kinds_of_query(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Part the queries by their kinds.

    Args:
        dataset: Queries may have no kind.

    Returns:
        Kind to the ids of its queries, in the order of the kinds' names; none if all queries that
        have a kind are of one.
    """
    parts: dict[str, list[str]] = {kind: [] for kind in sorted(set(dataset.kinds.values()))}
    for query in dataset.queries:
        if query in dataset.kinds:
            parts[dataset.kinds[query]].append(query)
    filled = {kind: queries for kind, queries in parts.items() if queries}
    return filled if len(filled) > 1 else {}


def of_same_article(
    dataset: RetrievalDataset, query: str, candidates: Iterable[Passage]
) -> list[str]:
    """Find the candidates that are from the articles which answer a query.

    Args:
        dataset: Titles tell its articles; those of other passages are their own.
        query: Id of the query.
        candidates: Passages of the data set and others.

    Returns:
        Ids of the candidates that have the title of a relevant passage, relevant ones included;
        none if no relevant passage has a title.
    """
    wanted = {dataset.titles.get(id_, "") for id_ in dataset.relevant[query]} - {""}
    return [one.id for one in candidates if dataset.titles.get(one.id, one.title) in wanted]
