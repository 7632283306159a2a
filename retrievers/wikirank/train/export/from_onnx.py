"""Rebuild torch models from our int8 ONNX cross-encoders, to train the shipped models further.

The configuration is read from the network: sizes from the weights, the number of heads from the
attention, and epsilon from the layer normalisation. Everything else must be as in a BERT. The
activation is checked to be the exact GELU; the rest is transformers' default.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)

from wikirank.errors import ModelError
from wikirank.rank.pair_pooling import pair_head
from wikirank.runtime.model_folder import read_model_folder
from wikirank.train.export.traced_graph import WORDS, TracedGraph
from wikirank.train.fit.quiet import quiet_transformers

_SPECIAL = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}
_FIRST_ATTENTION = "encoder.layer.0.attention.self"

_Parameters = Mapping[str, NDArray[np.float32]]


def cross_encoder_from_onnx(folder: Path) -> CrossEncoder:
    """Rebuild the torch model that one of our model folders was exported from.

    Its weights are the dequantised weights of the int8 network. The pooler of a BERT with the pair
    head is not exported, so it is zero. A prefilter is left out.

    Args:
        folder: Model folder of kind "cross-encoder", with either of the heads that we train.

    Returns:
        The model, on the CPU; `predict` gives raw logits.

    Raises:
        ModelError: If the folder is not such a model, or its network is not a BERT that we
            exported.
    """
    files = read_model_folder(folder, kind="cross-encoder")
    graph = TracedGraph.read(files)
    try:
        parameters = graph.parameters()
        config = _config(graph, parameters)
        network = _network(config, parameters)
    except (KeyError, ValueError, RuntimeError) as err:
        msg = (
            f"Expected a BERT that `wikirank train` exported in {files.path}, got another network: "
            f"{err}. Train from the torch model instead."
        )
        raise ModelError(msg) from err
    fast_tokenizer: Any = PreTrainedTokenizerFast  # has no types
    tokenizer = fast_tokenizer(
        tokenizer_file=str(files.tokenizer),
        model_max_length=files.description.max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **_SPECIAL,
    )
    with tempfile.TemporaryDirectory() as scratch, quiet_transformers():
        network.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        return _load(Path(scratch), parameters)


def _config(graph: TracedGraph, parameters: _Parameters) -> BertConfig:
    vocabulary, hidden = parameters[f"{WORDS}.weight"].shape
    layers = {name.split(".")[2] for name in parameters if name.startswith("encoder.layer.")}
    operations = {node.op_type for module, node in graph.nodes if "intermediate" in module}
    if "Erf" not in operations:
        msg = "the activation of its feed-forward layers is not the exact GELU"
        raise ValueError(msg)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=len(layers),
        num_attention_heads=_heads(graph),
        intermediate_size=len(parameters["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(parameters["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(parameters["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=_epsilon(graph),
    )
    config.num_labels = 1
    return config


def _heads(graph: TracedGraph) -> int:
    heads = [
        attribute.i
        for module, node in graph.nodes
        if module == _FIRST_ATTENTION and node.op_type == "MultiHeadAttention"
        for attribute in node.attribute
        if attribute.name == "num_heads"
    ]
    if len(heads) != 1:
        msg = f"its first layer has {len(heads)} MultiHeadAttention operators, expected 1"
        raise ValueError(msg)
    return int(heads[0])


def _epsilon(graph: TracedGraph) -> float:
    [epsilon] = {
        attribute.f
        for _, node in graph.nodes
        if node.op_type == "LayerNormalization"
        for attribute in node.attribute
        if attribute.name == "epsilon"
    }
    return float(f"{epsilon:.6g}")  # undo the rounding to 32 bits


def _network(
    config: BertConfig, parameters: _Parameters
) -> BertForSequenceClassification | BertModel:
    """Return the transformer with its weights, including a BERT's classification head."""
    state = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in parameters.items()}
    if "classifier.weight" in state:
        classifier = BertForSequenceClassification(config)
        head = ("classifier.weight", "classifier.bias")
        classifier.load_state_dict(
            {name if name in head else f"bert.{name}": a for name, a in state.items()}
        )
        return classifier
    if "linear.weight" not in state:
        msg = "it has neither a classification head nor a pair head"
        raise ValueError(msg)
    encoder = BertModel(config)
    pooler = {n: torch.zeros_like(a) for n, a in encoder.state_dict().items() if "pooler" in n}
    encoder_state = {n: a for n, a in state.items() if not n.startswith("linear.")}
    encoder.load_state_dict({**encoder_state, **pooler})
    return encoder


def _load(folder: Path, parameters: _Parameters) -> CrossEncoder:
    if "classifier.weight" in parameters:
        classifier: CrossEncoder = CrossEncoder(
            str(folder),
            num_labels=1,
            activation_fn=nn.Identity(),
            device="cpu",
            local_files_only=True,
        )
        return classifier
    encoder = Transformer(str(folder), model_kwargs={"local_files_only": True})
    pooling, linear = pair_head(encoder.get_embedding_dimension())
    linear.load_state_dict(
        {name: torch.tensor(parameters[name]) for name in ("linear.weight", "linear.bias")}
    )
    model: CrossEncoder = CrossEncoder(
        modules=[encoder, pooling, linear], activation_fn=nn.Identity(), device="cpu"
    )
    return model
