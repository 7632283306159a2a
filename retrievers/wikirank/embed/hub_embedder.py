"""Sentence encoders in the hub's layout that hold an ONNX file: run without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank.embed.pooling import pool
from wikirank.embed.sentence_layout import SentenceLayout
from wikirank.embed.windows import text_windows, weighted_means
from wikirank.errors import ModelError
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens
from wikirank.runtime.tokens import check_text, check_texts, load_tokenizer

# A whole encoder of sentence-transformers, else the transformer alone.
_POOLED = "sentence_embedding"
_OUTPUTS = (_POOLED, "last_hidden_state", "token_embeddings")
_MOST_TOKEN_CHARS = 64


class HubEmbedder:
    """A sentence encoder of the hub on ONNX Runtime; threads may share it.

    Texts get the prompts that the model was saved with, unless others are given. A passage over the
    model's length is cut in windows of even size; its vector is the mean of theirs, weighted by
    their numbers of tokens. Of a query the beginning counts.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layout: SentenceLayout,
        recipe: dict[str, str | None],
        *,
        batch_size: int = 1,
    ) -> None:
        """Open a model.

        Args:
            folder: In the hub's layout, its network chosen.
            layout: What else it says of the model.
            recipe: The arguments of `load_any_embedder`.
            batch_size: Texts a run; with 1 a vector does not depend on the other texts.

        Raises:
            ModelError: If the model cannot be opened.
        """
        self.recipe = recipe
        self._folder, self._layout = folder, layout
        query, passage = recipe.get("query_prompt"), recipe.get("passage_prompt")
        self._query_prompt = layout.prompt("query") if query is None else query
        self._passage_prompt = layout.prompt("document", "passage") if passage is None else passage
        self._tokenizer = load_tokenizer(folder.tokenizer)
        self._session = OnnxSession(
            folder.network, batch_size=batch_size, outputs=_OUTPUTS, finish=self._pooled
        )
        self._before, self._after = self._special_tokens()
        limit = folder.description.max_length
        self._longest = min(limit, layout.max_length or limit)
        around = len(self._tokenizer.encode(self._passage_prompt).ids)
        self._room = max(1, self._longest - around)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is loaded by."""
        from wikirank.embed.load import recorded_embedder

        return recorded_embedder, (self.recipe,)

    @property
    def model_id(self) -> str:
        """Name, revision and prompts, the same whatever runs the model."""
        prompts = (self._query_prompt, self._passage_prompt)
        return self._folder.description.model_id + (f" {prompts}" if any(prompts) else "")

    @property
    def max_length(self) -> int:
        """Longest input in tokens, prompt and special tokens included."""
        return self._longest

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages.

        Args:
            texts: None of them blank.

        Returns:
            (n, dim), rows of length 1, in the order of the texts.

        Raises:
            InvalidArgumentError: If a text is blank or not a string; the message says which.
            ModelError: If the network failed.
        """
        check_texts(texts, what="passage", allow_blank=False)
        if not texts:
            return self._session.run_texts([self._tokens(".")])[:0]  # which alone tells the width
        windows = [text_windows(self._tokenizer, self._cased(text), self._room) for text in texts]
        tokens = (
            self._tokens(self._passage_prompt + part) for parts in windows for part, _ in parts
        )
        vectors = self._session.run_texts(tokens)
        return weighted_means(vectors, [[length for _, length in parts] for parts in windows])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query.

        Args:
            text: Not blank. What is beyond the model's length is left out.

        Returns:
            (dim,), of length 1.

        Raises:
            InvalidArgumentError: If the text is blank or not a string.
            ModelError: If the network failed.
        """
        check_text(text, what="query")
        text = self._query_prompt + text[: _MOST_TOKEN_CHARS * self._longest]
        vector: NDArray[np.float32] = self._session.run_texts([self._tokens(text)])[0]
        return vector

    def _cased(self, text: str) -> str:
        return text.lower() if self._layout.lower_case else text

    def _tokens(self, text: str) -> Tokens:
        ids = self._tokenizer.encode(self._cased(text), add_special_tokens=False).ids
        content = ids[: max(1, self._longest - len(self._before) - len(self._after))]
        whole = [*self._before, *content, *self._after]
        return Tokens(whole, [0] * len(whole))

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before a text, and after it."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return whole[:start], whole[start + len(bare) :]
        msg = f"Expected a tokenizer that adds tokens around a text: {self._folder.tokenizer}."
        raise ModelError(msg)

    def _pooled(self, output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of texts, of length 1, from what the network gave."""
        vectors = pool(output, mask, self._layout.modes) if output.ndim == 3 else output
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit
