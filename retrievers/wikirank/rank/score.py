"""Score and rank passages of any length for a query."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from wikirank.embed import load_embedder
from wikirank.errors import InvalidArgumentError, TextTooLongError, TruncationWarning
from wikirank.rank.protocol import PRUNED, Cascade, CrossEncoder, TextCrossEncoder
from wikirank.runtime.combination import FirstStageScores, ScoreInterpolation
from wikirank.runtime.tokens import check_text, check_texts
from wikirank.types import OnTruncation

_OVERLAP = 4  # A window repeats the last quarter of the window before it.


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """Scores of texts for a query, in the order of the texts.

    Attributes:
        logits: (n,), raw cross-encoder logits; minus infinity for a text that a prefilter dropped.
        scores: (n,), the scores to rank by, higher is better; minus infinity if dropped.
        relevance_scores: (n,), in [0, 1]; 0 if dropped.
    """

    logits: NDArray[np.float64]
    scores: NDArray[np.float64]
    relevance_scores: NDArray[np.float64]

    @classmethod
    def by_logit(cls, cross_encoder: CrossEncoder, logits: NDArray[np.float64]) -> RankedTexts:
        """Rank by the logit alone."""
        return cls(logits, logits, cross_encoder.calibration.relevance(logits))

    @classmethod
    def by_combination(
        cls,
        combination: ScoreInterpolation,
        logits: NDArray[np.float64],
        first_stage: FirstStageScores,
    ) -> RankedTexts:
        """Rank by the logit together with first-stage scores."""
        scores = combination.scores(logits, *first_stage)
        return cls(logits, scores, combination.relevance(scores))

    @property
    def order(self) -> list[int]:
        """Positions of the texts, best first, without dropped texts."""
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
    """Rank texts with a cross-encoder, interpolated with cosine similarity if it has learned how.

    The logit of a model with a `dense_combination` is combined with the cosine similarity of query
    and text. A bi-encoder trained on a billion pairs knows more than six layers can memorise, and
    the two models err on different texts. The bundled embedder embeds every text that the prefilter
    did not drop, which takes about as long as scoring it.

    Args:
        cross_encoder: The model.
        query: The query.
        texts: The passages, each with its heading if `cross_encoder.prepend_heading` is true.
        on_truncation: See `score_passages`.
        top_n: See `score_passages`.
        interpolate: False ranks by the logit alone.
        cosines: Cosine similarities of all texts, from the bundled embedder; None computes them.

    Returns:
        The scores. A text's scores do not depend on the other texts.

    Raises:
        InvalidArgumentError: See `score_passages`.
        TextTooLongError: See `score_passages`.
        ModelError: See `score_passages`.
    """
    logits = score_passages(cross_encoder, query, texts, on_truncation=on_truncation, top_n=top_n)
    combination = cross_encoder.dense_combination if interpolate else None
    if combination is None:
        return RankedTexts.by_logit(cross_encoder, logits)
    if cosines is None:
        cosines = _cosines(query, texts, logits > PRUNED)
    first_stage = FirstStageScores(cosines, [None] * len(texts))
    return RankedTexts.by_combination(combination, logits, first_stage)


def score_passages(
    cross_encoder: CrossEncoder,
    query: str,
    texts: Sequence[str],
    *,
    on_truncation: OnTruncation = "window",
    top_n: int | None = None,
    first_stage: FirstStageScores | None = None,
) -> NDArray[np.float64]:
    """Score passages for a query.

    `on_truncation` decides about pairs over the model's length. With "window" a passage is cut into
    overlapping windows and gets the highest of their logits; if the model reads headings, each
    window begins with the passage's heading. With "warn" only the first window counts, and a
    `TruncationWarning` is issued. With "error" nothing is cut. A query over half the model's length
    is cut with a warning, except with "error". A language model with a prompt of its own has no
    windows: with "window" a text that is too long is cut with a warning.

    Args:
        cross_encoder: The model.
        query: The query.
        texts: The passages, each with its heading if `cross_encoder.prepend_heading` is true.
        on_truncation: "window", "warn" or "error".
        top_n: The number of passages wanted, 1 or more. A model with a prefilter drops passages
            with no chance to be among them, and hopeless windows of the others, which saves most
            of the time. None scores all.
        first_stage: First-stage scores of the passages, in hybrid search. They help the prefilter
            to choose and change no logit.

    Returns:
        (n,), raw logits in the order of the texts; higher is more relevant. Dropped passages have
        minus infinity; at least `top_n` passages are not dropped.

    Raises:
        InvalidArgumentError: If the query is blank, a text is not a string, `top_n` is below 1, or
            `on_truncation` is unknown.
        TextTooLongError: If a query or text is too long and `on_truncation` is "error".
        ModelError: If the model failed.
    """
    if on_truncation not in get_args(OnTruncation):
        msg = (
            f"Expected on_truncation to be one of {get_args(OnTruncation)}, "
            f"got {on_truncation!r}. Choose one."
        )
        raise InvalidArgumentError(msg)
    if top_n is not None and top_n < 1:
        msg = f"Expected top_n to be 1 or more, got {top_n}. Leave it out to score all."
        raise InvalidArgumentError(msg)
    check_text(query, what="query")
    check_texts(texts, what="passage")
    if not texts:
        return np.empty(0)
    if isinstance(cross_encoder, TextCrossEncoder):
        return cross_encoder.score_texts(query, texts, on_truncation=on_truncation)
    encoded = _fit_query(cross_encoder, query, on_truncation)
    windows = _windows(cross_encoder, texts, _room(cross_encoder) - len(encoded), on_truncation)
    pair = cross_encoder.tokenizer.post_process
    pairs = [[pair(encoded, window) for window in parts] for parts in windows]
    return _logits(cross_encoder, pairs, top_n, first_stage)


def best_first(logits: NDArray[np.float64]) -> list[int]:
    """Return positions from the highest logit to the lowest; ties keep their order."""
    order: list[int] = np.argsort(-logits, kind="stable").tolist()
    return order


def _room(cross_encoder: CrossEncoder) -> int:
    """Return how many tokens query and passage may have together."""
    return cross_encoder.max_length - cross_encoder.tokenizer.num_special_tokens_to_add(True)


def _fit_query(cross_encoder: CrossEncoder, query: str, on_truncation: OnTruncation) -> Encoding:
    """Encode the query; cut it if it is too long."""
    encoded = cross_encoder.tokenizer.encode(query, add_special_tokens=False)
    limit = _room(cross_encoder) // 2
    if len(encoded) > limit:
        msg = f"The query has {len(encoded)} tokens; the model reads {limit} beside a passage. "
        if on_truncation == "error":
            raise TextTooLongError(msg + "Shorten it, or choose another on_truncation.")
        warnings.warn(msg + "The rest was cut off.", TruncationWarning, stacklevel=3)
        # Encode again: a truncated encoding keeps the cut part and still pairs it.
        end = encoded.offsets[limit - 1][1]
        encoded = cross_encoder.tokenizer.encode(query[:end], add_special_tokens=False)
    return encoded


def _windows(
    cross_encoder: CrossEncoder, texts: Sequence[str], room: int, on_truncation: OnTruncation
) -> list[list[Encoding]]:
    """Encode the passages and cut them to fit the tokens that the query leaves."""
    tokenizer = cross_encoder.tokenizer
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    windows = [
        [encoding]
        if len(encoding) <= room
        else _cut(tokenizer, text, room, has_heading=cross_encoder.prepend_heading)
        for text, encoding in zip(texts, encoded, strict=True)
    ]
    long = [position for position, parts in enumerate(windows) if len(parts) > 1]
    if long and on_truncation != "window":
        _report_long(long, len(texts), room, on_truncation)
        windows = [parts[:1] for parts in windows]
    return windows


def _cut(tokenizer: Tokenizer, text: str, room: int, *, has_heading: bool) -> list[Encoding]:
    """Cut a long text into windows, each below the text's heading (its first line), if any."""
    head, newline, body = text.partition("\n")
    heading = tokenizer.encode(head, add_special_tokens=False)
    if not (has_heading and newline and body.strip() and len(heading) <= room // 4):
        return cut_windows(tokenizer.encode(text, add_special_tokens=False), room)
    encoded = tokenizer.encode(body, add_special_tokens=False)
    return [
        Encoding.merge([heading, window], growing_offsets=False)
        for window in cut_windows(encoded, room - len(heading))
    ]


def _logits(
    cross_encoder: CrossEncoder,
    pairs: Sequence[Sequence[Encoding]],
    top_n: int | None,
    first_stage: FirstStageScores | None,
) -> NDArray[np.float64]:
    """Return the highest logit among each passage's windows."""
    if top_n is not None and top_n < len(pairs) and isinstance(cross_encoder, Cascade):
        prefilter_logits = _window_logits(cross_encoder.prefilter_logits, pairs)
        masks = cross_encoder.survivors(prefilter_logits, top_n, first_stage)
        pairs = [list(compress(parts, mask)) for parts, mask in zip(pairs, masks, strict=True)]
    logits = _window_logits(cross_encoder.logits, pairs)
    return np.array([windows.max(initial=PRUNED) for windows in logits])


def _window_logits(
    score: Callable[[Sequence[Encoding]], NDArray[np.float64]], pairs: Sequence[Sequence[Encoding]]
) -> list[NDArray[np.float64]]:
    """Score all windows at once; return (windows,) logits for each passage."""
    logits = score([pair for parts in pairs for pair in parts])
    return np.split(logits, np.cumsum([len(parts) for parts in pairs[:-1]]))


def _report_long(long: list[int], total: int, room: int, on_truncation: OnTruncation) -> None:
    msg = (
        f"{len(long)} of {total} passages exceed the {room} tokens that the query leaves, "
        f"the first at position {long[0]}. "
    )
    if on_truncation == "error":
        raise TextTooLongError(msg + 'Shorten them, or use on_truncation="window".')
    warnings.warn(msg + "Their ends were cut off.", TruncationWarning, stacklevel=3)


def cut_windows(encoding: Encoding, room: int) -> list[Encoding]:
    """Cut an encoded text into windows that overlap by a quarter.

    Args:
        encoding: The text without special tokens. It is changed: it becomes the first window.
        room: Maximum number of tokens per window, 1 or more.

    Returns:
        The windows in reading order, or the text alone if it fits. A word or phrase of up to a
        quarter of `room` is whole in at least one window.
    """
    encoding.truncate(room, stride=room // _OVERLAP)
    return [encoding, *encoding.overflowing]


def _cosines(query: str, texts: Sequence[str], wanted: NDArray[np.bool_]) -> list[float]:
    """Return cosine similarities of texts that are wanted and not blank; 0 for the others."""
    cosines = np.zeros(len(texts))
    embedded = [index for index, text in enumerate(texts) if wanted[index] and text.strip()]
    if embedded:
        embedder = load_embedder()
        vectors = embedder.embed_passages([texts[index] for index in embedded])
        # Not a matrix product: its rounding depends on the number of texts.
        cosines[embedded] = (vectors * embedder.embed_query(query)).sum(axis=1)
    values: list[float] = cosines.tolist()
    return values
