"""Pick the sentence of each passage that answers a query best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from wikirank.passages.sentences import sentence_spans
from wikirank.rank import CrossEncoder, score_passages
from wikirank.search.rerank import reranker_text
from wikirank.types import Passage

_MAX_SENTENCES = 40  # Per passage; more would take too long to score.


def answering_sentences(
    query: str, passages: Sequence[Passage], cross_encoder: CrossEncoder | None
) -> list[str]:
    """Return the sentence of each passage that answers best.

    Args:
        query: The query.
        passages: The passages.
        cross_encoder: Scores the sentences. With None the sentence with most words of the query
            wins.

    Returns:
        One sentence per passage, verbatim; empty for a passage without sentences.
    """
    sentences = [
        [
            passage.text[start:end]
            for start, end in islice(sentence_spans(passage.text), _MAX_SENTENCES)
        ]
        for passage in passages
    ]
    scores = iter(_scores(query, passages, sentences, cross_encoder))
    answers = []
    for group in sentences:
        scored = [(next(scores), -number, sentence) for number, sentence in enumerate(group)]
        answers.append(max(scored)[2].strip() if scored else "")
    return answers


def _scores(
    query: str,
    passages: Sequence[Passage],
    sentences: Sequence[Sequence[str]],
    cross_encoder: CrossEncoder | None,
) -> list[float]:
    if cross_encoder is None:
        words = set(query.casefold().split())
        return [float(len(words & set(s.casefold().split()))) for group in sentences for s in group]
    texts = [
        reranker_text(replace(passage, text=sentence), cross_encoder)
        for passage, group in zip(passages, sentences, strict=True)
        for sentence in group
    ]
    return score_passages(cross_encoder, query, texts).tolist() if texts else []
