"""The sentence of each passage that answers a query best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from wikirank.passages.sentences import sentence_spans
from wikirank.rank import CrossEncoder, score_passages
from wikirank.search.rerank import reranker_text
from wikirank.types import Passage

_MOST_SENTENCES = 40  # of a passage; more take longer to score than anyone waits


def answering_sentences(
    query: str, passages: Sequence[Passage], cross_encoder: CrossEncoder | None
) -> list[str]:
    """The sentence of each passage that answers best.

    Args:
        query: The query.
        passages: The passages.
        cross_encoder: What scores the sentences; without one the first that has most words of the
            query is taken.

    Returns:
        A sentence of each passage, as it stands there; empty for a passage without any.
    """
    sentences = [
        [
            passage.text[start:end]
            for start, end in islice(sentence_spans(passage.text), _MOST_SENTENCES)
        ]
        for passage in passages
    ]
    scores = iter(_scores(query, passages, sentences, cross_encoder))
    answers = []
    for own in sentences:
        scored = [(next(scores), -number, sentence) for number, sentence in enumerate(own)]
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
        return [float(len(words & set(s.casefold().split()))) for own in sentences for s in own]
    texts = [
        reranker_text(replace(passage, text=sentence), cross_encoder)
        for passage, own in zip(passages, sentences, strict=True)
        for sentence in own
    ]
    return score_passages(cross_encoder, query, texts).tolist() if texts else []
