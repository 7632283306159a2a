"""Synthetic passages and vectors, in any number and reproducible.

Each passage is about one of a thousand topics. Its words are drawn from a Zipf distribution, some
from the words of its topic. Its vector lies near the centre of its topic, in a subspace of few
dimensions, like the vectors of real texts. (Vectors spread evenly over 384 dimensions have no near
neighbours.)
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
_OFFSET = 2.7  # Mandelbrot's, so that the most frequent words do not dominate.
_WORDS = 60
_QUERY_WORDS = 5
_OWN_WORDS = 40
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


class SyntheticTexts:
    """Passages and questions by number."""

    def __init__(self) -> None:
        """Generate the vocabulary."""
        weights = 1.0 / (np.arange(_VOCABULARY) + _OFFSET)
        self._cumulative = np.cumsum(weights / weights.sum())
        self._words = [_word(number) for number in range(_VOCABULARY)]

    def passages(self, start: int, end: int) -> list[Passage]:
        """Return the passages with numbers in [start, end)."""
        return [
            Passage(id=f"p{number:08d}", text=self._text(number, _WORDS), article=f"p{number:08d}")
            for number in range(start, end)
        ]

    def question(self, number: int) -> str:
        """Return a question. Its first word names the topic, as in every text."""
        return self._text(10**9 + number, _QUERY_WORDS)

    def _text(self, number: int, words: int) -> str:
        rng = np.random.default_rng(number)
        topic = int(rng.integers(TOPICS))
        drawn = np.searchsorted(self._cumulative, rng.random(words))
        own = rng.random(words) < 0.2
        drawn[own] = 1000 + topic * _OWN_WORDS + rng.integers(_OWN_WORDS, size=own.sum())
        return f"topic{topic} " + " ".join(self._words[index] for index in drawn.tolist())


class SyntheticEmbedder:
    """An `Embedder` that places a text near the centre of its topic, with random noise."""

    def __init__(self) -> None:
        """Draw the centres of the topics."""
        rng = np.random.default_rng(0)
        self._centres = _unit(rng.standard_normal((TOPICS, DIMENSION), dtype=np.float32))
        self._axes = _unit(rng.standard_normal((_SUBSPACE, DIMENSION), dtype=np.float32))

    @property
    def model_id(self) -> str:
        """Marks an index as one of synthetic vectors."""
        return "synthetic-benchmark-vectors-1"

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 384) unit vectors; equal texts have equal vectors."""
        topics = [int(text.partition(" ")[0].removeprefix("topic")) for text in texts]
        noise = np.stack(
            [
                np.random.default_rng(zlib.crc32(text.encode())).standard_normal(_SUBSPACE)
                for text in texts
            ]
        ).astype(np.float32)
        return _unit(self._centres[topics] + _SPREAD / _SUBSPACE**0.5 * noise @ self._axes)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the (384,) unit vector of a query."""
        vector: NDArray[np.float32] = self.embed_passages([text])[0]
        return vector


def load(folder: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Open an index of synthetic passages; called by `contestants.serve`.

    Args:
        folder: Folder of the index.

    Returns:
        A function of `question` and `rerank` that returns the `timings` of each search stage in
        milliseconds.
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
