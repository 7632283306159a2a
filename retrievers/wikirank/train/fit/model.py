"""Load the cross-encoder that the wiki recipe starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from torch import nn

from wikirank.errors import InvalidArgumentError
from wikirank.rank.pair_pooling import has_pair_head, load_with_pair_head, pair_head
from wikirank.train.fit.base import Base, load_base
from wikirank.train.fit.quiet import quiet_transformers


def starting_model(
    base: Base,
    *,
    seed: int,
    max_length: int,
    layers: int | None = None,
    dropout: float = 0.0,
) -> CrossEncoder:
    """Load a base for training, with its own head or with a new one over a sentence encoder.

    The new head is `pair_head`, which starts from the encoder's cosine similarity. Dropout is off
    by default: one pass over the data does not overfit, and on a CPU drawing the masks takes as
    long as everything else.

    Args:
        base: Base model, from `find_base`.
        seed: Seed of the weights of a random new head.
        max_length: Length of the longest pair, in tokens.
        layers: Number of layers to keep, see `keep_layers`; None keeps all.
        dropout: Share of the transformer's states to drop while training, in [0, 1).

    Returns:
        The model, on the CPU; `predict` gives raw logits.

    Raises:
        InvalidArgumentError: If the base has fewer than `layers` layers, or is not a BERT.
    """
    if has_pair_head(base.folder):
        model = load_with_pair_head(base.folder, device="cpu")
    elif base.new_head:
        model = _over_encoder(base)
    else:
        model = load_base(base, seed=seed)
    model.max_seq_length = max_length
    if layers is not None:
        keep_layers(model, layers)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    network: Any = model.model
    if not torch.cuda.is_available() and not dropout:
        # Without dropout eager attention trains 1.3 times as fast on a CPU as torch's fused one.
        network.set_attn_implementation("eager")
    return model


def average_weights(models: Sequence[CrossEncoder]) -> CrossEncoder:
    """Average the weights of models that were trained from the same base.

    The average ranks better than each model, like their ensemble, but costs no more than one:
    Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy
    without increasing inference time", ICML 2022. The first model is changed in place and returned.

    Raises InvalidArgumentError if there is no model, or their weights differ in name or shape.
    """
    states = [model.state_dict() for model in models]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if not states or any(shape != shapes[0] for shape in shapes):
        got = "other weights" if states else "no model"
        msg = (
            f"Expected models with the same weights by name and shape, got {got}. Average models "
            "that were trained from the same base."
        )
        raise InvalidArgumentError(msg)
    mean = {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }
    models[0].load_state_dict(mean)
    return models[0]


def bert_layers(model: CrossEncoder) -> tuple[Any, list[Any]]:
    """Return a cross-encoder's transformer without head, and its layers if it is a BERT."""
    network: Any = model.model
    bert = getattr(network, "bert", network)
    return bert, list(getattr(getattr(bert, "encoder", None), "layer", ()))


def keep_layers(model: CrossEncoder, layers: int) -> None:
    """Keep some layers of a BERT, evenly spread and including the last, and drop the others.

    Training then starts from what is left, for a faster model. Sanh et al., "DistilBERT", 2019,
    start a student from every other layer of its teacher. The model is changed in place.

    Raises InvalidArgumentError if the model has fewer layers, or is not a BERT.
    """
    network: Any = model.model
    bert, present = bert_layers(model)
    if not 1 <= layers <= len(present):
        kind = type(network).__name__
        msg = (
            f"Expected to keep 1 to {len(present)} layers of {kind}, got {layers}. Choose another "
            "number, or a BERT."
        )
        raise InvalidArgumentError(msg)
    step = len(present) / layers
    kept = [present[round((index + 1) * step) - 1] for index in range(layers)]
    bert.encoder.layer = nn.ModuleList(kept)
    network.config.num_hidden_layers = layers


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
