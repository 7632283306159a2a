"""What embedders of other models share: prompts, windows of long passages, and their recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wikirank.embed.windows import text_windows, weighted_means
from wikirank.runtime.tokens import check_text, check_texts


class PromptedEmbedder(ABC):
    """An embedder that puts a prompt before each text, and is loaded again by its recipe.

    A passage over the model's length is cut in windows of even size; its vector is the mean of
    theirs, weighted by their numbers of tokens. Of a query the beginning counts.

    Args:
        name: Name and revision of the model.
        recipe: The arguments of `load_any_embedder`.
        tokenizer: The model's.
        prompts: What stands before a query, and before a passage.
        max_length: Longest input in tokens, prompt and special tokens included; None has no limit.
        lower_case: Whether texts are put in lower case first.
        most_query_chars: How much of a query is looked at; None looks at all.
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
        most_query_chars: int | None = None,
    ) -> None:
        self.recipe = recipe
        self._name = name
        self._tokenizer = tokenizer
        self._query_prompt, self._passage_prompt = prompts
        self._lower_case = lower_case
        self._most_query_chars = most_query_chars
        around = len(tokenizer.encode(self._passage_prompt).ids)
        self._room = max(1, max_length - around) if max_length else None

    @property
    def model_id(self) -> str:
        """Name, revision and prompts, the same whatever runs the model."""
        prompts = (self._query_prompt, self._passage_prompt)
        return self._name + (f" {prompts}" if any(prompts) else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; see `Embedder`."""
        check_texts(texts, what="passage", allow_blank=False)
        if not texts:
            return self._embed(["."], self._passage_prompt)[:0]  # which alone tells the width
        windows = [text_windows(self._tokenizer, self._cased(text), self._room) for text in texts]
        vectors = self._embed(
            [text for parts in windows for text, _ in parts], self._passage_prompt
        )
        return weighted_means(vectors, [[length for _, length in parts] for parts in windows])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query, of which is left out what is beyond the model's length."""
        check_text(text, what="query")
        beginning = text[: self._most_query_chars]
        vector: NDArray[np.float32] = self._embed([beginning], self._query_prompt)[0]
        return vector

    def _cased(self, text: str) -> str:
        return text.lower() if self._lower_case else text

    @abstractmethod
    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        """Vectors of length 1 of one or more texts, each after the prompt and cut at the length."""
