"""A cross-encoder head that starts from what a sentence encoder knows already."""

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
    """Pools query and passage apart after they were encoded together.

    The states of the query's tokens and those of the passage's are averaged and normalised to q
    and p; the output is [q∘p, |q−p|, p]. A linear layer on it whose weights are 1 on q∘p and 0
    elsewhere gives the cosine of q and p: so training starts from a bi-encoder's similarity
    rather than from chance. [q, p, |q−p|] is the pooling of Reimers and Gurevych,
    "Sentence-BERT", EMNLP 2019, there over texts encoded apart.

    Inputs:
        `token_embeddings` (pairs, tokens, width), `attention_mask` and `token_type_ids` (pairs,
        tokens), the latter 1 on the passage.

    Output:
        `sentence_embedding` (pairs, 3 * width).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @override
    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Pool a batch.

        Args:
            features: As above.
            **kwargs: None is used.

        Returns:
            The features with the output added.
        """
        states: Tensor = features["token_embeddings"].float()
        mask: Tensor = features["attention_mask"].to(states)
        of_passage = features["token_type_ids"].to(states) * mask
        query = _pool(states, mask - of_passage)
        passage = _pool(states, of_passage)
        features["sentence_embedding"] = torch.cat(
            (query * passage, (query - passage).abs(), passage), dim=-1
        )
        return features

    @override
    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Write its configuration, which is empty: it has no weights."""
        self.save_config(output_path)

    @classmethod
    @override
    def load(cls, model_name_or_path: str, *args: Any, **kwargs: Any) -> PairPooling:
        """Make one: there is nothing to read."""
        return cls()


MODULE_TYPE = f"{PairPooling.__module__}.{PairPooling.__qualname__}"


def pair_head(width: int, *, scale: float = 8.0, shift: float = -4.0) -> tuple[PairPooling, Dense]:
    """The pooling and the linear layer over it that together give one logit.

    Args:
        width: Of the token states.
        scale: Of the cosine in the first logit, before any training.
        shift: Added to it.

    Returns:
        Modules to follow a `Transformer`.
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
    """Whether a folder holds a sentence-transformers model with this head and no other module."""
    return [module.get("type") for module in _modules(folder)] == _TYPES


def load_with_pair_head(folder: Path, *, device: str | None = None) -> CrossEncoder:
    """Load a model with this head, from safetensors only.

    sentence-transformers loads modules that are not its own only with `trust_remote_code=True`,
    which would run a folder's code too. Here nothing is imported that the folder names.

    Args:
        folder: A folder for which `has_pair_head` is true.
        device: "cpu", "cuda", ...; None lets torch choose.

    Returns:
        The model; `predict` gives raw logits.
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
    """Load any cross-encoder that sentence-transformers saved, from safetensors only.

    Args:
        folder: With this head, or with one of sentence-transformers' own.
        device: "cpu", "cuda", ...; None lets torch choose.

    Returns:
        The model.
    """
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
    """Mean of the masked states, normalised."""
    total = (states * mask.unsqueeze(-1)).sum(1)
    return nn.functional.normalize(total / mask.sum(1, keepdim=True).clamp(min=1), dim=-1)
