"""Sentence encoders from the hub that have an ONNX file, run without torch."""

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
from wikirank.runtime.session import OnnxSession, Tokens, default_batch_size
from wikirank.runtime.tokens import load_tokenizer

# Preferred first: a whole sentence-transformers encoder, then the transformer alone.
_OUTPUTS = ("sentence_embedding", "last_hidden_state", "token_embeddings")
_MAX_TOKEN_CHARS = 64


class HubEmbedder(PromptedEmbedder):
    """A sentence encoder from the hub on ONNX Runtime; threads may share it.

    Texts get the prompts that the model was saved with, unless you pass others.
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
            folder: The model's folder, with the ONNX file to run.
            layout: Pooling, prompts and length of the model.
            recipe: The arguments of `load_any_embedder`.
            batch_size: Texts per run. With 1, the default on the CPU, a vector does not depend on
                the other texts.
            device: "cpu", "cuda" or "cuda:1"; None for the CPU.

        Raises:
            MissingExtraError: If the installed ONNX Runtime cannot run on the device.
            ModelError: If the model cannot be opened.
        """
        limit = folder.description.max_length
        self._max_length = min(limit, layout.max_length or limit)
        query, passage = recipe.get("query_prompt"), recipe.get("passage_prompt")
        super().__init__(
            folder.description.model_id,
            recipe,
            load_tokenizer(folder.tokenizer),
            (
                layout.prompt("query") if query is None else query,
                layout.prompt("document", "passage") if passage is None else passage,
            ),
            max_length=self._max_length,
            lower_case=layout.lower_case,
            max_query_chars=_MAX_TOKEN_CHARS * self._max_length,
        )
        self._modes = layout.modes
        self.device = device
        self._session = OnnxSession(
            folder.network,
            batch_size=default_batch_size(batch_size, device),
            device=device,
            outputs=_OUTPUTS,
            postprocess=self._pool,
        )
        self._prefix, self._suffix = self._special_tokens(folder.tokenizer)

    @property
    def max_length(self) -> int:
        """Longest input in tokens, prompt and special tokens included."""
        return self._max_length

    @override
    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        return self._session.run_texts(self._tokens(prompt + text) for text in texts)

    def _tokens(self, text: str) -> Tokens:
        ids = self._tokenizer.encode(self._cased(text), add_special_tokens=False).ids
        content = ids[: max(1, self._max_length - len(self._prefix) - len(self._suffix))]
        whole = [*self._prefix, *content, *self._suffix]
        return Tokens(whole, [0] * len(whole))

    def _special_tokens(self, file: Path) -> tuple[list[int], list[int]]:
        """Return the special tokens before and after a text."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return whole[:start], whole[start + len(bare) :]
        msg = (
            f"Expected a tokenizer in {file} that adds tokens only before and after a text, got "
            "another. Name another model."
        )
        raise ModelError(msg)

    def _pool(self, output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the texts' vectors, of length 1, from the network's output."""
        vectors = pool(output, mask, self._modes) if output.ndim == 3 else output
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit
