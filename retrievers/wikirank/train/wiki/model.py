"""The cross-encoder that training by the wiki recipe starts from."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from torch import nn

from wikirank.rank.pair_pooling import has_pair_head, load_with_pair_head, pair_head
from wikirank.train.base import Base, load_base
from wikirank.train.quiet import quiet_transformers


def starting_model(base: Base, *, seed: int, max_length: int) -> CrossEncoder:
    """Load a base for training: with its own head, or over a sentence encoder with a new one.

    The new head is `pair_head`, which starts from the encoder's cosine similarity. Dropout is off:
    one pass over the data does not overfit, and on a CPU drawing the masks takes as long as all
    the rest.

    Args:
        base: What `find_base` found.
        seed: Seeds the weights of a new head that starts from chance.
        max_length: Longest pair in tokens.

    Returns:
        The model, on the CPU; `predict` gives raw logits.
    """
    if has_pair_head(base.folder):
        model = load_with_pair_head(base.folder, device="cpu")
    elif base.new_head:
        model = _over_encoder(base)
    else:
        model = load_base(base, seed=seed)
    model.max_seq_length = max_length
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    network: Any = model.model
    if not torch.cuda.is_available():
        # Without dropout, eager attention trains 1.3 times as fast as torch's fused one on a CPU.
        network.set_attn_implementation("eager")
    return model


def _over_encoder(base: Base) -> CrossEncoder:
    with quiet_transformers():
        encoder = Transformer(
            str(base.folder), model_kwargs={"use_safetensors": True, "local_files_only": True}
        )
    model: CrossEncoder = CrossEncoder(
        modules=[encoder, *pair_head(encoder.get_embedding_dimension())],
        activation_fn=nn.Identity(),
        device="cpu",
    )
    return model
