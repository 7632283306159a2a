"""Any embedder of sentence-transformers, on the CPU or a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wikirank._extras import require_extra
from wikirank.embed.windows import text_windows, weighted_means
from wikirank.errors import ModelError
from wikirank.runtime.tokens import check_text, check_texts, plain_tokenizer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH_SIZE = 32


class TorchEmbedder:
    """An embedder run by sentence-transformers; threads may share it, one runs at a time.

    Queries and passages get the prompts that the model was saved with, unless others are given. A
    passage over the model's length is cut into windows of even size; its vector is the mean of
    theirs, weighted by their numbers of tokens. Of a query the beginning counts.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
    ) -> None:
        """Load a model, from safetensors only and without remote code.

        Args:
            model: A folder, or a hub id.
            revision: Of a hub id: the commit, tag or branch.
            query_prompt: Put before every query; None for the model's own.
            passage_prompt: Put before every passage; None for the model's own.

        Raises:
            MissingExtraError: If sentence-transformers is not installed.
            ModelError: If the model cannot be loaded.
        """
        require_extra("torch", f"The embedder {model}", ["sentence_transformers", "torch"])
        self.recipe: dict[str, str | None] = {
            "model": model,
            "revision": revision,
            "query_prompt": query_prompt,
            "passage_prompt": passage_prompt,
        }
        self._name = f"{model}@{revision}" if revision else model
        self._model = _load(model, revision)
        self._query_prompt = _prompt(self._model, query_prompt, ["query"])
        self._passage_prompt = _prompt(self._model, passage_prompt, ["document", "passage"])
        self._tokenizer = plain_tokenizer(self._model.tokenizer.backend_tokenizer.to_str())
        self._lock = threading.Lock()
        longest = self._model.max_seq_length
        around = len(self._tokenizer.encode(self._passage_prompt).ids)
        self._room = max(1, longest - around) if longest else None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is loaded by."""
        from wikirank.embed.load import recorded_embedder

        return recorded_embedder, (self.recipe,)

    @property
    def model_id(self) -> str:
        """Name, revision and prompts."""
        prompts = (self._query_prompt, self._passage_prompt)
        return self._name + (f" {prompts}" if any(prompts) else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages.

        Args:
            texts: None of them blank.

        Returns:
            (n, dim), rows of length 1, in the order of the texts.

        Raises:
            InvalidArgumentError: If a text is blank or not a string; the message says which.
            ModelError: If the model failed.
        """
        check_texts(texts, what="passage", allow_blank=False)
        windows = [text_windows(self._tokenizer, text, self._room) for text in texts]
        vectors = self._embed(
            [text for parts in windows for text, _ in parts], self._passage_prompt
        )
        return weighted_means(vectors, [[length for _, length in parts] for parts in windows])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query.

        Args:
            text: Not blank. What is beyond the model's length is left out.

        Returns:
            (dim,), of length 1.

        Raises:
            InvalidArgumentError: If the text is blank or not a string.
            ModelError: If the model failed.
        """
        check_text(text, what="query")
        vector: NDArray[np.float32] = self._embed([text], self._query_prompt)[0]
        return vector

    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        if not texts:
            return self._embed(["."], prompt)[:0]  # which alone tells the width
        try:
            with self._lock:
                vectors = self._model.encode(
                    list(texts),
                    prompt=prompt,
                    batch_size=_BATCH_SIZE,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
        except Exception as err:
            msg = f"{self.model_id} failed on {len(texts)} texts: {err}"
            raise ModelError(msg) from err
        if not np.isfinite(vectors).all():
            msg = f"Expected finite numbers from {self.model_id}, got NaN or infinity."
            raise ModelError(msg)
        return np.asarray(vectors, dtype=np.float32)


def load_sentence_encoder(
    folder: Path, name: str, *, what: str = "an embedder"
) -> SentenceTransformer:
    """Load a model of sentence-transformers, from safetensors only and without remote code.

    Args:
        folder: Its files.
        name: What to call it in an error.
        what: What it is to be, likewise.

    Returns:
        The model.

    Raises:
        ModelError: If it cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as err:
        msg = (
            f"Expected {what} with safetensors weights at {name!r}; it cannot be loaded: "
            f"{err}. Name another, or save it with safetensors."
        )
        raise ModelError(msg) from err


def _load(model: str, revision: str | None) -> Any:
    from wikirank.runtime.hub import hub_folder, unreachable  # The hub's client is slow to import.

    folder = Path(model) if Path(model).is_dir() else hub_folder(model, revision)
    if folder is None:
        raise ModelError(unreachable(model))
    return load_sentence_encoder(folder, model)


def _prompt(model: Any, given: str | None, names: Sequence[str]) -> str:
    """What stands before a text: as given, else as the model was saved with."""
    if given is not None:
        return given
    saved = (model.prompts.get(name) for name in [*names, model.default_prompt_name])
    return next((prompt for prompt in saved if prompt), "")
