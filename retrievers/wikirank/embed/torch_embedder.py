"""Any sentence-transformers embedder, on the CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._extras import require_extra
from wikirank._util import ForkSafeLock
from wikirank.embed.prompted import PromptedEmbedder
from wikirank.errors import ModelError
from wikirank.runtime.tokens import plain_tokenizer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH_SIZE = 32


class TorchEmbedder(PromptedEmbedder):
    """An embedder run by sentence-transformers. Threads may share it; one runs at a time.

    Queries and passages get the prompts that the model was saved with, unless you pass others.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        device: str | None = None,
    ) -> None:
        """Load a model, from safetensors only and without remote code.

        Args:
            model: A folder, or a hub id.
            revision: Commit, tag or branch, for a hub id only.
            query_prompt: Text put before every query; None for the model's own prompt.
            passage_prompt: Text put before every passage; None for the model's own prompt.
            device: "cpu", "cuda", "mps", ...; None lets torch choose.

        Raises:
            MissingExtraError: If sentence-transformers is not installed.
            ModelError: If the model cannot be loaded.
        """
        require_extra("torch", f"The embedder {model}", ["sentence_transformers", "torch"])
        recipe = {
            "model": model,
            "revision": revision,
            "query_prompt": query_prompt,
            "passage_prompt": passage_prompt,
        }
        self.device = device
        self._model = _load(model, revision, device)
        super().__init__(
            f"{model}@{revision}" if revision else model,
            recipe,
            plain_tokenizer(self._model.tokenizer.backend_tokenizer.to_str()),
            (
                _prompt(self._model, query_prompt, ["query"]),
                _prompt(self._model, passage_prompt, ["document", "passage"]),
            ),
            max_length=self._model.max_seq_length,
        )
        self._lock = ForkSafeLock()

    @override
    def _embed(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
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
            msg = (
                f"Expected finite numbers from {self.model_id}, got NaN or infinity. "
                "Use another model."
            )
            raise ModelError(msg)
        return np.asarray(vectors, dtype=np.float32)


def load_sentence_encoder(
    folder: Path, name: str, *, what: str = "an embedder", device: str | None = None
) -> SentenceTransformer:
    """Load a sentence-transformers model, from safetensors only and without remote code.

    Args:
        folder: The model's folder.
        name: The model's name, for the error message.
        what: The expected kind of model, for the error message.
        device: "cpu", "cuda", "mps", ...; None lets torch choose.

    Returns:
        The model.

    Raises:
        ModelError: If the model cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as err:
        msg = (
            f"Expected {what} with safetensors weights at {name!r}, but it cannot be loaded: "
            f"{err}. Name another, or save it with safetensors."
        )
        raise ModelError(msg) from err


def _load(model: str, revision: str | None, device: str | None) -> Any:
    from wikirank.runtime.hub import hub_folder, unreachable  # The hub's client is slow to import.

    folder = Path(model) if Path(model).is_dir() else hub_folder(model, revision)
    if folder is None:
        raise ModelError(unreachable(model, revision))
    return load_sentence_encoder(folder, model, device=device)


def _prompt(model: Any, chosen: str | None, names: Sequence[str]) -> str:
    """Return the chosen prompt, or the one that the model was saved with."""
    if chosen is not None:
        return chosen
    saved = (model.prompts.get(name) for name in [*names, model.default_prompt_name])
    return next((prompt for prompt in saved if prompt), "")
