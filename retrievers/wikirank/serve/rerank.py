"""Rerank the documents that a client sends, in slices, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from tokenizers import Tokenizer

from wikirank.rank import CrossEncoder, best_first, rank_texts
from wikirank.runtime.tokens import check_text, check_texts

MAX_DOCUMENT_CHARS = 20_000
_SLICE_DOCUMENTS = 64
_SLICE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Reranking:
    """Documents ordered by their relevance to a query.

    Attributes:
        order: Positions of the documents in the request, best first.
        relevance_scores: Scores in [0, 1], in the same order.
        tokens: Number of tokens read by the model; the query counts once per document.
        warnings: Descriptions of what was truncated.
        timings: Milliseconds of each stage.
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
    """Order texts by how well they answer a query.

    Args:
        cross_encoder: Model to rerank with.
        query: The query. It is truncated to half the length of the model.
        texts: The documents as the model reads them. They are truncated to 20,000 characters.
        top_n: Number of documents to return; None for all. A model with a prefilter may drop
            hopeless documents before it scores the rest.
        max_tokens: Most tokens to read of a document; None for no further limit.
        check: Called between slices; may raise to end the work.

    Returns:
        The best documents and their scores.

    Raises:
        InvalidArgumentError: If the query is blank, or a text is not valid Unicode.
    """
    started = perf_counter()
    check_text(query, what="query")
    check_texts(texts, what="document")
    tokenizer = cross_encoder.tokenizer
    query, query_tokens, warnings = _fit_query(cross_encoder, query)
    scores, relevance, tokens, truncated = np.empty(0), np.empty(0), query_tokens * len(texts), 0
    for part in _slices(texts):
        check()
        fitted = [_truncate(tokenizer, text, max_tokens) for text in part]
        tokens += sum(count for _, count, _ in fitted)
        truncated += sum(is_truncated for _, _, is_truncated in fitted)
        slice_top_n = top_n if top_n is not None and top_n < len(part) else None
        ranked = rank_texts(
            cross_encoder, query, [text for text, _, _ in fitted], top_n=slice_top_n
        )
        scores = np.concatenate([scores, ranked.scores])
        relevance = np.concatenate([relevance, ranked.relevance_scores])
    if truncated:
        warnings.append(f"{truncated} of {len(texts)} documents were truncated.")
    order = best_first(scores)[:top_n]
    timings = {"rerank": (perf_counter() - started) * 1000}
    return Reranking(order, relevance[order].tolist(), tokens, warnings, timings)


def _fit_query(cross_encoder: CrossEncoder, query: str) -> tuple[str, int, list[str]]:
    """Return the truncated query, its number of tokens, and a warning if it was truncated."""
    tokenizer = cross_encoder.tokenizer
    limit = (cross_encoder.max_length - tokenizer.num_special_tokens_to_add(True)) // 2
    text, tokens, is_truncated = _truncate(tokenizer, query, limit)
    warning = f"The query was truncated to {limit} tokens, the most that the model reads."
    return text, tokens, [warning] if is_truncated else []


def _truncate(tokenizer: Tokenizer, text: str, max_tokens: int | None) -> tuple[str, int, bool]:
    """Return the truncated text, its number of tokens, and whether it was truncated."""
    shortened = text[:MAX_DOCUMENT_CHARS]
    encoded = tokenizer.encode(shortened, add_special_tokens=False)
    if max_tokens is None or len(encoded) <= max_tokens:
        return shortened, len(encoded), len(shortened) < len(text)
    return shortened[: encoded.offsets[max_tokens - 1][1]], max_tokens, True


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    chars = 0
    for text in texts:
        size = min(len(text), MAX_DOCUMENT_CHARS)
        if part and (len(part) == _SLICE_DOCUMENTS or chars + size > _SLICE_CHARS):
            yield part
            part, chars = [], 0
        part.append(text)
        chars += size
    if part:
        yield part
