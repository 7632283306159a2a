"""Scores of passages for a query, whatever their length."""

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

_OVERLAP = 4  # a window repeats a quarter of the room from the window before


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

    @classmethod
    def by_logit(cls, cross_encoder: CrossEncoder, logits: NDArray[np.float64]) -> RankedTexts:
        """Ranked by the logit alone."""
        return cls(logits, logits, cross_encoder.calibration.relevance(logits))

    @classmethod
    def by_combination(
        cls,
        combination: ScoreInterpolation,
        logits: NDArray[np.float64],
        first_stage: FirstStageScores,
    ) -> RankedTexts:
        """Ranked by the logit together with what a first stage knows."""
        scores = combination.scores(logits, *first_stage)
        return cls(logits, scores, combination.relevance(scores))

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
        return RankedTexts.by_logit(cross_encoder, logits)
    if cosines is None:
        cosines = _cosines(query, texts, logits > PRUNED)
    known = FirstStageScores(cosines, [None] * len(texts))
    return RankedTexts.by_combination(combination, logits, known)


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

    Pairs that exceed the model's length are handled as `on_truncation` says. With "window" a
    passage is cut into overlapping windows and gets the best of their logits; where the model
    reads headings, each window begins with the passage's own. With "warn" only
    its first window counts, and a `TruncationWarning` says so. With "error" nothing is cut. A
    query over half the model's length is cut with a warning, except with "error". A language model
    with a prompt of its own has no windows: with "window" too, what is too long is cut with a
    warning.

    Args:
        cross_encoder: The model.
        query: The query.
        texts: The passages, each with its heading if `cross_encoder.prepend_heading` says so.
        on_truncation: "window", "warn" or "error".
        top_n: How many passages matter, 1 or more: a model with a prefilter drops those that
            have no chance to be among them, and such windows of the others, which saves most of
            the time. None scores all.
        first_stage: What hybrid search knows of the passages, by which a prefilter tells the
            hopeless more surely; it changes no logit.

    Returns:
        (n,), raw logits in the order of the texts; higher is more relevant. Minus infinity for
        passages that were dropped; at least `top_n` were not.

    Raises:
        InvalidArgumentError: If the query is blank, a text is not a string, `top_n` is below 1, or
            `on_truncation` is unknown.
        TextTooLongError: If something is too long and `on_truncation` is "error".
        ModelError: If the model failed.
    """
    if on_truncation not in get_args(OnTruncation):
        msg = f"Expected on_truncation of {get_args(OnTruncation)}, got {on_truncation!r}."
        raise InvalidArgumentError(msg)
    if top_n is not None and top_n < 1:
        msg = f"Expected top_n to be 1 or more, got {top_n}."
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
    """Positions from the highest raw logit to the lowest; equal ones keep their order."""
    order: list[int] = np.argsort(-logits, kind="stable").tolist()
    return order


def _room(cross_encoder: CrossEncoder) -> int:
    """Tokens that query and passage have together."""
    return cross_encoder.max_length - cross_encoder.tokenizer.num_special_tokens_to_add(True)


def _fit_query(cross_encoder: CrossEncoder, query: str, on_truncation: OnTruncation) -> Encoding:
    """The query encoded, and cut if need be."""
    encoded = cross_encoder.tokenizer.encode(query, add_special_tokens=False)
    most = _room(cross_encoder) // 2
    if len(encoded) > most:
        msg = f"The query has {len(encoded)} tokens; the model reads {most} beside a passage. "
        if on_truncation == "error":
            raise TextTooLongError(msg + "Shorten it, or choose another on_truncation.")
        warnings.warn(msg + "The rest was cut off.", TruncationWarning, stacklevel=3)
        # Encoded again, as a truncated encoding keeps what was cut off and pairs it all the same.
        end = encoded.offsets[most - 1][1]
        encoded = cross_encoder.tokenizer.encode(query[:end], add_special_tokens=False)
    return encoded


def _windows(
    cross_encoder: CrossEncoder, texts: Sequence[str], room: int, on_truncation: OnTruncation
) -> list[list[Encoding]]:
    """Passages encoded, and cut to fit the room that the query leaves."""
    tokenizer = cross_encoder.tokenizer
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    windows = [
        [whole]
        if len(whole) <= room
        else _cut(tokenizer, text, room, has_heading=cross_encoder.prepend_heading)
        for text, whole in zip(texts, encoded, strict=True)
    ]
    long = [position for position, parts in enumerate(windows) if len(parts) > 1]
    if long and on_truncation != "window":
        _report_long(long, len(texts), room, on_truncation)
        windows = [parts[:1] for parts in windows]
    return windows


def _cut(tokenizer: Tokenizer, text: str, room: int, *, has_heading: bool) -> list[Encoding]:
    """Windows of a long text, each under the text's heading, its first line, if it has one."""
    head, newline, body = text.partition("\n")
    heading = tokenizer.encode(head, add_special_tokens=False)
    if not (has_heading and newline and body.strip() and len(heading) <= room // 4):
        return cut_windows(tokenizer.encode(text, add_special_tokens=False), room)
    parts = tokenizer.encode(body, add_special_tokens=False)
    return [
        Encoding.merge([heading, window], growing_offsets=False)
        for window in cut_windows(parts, room - len(heading))
    ]


def _logits(
    cross_encoder: CrossEncoder,
    pairs: Sequence[Sequence[Encoding]],
    top_n: int | None,
    first_stage: FirstStageScores | None,
) -> NDArray[np.float64]:
    """Of each passage the highest logit of its windows."""
    if top_n is not None and top_n < len(pairs) and isinstance(cross_encoder, Cascade):
        first = _each(cross_encoder.prefilter_logits, pairs)
        left = cross_encoder.survivors(first, top_n, first_stage)
        pairs = [list(compress(parts, on)) for parts, on in zip(pairs, left, strict=True)]
    logits = _each(cross_encoder.logits, pairs)
    return np.array([windows.max(initial=PRUNED) for windows in logits])


def _each(
    score: Callable[[Sequence[Encoding]], NDArray[np.float64]], pairs: Sequence[Sequence[Encoding]]
) -> list[NDArray[np.float64]]:
    """The logits of each passage's windows."""
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
    """Cut an encoded text into windows that fit, each repeating a quarter of the room.

    Args:
        encoding: The text without special tokens; it becomes the first window.
        room: Most tokens a window, 1 or more.

    Returns:
        The windows in reading order, the text alone if it fits. What is up to a quarter of the
        room long, such as a word, lies whole in at least one of them.
    """
    encoding.truncate(room, stride=room // _OVERLAP)
    return [encoding, *encoding.overflowing]


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
