"""Export of a cross-encoder's network with an early exit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from wikirank.runtime.model_description import EARLY_EXIT_FILES
from wikirank.train.early_exit.head import ExitHead, ExportedExit
from wikirank.train.early_exit.parts import STATES, split_network
from wikirank.train.tracing import large_nodes, quantise, trace_onnx


@dataclass(frozen=True)
class EarlyExit:
    """A head that was trained for a cross-encoder.

    Attributes:
        head: The head.
        after: How many of the cross-encoder's layers come before it.
        margin: See `wikirank.rank.early_exit`.
    """

    head: ExitHead
    after: int
    margin: float


def export_parts(int8: Path, early_exit: EarlyExit) -> list[Path]:
    """Cut a quantised network in two, and export the head that stands between.

    Args:
        int8: The whole network.
        early_exit: What it is to get.

    Returns:
        First layers, exit, last layers, in the folder of the network.

    Raises:
        ModelError: The network has not that many layers.
    """
    first, exit_, last = (int8.parent / name for name in EARLY_EXIT_FILES)
    split_network(int8, first, last, after=early_exit.after)
    fp32 = int8.parent / "exit.fp32.onnx"
    width = early_exit.head.layer.attention.self.query.in_features
    example = {
        STATES: torch.randn(1, 16, width),
        "token_type_ids": torch.tensor([[0] * 5 + [1] * 11]),
    }
    trace_onnx(ExportedExit(early_exit.head), fp32, "exit_logit", example)
    quantise(fp32, exit_, nodes=large_nodes(fp32))
    return [first, exit_, last]
