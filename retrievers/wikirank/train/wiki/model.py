"""The cross-encoder that training by the wiki recipe starts from."""

from __future__ import annotations

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn

from wikirank.train.base import Base, load_base
from wikirank.train.quiet import quiet_transformers


def starting_model(base: Base, *, seed: int, max_length: int) -> CrossEncoder:
    """Load a base for training: with its own head, or over a sentence encoder with a new one.

    The new head is the mean over the tokens of the pair, a tanh layer, and one logit. All its
    modules are sentence-transformers' own, so that `CrossEncoder(folder)` loads the result without
    `trust_remote_code`, which version 6 asks for any other module, local ones too.

    Args:
        base: What `find_base` found.
        seed: Seeds the weights of a new head.
        max_length: Longest pair in tokens.

    Returns:
        The model, on the CPU; `predict` gives raw logits.
    """
    if not base.new_head:
        own_head = load_base(base, seed=seed)
        own_head.max_seq_length = max_length
        return own_head
    torch.manual_seed(seed)
    with quiet_transformers():
        encoder = Transformer(
            str(base.folder),
            max_seq_length=max_length,
            model_kwargs={"use_safetensors": True, "local_files_only": True},
        )
    width = encoder.get_embedding_dimension()
    model: CrossEncoder = CrossEncoder(
        modules=[
            encoder,
            Pooling(width, "mean"),
            Dense(width, width, activation_function=nn.Tanh()),
            Dense(width, 1, activation_function=nn.Identity(), module_output_name="scores"),
        ],
        activation_fn=nn.Identity(),
        device="cpu",
    )
    return model
