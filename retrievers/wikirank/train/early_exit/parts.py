"""A network cut in two after one of its layers, and put together again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from onnx.utils import Extractor

from wikirank.errors import ModelError

STATES = "states"


def split_network(whole: Path, first: Path, last: Path, *, after: int) -> None:
    """Write the two parts of a cross-encoder's network.

    Args:
        whole: The network, as `wikirank.train.export` traces and quantises it.
        first: Where to write the part up to the cut, from tokens to `states`.
        last: Where to write the part behind it, from `states` and token types to the output.
        after: How many layers the first part is to have, 1 or more.

    Raises:
        ModelError: The network has no such layer.
    """
    model = onnx.load(str(whole))
    ends = f"/encoder/layer.{after - 1}/output/LayerNorm/"
    outputs = [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "LayerNormalization" and ends in node.name
    ]
    if len(outputs) != 1:
        msg = f"Expected a network with more than {after} layers in {whole}, got a shorter one."
        raise ModelError(msg)
    _rename(model.graph, outputs[0], STATES)
    states = helper.make_tensor_value_info(STATES, TensorProto.FLOAT, ["batch", "tokens", None])
    model.graph.value_info.append(states)
    extractor = Extractor(model)
    tokens = [given.name for given in model.graph.input]
    onnx.save(extractor.extract_model(tokens, [STATES]), str(first))
    output = model.graph.output[0].name
    onnx.save(extractor.extract_model([STATES, "token_type_ids"], [output]), str(last))


def join_network(first: Path, last: Path) -> Any:
    """The network that `split_network` cut.

    Args:
        first: The part up to the cut.
        last: The part behind it.

    Returns:
        An ONNX model.
    """
    joined, behind = (onnx.load(str(part)) for part in (first, last))
    graph = joined.graph
    graph.node.extend(behind.graph.node)
    held = {array.name for array in graph.initializer}
    graph.initializer.extend(a for a in behind.graph.initializer if a.name not in held)
    del graph.output[:]
    graph.output.extend(behind.graph.output)
    return joined


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                if name == old:
                    names[at] = new
