"""A cross-encoder head that starts training from a sentence encoder's similarity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Module, Transformer
from torch import Tensor, nn
from typing_extensions import override

MODULES_FILE = "modules.json"


class PairPooling(Module):
    """Pool query and passage separately after they were encoded together.

    The token states of the query and of the passage are averaged and normalised to q and p. The
    output is [q∘p, |q−p|, p]. A linear layer with weights 1 on q∘p and 0 elsewhere then returns the
    cosine of q and p, so training starts from a bi-encoder's similarity rather than from chance.
    [q, p, |q−p|] is the pooling of Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, where the two
    texts are encoded separately.

    Inputs:
        `token_embeddings` (pairs, tokens, width), `attention_mask` and `token_type_ids` (pairs,
        tokens), the latter 1 for the passage.

    Output:
        `sentence_embedding` (pairs, 3 * width).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @override
    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Pool a batch: add the output to the features."""
        states: Tensor = features["token_embeddings"].float()
        mask: Tensor = features["attention_mask"].to(states)
        passage_mask = features["token_type_ids"].to(states) * mask
        query = _pool(states, mask - passage_mask)
        passage = _pool(states, passage_mask)
        features["sentence_embedding"] = torch.cat(
            (query * passage, (query - passage).abs(), passage), dim=-1
        )
        return features

    @override
    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the empty configuration; there are no weights."""
        self.save_config(output_path)

    @classmethod
    @override
    def load(cls, model_name_or_path: str, *args: Any, **kwargs: Any) -> PairPooling:
        """Create the module; there is nothing to read."""
        return cls()


MODULE_TYPE = f"{PairPooling.__module__}.{PairPooling.__qualname__}"


def pair_head(width: int, *, scale: float = 8.0, shift: float = -4.0) -> tuple[PairPooling, Dense]:
    """Make the pooling and a linear layer that turns its output into one logit.

    Args:
        width: Width of the token states.
        scale: Initial factor of the cosine.
        shift: Initial bias.

    Returns:
        Modules to put after a `Transformer`.
    """
    weights = torch.zeros(1, 3 * width)
    weights[:, :width] = scale
    return PairPooling(), Dense(
        3 * width,
        1,
        activation_function=nn.Identity(),
        init_weight=weights,
        init_bias=torch.full((1,), shift),
        module_output_name="scores",
    )


def has_pair_head(folder: Path) -> bool:
    """Return whether a folder holds a sentence-transformers model with exactly this head."""
    return [module.get("type") for module in _modules(folder)] == _TYPES


def load_with_pair_head(folder: Path, *, device: str | None = None) -> CrossEncoder:
    """Load a model with this head, from safetensors only; its `predict` returns raw logits.

    sentence-transformers loads foreign modules only with `trust_remote_code=True`, which would also
    run code from the folder. This function imports nothing that the folder names.
    """
    paths = [module["path"] for module in _modules(folder)]
    encoder = Transformer.load(
        str(folder),
        subfolder=paths[0],
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )
    linear = Dense.load(str(folder), subfolder=paths[2], local_files_only=True)
    model: CrossEncoder = CrossEncoder(
        modules=[encoder, PairPooling(), linear], activation_fn=nn.Identity(), device=device
    )
    return model


def load_torch_folder(folder: Path, *, device: str | None = None) -> CrossEncoder:
    """Load any cross-encoder that sentence-transformers saved, from safetensors only."""
    if has_pair_head(folder):
        return load_with_pair_head(folder, device=device)
    model: CrossEncoder = CrossEncoder(
        str(folder),
        device=device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    return model


_TYPES = [
    f"{Transformer.__module__}.{Transformer.__qualname__}",
    MODULE_TYPE,
    f"{Dense.__module__}.{Dense.__qualname__}",
]


def _modules(folder: Path) -> list[dict[str, str]]:
    file = folder / MODULES_FILE
    if not file.is_file():
        return []
    modules: list[dict[str, str]] = json.loads(file.read_text("utf-8"))
    return modules


def _pool(states: Tensor, mask: Tensor) -> Tensor:
    """Return the normalised mean of the masked states."""
    total = (states * mask.unsqueeze(-1)).sum(1)
    return nn.functional.normalize(total / mask.sum(1, keepdim=True).clamp(min=1), dim=-1)
