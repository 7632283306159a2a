"""Export of a first pass."""

from __future__ import annotations

from pathlib import Path

import torch

from wikirank.train.first_pass.network import FirstPassNetwork
from wikirank.train.tracing import quantise, quiet_export, trace_onnx


def export_first_pass(network: FirstPassNetwork, target: Path) -> None:
    """Write a first pass as int8 ONNX, for one pair a run.

    Args:
        network: A trained one.
        target: The file to write.
    """
    fp32 = target.with_suffix(".fp32.onnx")
    example = {
        "query_ids": torch.ones(1, 5, dtype=torch.long),
        "passage_ids": torch.ones(1, 11, dtype=torch.long),
    }
    with quiet_export():
        trace_onnx(network, fp32, "logit", example)
        quantise(fp32, target, nodes=_large_nodes(network))
    fp32.unlink()


def _large_nodes(network: FirstPassNetwork) -> list[str]:
    """The word vectors, and what is done to every token; for the rest int8 takes longer."""
    return [
        *("/words/Gather", "/words_1/Gather", "/context/MatMul", "/context_1/MatMul"),
        *(
            f"/layers.{at}/{part}/MatMul"
            for at in range(len(network.layers))
            for part in ("key", "value")
        ),
    ]
