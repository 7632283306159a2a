"""Any sentence-transformers cross-encoder with one label, on the CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank._extras import require_extra
from wikirank._util import ForkSafeLock
from wikirank.errors import ModelError
from wikirank.rank.predict_cross_encoder import PredictCrossEncoder, is_plain_encoder
from wikirank.rank.protocol import DescribedCrossEncoder, check_max_length
from wikirank.runtime.kept_calibration import calibrated
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import DESCRIPTION_FILE, read_description
from wikirank.runtime.session import check_batch_size, plan_batches
from wikirank.runtime.tokens import plain_tokenizer

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder
    from torch import Tensor


_ENCODED = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
"""For each input of a network, the attribute of `Encoding` that holds it."""


def padded_batch(pairs: Sequence[Encoding], tokenizer: Any) -> dict[str, Tensor]:
    """Put pairs into tensors, padded at their ends.

    transformers' tokenizers do the same, but loop over every token in Python: on a GPU that takes
    several times as long as the network.

    Args:
        pairs: At least one, not padded.
        tokenizer: transformers' tokenizer of the model, which lists the network's inputs.

    Returns:
        int64 tensors by input name, each (pairs, tokens of the longest pair).
    """
    import torch

    width = max(len(pair.ids) for pair in pairs)
    batch = {}
    for name in tokenizer.model_input_names:
        if name in _ENCODED:
            padding = tokenizer.pad_token_id if name == "input_ids" else 0
            rows = np.full((len(pairs), width), padding, dtype=np.int64)
            for row, pair in zip(rows, pairs, strict=True):
                row[: len(pair.ids)] = getattr(pair, _ENCODED[name])
            batch[name] = torch.from_numpy(rows)
    return batch


_BATCH_SIZES = {"cuda": 256}


class TorchCrossEncoder(DescribedCrossEncoder):
    """A cross-encoder run by sentence-transformers. Threads may share it; one runs at a time.

    On an NVIDIA GPU the transformer runs in 16 bits. A folder may hold a `wikirank.json` with its
    calibration and its use of headings.
    """

    def __init__(
        self,
        model: CrossEncoder,
        description: ModelDescription,
        *,
        max_length: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Wrap a loaded model.

        Args:
            model: The model that sentence-transformers loaded.
            description: The model description.
            max_length: Longest pair in tokens, at most the model's own limit, which is the default.
            batch_size: Pairs per run; None for 32, or 256 on an NVIDIA GPU.

        Raises:
            InvalidArgumentError: If `max_length` is out of range.
        """
        self._model = model
        self._batch_size = batch_size or _BATCH_SIZES.get(model.device.type, 32)
        self._lock = ForkSafeLock()
        super().__init__(
            description,
            max_length=check_max_length(max_length, limit=_position_limit(model)),
            # A copy, because sentence-transformers changes its own tokenizer at every call.
            tokenizer=plain_tokenizer(model.tokenizer.backend_tokenizer.to_str()),
        )

    @override
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        lengths = [len(pair) for pair in pairs]
        budget = self._batch_size * self.max_length  # So only the number of pairs limits a batch.
        logits = np.empty(len(pairs))
        try:
            with self._lock:
                for batch in plan_batches(lengths, self._batch_size, budget):
                    logits[batch] = self._run([pairs[index] for index in batch])
        except Exception as err:
            msg = f"{self.model_id} failed on {len(pairs)} pairs: {err}"
            raise ModelError(msg) from err
        return logits

    def _run(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Return the raw logits of one batch."""
        import torch
        from sentence_transformers.util import batch_to_device

        batch = padded_batch(pairs, self._model.tokenizer)
        features = batch_to_device(batch, self._model.device)
        with torch.inference_mode():
            scores = self._model(features)["scores"]
        logits: NDArray[np.float64] = scores.double().view(-1).cpu().numpy()
        return logits


def load_torch_cross_encoder(
    model: str,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> TorchCrossEncoder | PredictCrossEncoder:
    """Load a model, from safetensors only and without remote code.

    Args:
        model: A folder, or a hub id.
        revision: Commit, tag or branch, for a hub id only.
        device: "cpu", "cuda", "mps", ...; None lets torch choose.
        max_length: Longest pair in tokens, at most the model's own limit, which is the default.
        batch_size: Pairs per run; None for 32, or more for a plain encoder on an NVIDIA GPU.

    Returns:
        The cross-encoder. Only a plain encoder runs without `predict`.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        MissingExtraError: If sentence-transformers is not installed.
        ModelError: If the model cannot be loaded, or has no head with one trained label.
    """
    if batch_size is not None:
        check_batch_size(batch_size)
    loaded, description = _load(model, revision, device), _describe(model, revision)
    if not is_plain_encoder(loaded):
        return PredictCrossEncoder(
            loaded, description, max_length=max_length, batch_size=batch_size or 32
        )
    if loaded.device.type == "cuda":
        loaded[0].half()  # A separate head stays in 32 bits, which costs no time.
    return TorchCrossEncoder(loaded, description, max_length=max_length, batch_size=batch_size)


def _describe(model: str, revision: str | None) -> ModelDescription:
    if (Path(model) / DESCRIPTION_FILE).is_file():
        description = read_description(Path(model))
        if description.kind != "cross-encoder":
            msg = (
                f"Expected a model of kind 'cross-encoder' in {model}, got {description.kind!r}. "
                "Name a cross-encoder."
            )
            raise ModelError(msg)
        return description
    model_id = f"{model}@{revision}" if revision else model
    description = ModelDescription("cross-encoder", model_id, max_length=512)
    return calibrated(description, model, revision)


def _load(model: str, revision: str | None, device: str | None) -> CrossEncoder:
    require_extra("torch", f"The cross-encoder {model}", ["sentence_transformers", "torch"])
    from wikirank.rank.pair_pooling import load_torch_folder
    from wikirank.runtime.hub import hub_folder, unreachable  # The hub's client is slow to import.

    folder = Path(model) if Path(model).is_dir() else hub_folder(model, revision)
    if folder is None:
        raise ModelError(unreachable(model, revision))
    try:
        loaded = load_torch_folder(folder, device=device)
    except Exception as err:
        msg = (
            f"Expected a cross-encoder with safetensors weights at {model!r}, but it cannot be "
            f"loaded: {err}. Name another, or save it with safetensors."
        )
        raise ModelError(msg) from err
    _check_head(loaded, model)
    return loaded


def _check_head(loaded: CrossEncoder, model: str) -> None:
    config: Any = loaded.config
    architectures = config.architectures or ()
    # The head is part of the transformer, or a module after it.
    trained = len(loaded) > 1 or any(a.endswith("ForSequenceClassification") for a in architectures)
    if not trained or loaded.num_labels != 1:
        msg = (
            f"Expected a cross-encoder with one trained label at {model!r}, got "
            f"{architectures} with {loaded.num_labels} labels. Name a reranker."
        )
        raise ModelError(msg)


def _position_limit(loaded: CrossEncoder) -> int:
    config: Any = loaded.config
    return int(min(loaded.tokenizer.model_max_length, config.max_position_embeddings))
