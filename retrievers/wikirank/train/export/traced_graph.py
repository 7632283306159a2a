"""Read the parameters of a traced and quantised BERT by the modules that it was traced from.

Modules are found by the names of nodes, which contain the module's path, such as
`/.../encoder/layer.0/attention/self/query/MatMul`. The tracer drops the names of most weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from wikirank.runtime.model_folder import ModelFolder

WORDS = "embeddings.word_embeddings"

_NODE = re.compile(
    r"/(embeddings/.+|encoder/layer\.\d+/.+|pooler/dense|classifier|linear)/([^/]+)$"
)


class _Parameter(NamedTuple):
    """A parameter and the path of its module."""

    module: str
    name: str
    values: NDArray[np.float32]


class TracedGraph:
    """The nodes of a network and the modules that they were traced from.

    Attributes:
        nodes: Dotted path of the module, and the node.
    """

    def __init__(self, graph: Any) -> None:
        """Index the graph of an ONNX model."""
        self._arrays = {array.name: array for array in graph.initializer}
        self._arrays.update(
            (node.output[0], node.attribute[0].t)
            for node in graph.node
            if node.op_type == "Constant"
        )
        self.nodes = [
            (match[1].replace("/", "."), node)
            for node in graph.node
            if (match := _NODE.search(node.name))
        ]

    @classmethod
    def read(cls, folder: ModelFolder) -> TracedGraph:
        """Read the network of a model folder."""
        return cls(onnx.load(folder.network).graph)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Return all weights and biases by name, dequantised, with the same axes as in torch."""
        arrays: dict[str, NDArray[np.float32]] = {}
        split: dict[str, NDArray[np.float32]] = {}
        for module, name, values in self._parameters():
            if module.startswith(f"{WORDS}."):
                split[module] = values
            else:
                arrays[f"{module}.{name}"] = values
        if split:  # undo `RowScaledEmbedding`
            arrays[f"{WORDS}.weight"] = split[f"{WORDS}.table"] * split[f"{WORDS}.row_scale"]
        return arrays

    def _parameters(self) -> Iterator[_Parameter]:
        for module, node in self.nodes:
            if node.op_type == "LayerNormalization":
                yield _Parameter(module, "weight", self._array(node.input[1]))
                yield _Parameter(module, "bias", self._array(node.input[2]))
            elif node.op_type in ("MatMul", "MatMulInteger") and self._is_weight(node.input[1]):
                yield _Parameter(module, "weight", self._array(node.input[1]).T)
            elif node.op_type == "Gather" and self._is_weight(node.input[0]):
                yield _Parameter(module, "weight", self._array(node.input[0]))
            elif node.op_type == "Add":
                for name in filter(self._is_bias, node.input):
                    yield _Parameter(module, "bias", self._array(name))

    def _is_weight(self, name: str) -> bool:
        return name in self._arrays and len(self._arrays[name].dims) == 2

    def _is_bias(self, name: str) -> bool:
        return name in self._arrays and len(self._arrays[name].dims) == 1

    def _array(self, name: str) -> NDArray[np.float32]:
        """Return an array, dequantised along its last axis if it was quantised."""
        values = numpy_helper.to_array(self._arrays[name])
        original = name.removesuffix("_quantized")
        if original != name:
            scale, zero = (
                numpy_helper.to_array(self._arrays[original + part])
                for part in ("_scale", "_zero_point")
            )
            values = (values.astype(np.float32) - zero.astype(np.float32)) * scale
        return values.astype(np.float32)
