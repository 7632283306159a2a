"""Base of embedders for any model: prompts, windows of long passages, and the recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wikirank.embed.windows import text_windows, weighted_means
from wikirank.runtime.tokens import check_text, check_texts


class PromptedEmbedder(ABC):
    """An embedder that puts a prompt before each text and can be loaded again from its recipe.

    A passage over the model's length is cut into windows of equal size. Its vector is the mean of
    theirs, weighted by their numbers of tokens. Only the beginning of a query counts.

    Args:
        name: Name and revision of the model.
        recipe: The arguments of `load_any_embedder`.
        tokenizer: The model's tokenizer.
        prompts: The prompt for queries, and the one for passages.
        max_length: Longest input in tokens, prompt and special tokens included; None for no limit.
        lower_case: Whether to lower-case texts first.
        max_query_chars: Cut queries to this many characters before tokenising; None for no cut.
    """

    def __init__(
        self,
        name: str,
        recipe: dict[str, str | None],
        tokenizer: Tokenizer,
        prompts: tuple[str, str],
        *,
        max_length: int | None,
        lower_case: bool = False,
        max_query_chars: int | None = None,
    ) -> None:
        self.recipe = recipe
        self._name = name
        self._tokenizer = tokenizer
        self._query_prompt, self._passage_prompt = prompts
        self._lower_case = lower_case
        self._max_query_chars = max_query_chars
        prompt_length = len(tokenizer.encode(self._passage_prompt).ids)
        self._room = max(1, max_length - prompt_length) if max_length else None

    @property
    def model_id(self) -> str:
        """Name, revision and prompts of the model; the same on every backend."""
        prompts = (self._query_prompt, self._passage_prompt)
        return self._name + (f" {prompts}" if any(prompts) else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; see `Embedder`."""
        check_texts(texts, what="passage", allow_blank=False)
        if not texts:
            return self._embed(["."], self._passage_prompt)[:0]  # Run a text to learn the width.
        windows = [text_windows(self._tokenizer, self._cased(text), self._room) for text in texts]
        vectors = self._embed(
            [text for parts in windows for text, _ in parts], self._passage_prompt
        )
        return weighted_means(vectors, [[length for _, length in parts] for parts in windows])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query, cut to the model's length."""
        check_text(text, what="query")
        beginning = text[: self._max_query_chars]
        vector: NDArray[np.float32] = self._embed([beginning], self._query_prompt)[0]
        return vector

    def _cased(self, text: str) -> str:
        return text.lower() if self._lower_case else text

    @abstractmethod
    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        """Return vectors of length 1 for one or more texts, after the prompt and cut to length."""
