"""Networks of torch traced to ONNX and quantised to int8."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
_OPSET = 17


def trace_onnx(
    network: nn.Module,
    path: Path,
    output_name: str,
    inputs: Sequence[str] | Mapping[str, Tensor] = INPUT_NAMES,
) -> None:
    """Write a network as fp32 ONNX, its batch and sequence sizes left open.

    Args:
        network: Gives one tensor.
        path: The file to write.
        output_name: What to call the output.
        inputs: What the network takes in this order, each (batch, tokens, ...): by name an
            example, or the names alone of int64 inputs. Those with examples of one length will
            always be of one length.
    """
    if not isinstance(inputs, Mapping):
        inputs = dict.fromkeys(inputs, torch.ones(2, 16, dtype=torch.long))
    lengths = list(dict.fromkeys(example.shape[1] for example in inputs.values()))
    named = {
        length: "tokens" if index == 0 else f"tokens_{index}"
        for index, length in enumerate(lengths)
    }
    axes = {name: {0: "batch", 1: named[e.shape[1]]} for name, e in inputs.items()}
    torch.onnx.export(
        network.eval(),
        tuple(inputs.values()),
        str(path),
        dynamo=False,
        input_names=list(inputs),
        output_names=[output_name],
        dynamic_axes={**axes, output_name: {0: "batch"}},
        opset_version=_OPSET,
    )


def large_nodes(fp32: Path) -> list[str]:
    """The nodes of a cross-encoder that hold nearly all its weights.

    They are named, rather than the others excluded, because the quantiser renames a Gemm, such as
    the head, before it looks at what to exclude, and then quantises it after all.

    Args:
        fp32: The network as traced from a model that `scale_rows` rewrote.

    Returns:
        Names of the products with weights and of the look-up of the word embeddings.
    """
    graph = onnx.load(str(fp32)).graph
    weights = {weight.name for weight in graph.initializer}
    return [
        node.name
        for node in graph.node
        if (node.op_type == "MatMul" and node.input[1] in weights)
        or node.name.endswith("/word_embeddings/table/Gather")
    ]


def quantise(fp32: Path, int8: Path, *, nodes: Sequence[str] | None = None) -> None:
    """Quantise a network's weights per channel to int8; activations are quantised at run time.

    Args:
        fp32: The network as traced.
        int8: The file to write.
        nodes: Names of the nodes to quantise; None is all that can be.
    """
    quantize_dynamic(
        fp32,
        int8,
        per_channel=True,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=None if nodes is None else list(nodes),
        # Types are not inferred across an operator of ONNX Runtime's own.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


@contextmanager
def quiet_export() -> Iterator[None]:
    """Hide the tracer's and the quantiser's advice; their errors still come through."""
    root = logging.getLogger()
    level: Any = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
