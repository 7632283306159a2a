"""Scores of documents that a client sends, in slices, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from tokenizers import Tokenizer

from wikirank.rank import CrossEncoder, best_first, rank_texts
from wikirank.runtime.tokens import check_text, check_texts

LONGEST_DOCUMENT_CHARS = 20_000
_SLICE_DOCUMENTS = 64
_SLICE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Reranking:
    """Documents in the order of their relevance to a query.

    Attributes:
        order: Positions of the documents, best first.
        relevance_scores: Of the documents in that order, each in [0, 1].
        tokens: How many tokens the model was given, the query's counted once for each document.
        warnings: What was cut.
        timings: Milliseconds, by name of stage.
    """

    order: list[int]
    relevance_scores: list[float]
    tokens: int
    warnings: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)


def rerank_texts(
    cross_encoder: CrossEncoder,
    query: str,
    texts: Sequence[str],
    *,
    top_n: int | None = None,
    max_tokens: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> Reranking:
    """Order texts by how well each answers a query.

    Args:
        cross_encoder: The model.
        query: The query; what is over half the model's length is cut.
        texts: The documents, each as the model reads it; what is over 20,000 characters is cut.
        top_n: How many matter; a model with a first pass drops the hopeless ones of the others.
        max_tokens: Most tokens to read of a document; None reads all that is left.
        check: Called between slices; raises to end the work.

    Returns:
        At most `top_n` of them; all where it is None.

    Raises:
        InvalidArgumentError: If the query is blank, or a text is not valid Unicode.
    """
    started = perf_counter()
    check_text(query, what="query")
    check_texts(texts, what="document")
    tokenizer = cross_encoder.tokenizer
    query, query_tokens, warnings = _fit_query(cross_encoder, query)
    best = top_n if top_n is not None and top_n < len(texts) else None
    scores, relevance, tokens, cut = np.empty(0), np.empty(0), query_tokens * len(texts), 0
    for part in _slices(texts):
        check()
        fitted = [_fit(tokenizer, text, max_tokens) for text in part]
        tokens += sum(count for _, count, _ in fitted)
        cut += sum(was_cut for _, _, was_cut in fitted)
        cut_texts = [text for text, _, _ in fitted]
        wanted = best if best is not None and best < len(cut_texts) else None
        ranked = rank_texts(cross_encoder, query, cut_texts, top_n=wanted)
        scores = np.concatenate([scores, ranked.scores])
        relevance = np.concatenate([relevance, ranked.relevance_scores])
    if cut:
        warnings.append(f"The ends of {cut} of {len(texts)} documents were cut off.")
    order = best_first(scores)[:top_n]
    timings = {"rerank": (perf_counter() - started) * 1000}
    return Reranking(order, relevance[order].tolist(), tokens, warnings, timings)


def _fit_query(cross_encoder: CrossEncoder, query: str) -> tuple[str, int, list[str]]:
    """The query as far as the model reads it, its tokens, and a warning if it was cut."""
    tokenizer = cross_encoder.tokenizer
    most = (cross_encoder.max_length - tokenizer.num_special_tokens_to_add(True)) // 2
    text, tokens, was_cut = _fit(tokenizer, query, most)
    if not was_cut:
        return text, tokens, []
    return text, tokens, [f"The query was cut after {most} tokens, the most that the model reads."]


def _fit(tokenizer: Tokenizer, text: str, most: int | None) -> tuple[str, int, bool]:
    """A text cut to so many tokens, how many it has then, and whether it was cut."""
    shortened = text[:LONGEST_DOCUMENT_CHARS]
    encoded = tokenizer.encode(shortened, add_special_tokens=False)
    if most is None or len(encoded) <= most:
        return shortened, len(encoded), len(shortened) < len(text)
    return shortened[: encoded.offsets[most - 1][1]], most, True


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    chars = 0
    for text in texts:
        size = min(len(text), LONGEST_DOCUMENT_CHARS)
        if part and (len(part) == _SLICE_DOCUMENTS or chars + size > _SLICE_CHARS):
            yield part
            part, chars = [], 0
        part.append(text)
        chars += size
    if part:
        yield part
