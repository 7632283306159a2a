"""Sentence encoders in the hub's layout that hold an ONNX file: run without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank.embed.pooling import pool
from wikirank.embed.prompted import PromptedEmbedder
from wikirank.embed.sentence_layout import SentenceLayout
from wikirank.errors import ModelError
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens, usual_batch
from wikirank.runtime.tokens import load_tokenizer

# A whole encoder of sentence-transformers, else the transformer alone.
_POOLED = "sentence_embedding"
_OUTPUTS = (_POOLED, "last_hidden_state", "token_embeddings")
_MOST_TOKEN_CHARS = 64


class HubEmbedder(PromptedEmbedder):
    """A sentence encoder of the hub on ONNX Runtime; threads may share it.

    Texts get the prompts that the model was saved with, unless others are given.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layout: SentenceLayout,
        recipe: dict[str, str | None],
        *,
        batch_size: int | None = None,
        device: str | None = None,
    ) -> None:
        """Open a model.

        Args:
            folder: In the hub's layout, its network chosen.
            layout: What else it says of the model.
            recipe: The arguments of `load_any_embedder`.
            batch_size: Texts a run; with 1, the default on the CPU, a vector does not depend on the
                other texts.
            device: "cpu", "cuda" or "cuda:1"; None is the CPU.

        Raises:
            MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
            ModelError: If the model cannot be opened.
        """
        limit = folder.description.max_length
        self._longest = min(limit, layout.max_length or limit)
        query, passage = recipe.get("query_prompt"), recipe.get("passage_prompt")
        super().__init__(
            folder.description.model_id,
            recipe,
            load_tokenizer(folder.tokenizer),
            (
                layout.prompt("query") if query is None else query,
                layout.prompt("document", "passage") if passage is None else passage,
            ),
            max_length=self._longest,
            lower_case=layout.lower_case,
            most_query_chars=_MOST_TOKEN_CHARS * self._longest,
        )
        self._modes = layout.modes
        self.device = device
        self._session = OnnxSession(
            folder.network,
            batch_size=usual_batch(batch_size, device),
            device=device,
            outputs=_OUTPUTS,
            finish=self._pooled,
        )
        self._before, self._after = self._special_tokens(folder.tokenizer)

    @property
    def max_length(self) -> int:
        """Longest input in tokens, prompt and special tokens included."""
        return self._longest

    @override
    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        return self._session.run_texts(self._tokens(prompt + text) for text in texts)

    def _tokens(self, text: str) -> Tokens:
        ids = self._tokenizer.encode(self._cased(text), add_special_tokens=False).ids
        content = ids[: max(1, self._longest - len(self._before) - len(self._after))]
        whole = [*self._before, *content, *self._after]
        return Tokens(whole, [0] * len(whole))

    def _special_tokens(self, file: Path) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before a text, and after it."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return whole[:start], whole[start + len(bare) :]
        msg = f"Expected a tokenizer that adds tokens around a text: {file}."
        raise ModelError(msg)

    def _pooled(self, output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of texts, of length 1, from what the network gave."""
        vectors = pool(output, mask, self._modes) if output.ndim == 3 else output
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit
