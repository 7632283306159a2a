"""Trace torch networks to ONNX and quantise them to int8."""

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
    """Write a network as fp32 ONNX with variable batch and sequence sizes.

    Args:
        network: Network that returns one tensor.
        path: File to write.
        output_name: Name of the output.
        inputs: Inputs of the network in order, each (batch, tokens, ...): names with examples, or
            only the names of int64 inputs. Inputs whose examples have the same length must always
            have the same length.
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
    """Return the names of the nodes of a cross-encoder that hold nearly all its weights.

    We pass these to the quantiser instead of excluding the others: it renames a Gemm, such as the
    head, before it checks for exclusion, and would quantise it nevertheless. The nodes are the
    products with weights and the look-up of the word embeddings, in a network after `scale_rows`.
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
    """Quantise the weights of a network file per channel to int8, and write it to another file.

    Activations are quantised at run time. If `nodes` is None, all nodes that can be are quantised.
    """
    quantize_dynamic(
        fp32,
        int8,
        per_channel=True,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=None if nodes is None else list(nodes),
        # Types are not inferred across ONNX Runtime's own operators.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


@contextmanager
def quiet_export() -> Iterator[None]:
    """Hide the warnings of the tracer and the quantiser; errors are still shown."""
    root = logging.getLogger()
    level: Any = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
