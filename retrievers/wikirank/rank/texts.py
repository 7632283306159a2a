"""The order of texts of which a query and they themselves are all that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wikirank.embed import load_embedder
from wikirank.rank.protocol import PRUNED, CrossEncoder
from wikirank.rank.score import best_first, score_passages
from wikirank.types import OnTruncation


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """Texts as a query ranks them.

    Attributes:
        logits: (n,), the cross-encoder's; minus infinity for a text that a prefilter dropped.
        scores: (n,), what they are ordered by, higher is better; likewise.
        relevance_scores: (n,), each in [0, 1]; 0 for a text that was dropped.
    """

    logits: NDArray[np.float64]
    scores: NDArray[np.float64]
    relevance_scores: NDArray[np.float64]

    @property
    def order(self) -> list[int]:
        """Positions of the texts, best first, without those that were dropped."""
        return best_first(self.scores)[: int((self.logits > PRUNED).sum())]


def rank_texts(
    cross_encoder: CrossEncoder,
    query: str,
    texts: Sequence[str],
    *,
    on_truncation: OnTruncation = "window",
    top_n: int | None = None,
    interpolate: bool = True,
    cosines: Sequence[float] | None = None,
) -> RankedTexts:
    """Rank texts by the cross-encoder, together with the bundled embedder where it learned how.

    A model with a `dense_combination` is interpolated with the cosine similarity of query and text:
    what a bi-encoder learned from a billion pairs is more than six layers can learn by heart, and
    both err on different texts. The bundled embedder reads what no prefilter dropped, which takes
    about as long as to score it.

    Args:
        cross_encoder: The model.
        query: The query.
        texts: The passages, each with its heading if `cross_encoder.prepend_heading` says so.
        on_truncation: See `score_passages`.
        top_n: Likewise.
        interpolate: False ranks by the logit alone.
        cosines: Of all texts, where they are known, by the bundled embedder.

    Returns:
        Their scores; a text's do not depend on the other texts.

    Raises:
        InvalidArgumentError: As `score_passages`.
        TextTooLongError: Likewise.
        ModelError: Likewise.
    """
    logits = score_passages(cross_encoder, query, texts, on_truncation=on_truncation, top_n=top_n)
    combination = cross_encoder.dense_combination if interpolate else None
    if combination is None:
        scores, relevance = logits, cross_encoder.calibration.relevance(logits)
    else:
        if cosines is None:
            cosines = _cosines(query, texts, logits > PRUNED)
        scores = combination.scores(logits, cosines, [None] * len(texts))
        relevance = combination.relevance(scores)
    return RankedTexts(logits, scores, relevance)


def _cosines(query: str, texts: Sequence[str], wanted: NDArray[np.bool_]) -> list[float]:
    """Of the texts that are wanted and not blank; 0 for others."""
    cosines = np.zeros(len(texts))
    read = [index for index, text in enumerate(texts) if wanted[index] and text.strip()]
    if read:
        embedder = load_embedder()
        vectors = embedder.embed_passages([texts[index] for index in read])
        # Not a matrix product: its rounding differs by the number of texts.
        cosines[read] = (vectors * embedder.embed_query(query)).sum(axis=1)
    values: list[float] = cosines.tolist()
    return values
