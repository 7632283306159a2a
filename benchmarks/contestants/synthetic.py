"""Made-up passages and vectors, as many as wanted, the same each time. Nothing real is in them.

A passage is about one of a thousand topics. Its words are drawn from a Zipf distribution, some of
them from its topic's own; its vector lies about its topic's centre in a subspace of few dimensions,
as those of real texts do. (Vectors spread evenly over 384 dimensions have no near neighbours.)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

DIMENSION = 384
TOPICS = 1000
_SUBSPACE = 32
_SPREAD = 1.0
_VOCABULARY = 100_000
_OFFSET = 2.7  # Mandelbrot's, so that the first words are not all there is.
_WORDS = 60
_QUERY_WORDS = 5
_OWN_WORDS = 40
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


class SyntheticTexts:
    """Passages and questions by number."""

    def __init__(self) -> None:
        """Make the vocabulary."""
        weights = 1.0 / (np.arange(_VOCABULARY) + _OFFSET)
        self._cumulative = np.cumsum(weights / weights.sum())
        self._words = [_word(number) for number in range(_VOCABULARY)]

    def passages(self, start: int, end: int) -> list[Passage]:
        """The passages with numbers in [start, end)."""
        return [
            Passage(id=f"p{number:08d}", text=self._text(number, _WORDS), article=f"p{number:08d}")
            for number in range(start, end)
        ]

    def question(self, number: int) -> str:
        """A question; its first word names the topic, as each text's does."""
        return self._text(10**9 + number, _QUERY_WORDS)

    def _text(self, number: int, words: int) -> str:
        rng = np.random.default_rng(number)
        topic = int(rng.integers(TOPICS))
        drawn = np.searchsorted(self._cumulative, rng.random(words))
        own = rng.random(words) < 0.2
        drawn[own] = 1000 + topic * _OWN_WORDS + rng.integers(_OWN_WORDS, size=own.sum())
        return f"topic{topic} " + " ".join(self._words[index] for index in drawn.tolist())


class SyntheticEmbedder:
    """An `Embedder` that reads of a text its topic, and makes the rest of the vector up."""

    def __init__(self) -> None:
        """Place the topics."""
        rng = np.random.default_rng(0)
        self._centres = _unit(rng.standard_normal((TOPICS, DIMENSION), dtype=np.float32))
        self._axes = _unit(rng.standard_normal((_SUBSPACE, DIMENSION), dtype=np.float32))

    @property
    def model_id(self) -> str:
        """Says in an index that its vectors are made up."""
        return "synthetic-benchmark-vectors-1"

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Make a vector for each text, the same for the same text: (n, 384), of length 1."""
        topics = [int(text.partition(" ")[0].removeprefix("topic")) for text in texts]
        noise = np.stack(
            [
                np.random.default_rng(zlib.crc32(text.encode())).standard_normal(_SUBSPACE)
                for text in texts
            ]
        ).astype(np.float32)
        return _unit(self._centres[topics] + _SPREAD / _SUBSPACE**0.5 * noise @ self._axes)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Make a query's vector: (384,), of length 1."""
        vector: NDArray[np.float32] = self.embed_passages([text])[0]
        return vector


def load(folder: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What `contestants.serve` calls: opens an index of synthetic passages.

    Args:
        folder: The index.

    Returns:
        Takes `question` and `rerank`, gives the search's `timings` by stage, in milliseconds.
    """
    index = WikiIndex.open(folder, embedder=SyntheticEmbedder())
    searcher = Searcher(index)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        options = SearchOptions(rerank=request["rerank"])
        return {"timings": searcher.search(request["question"], options).timings}

    return answer


def _word(number: int) -> str:
    letters = []
    while True:
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
        if not number:
            return "".join(letters)
        number -= 1


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
