"""Rewrite networks so that they lose less by int8. In fp32 they compute the same as before.

ONNX Runtime quantises an activation at run time with one scale for the whole tensor. In the
feed-forward layers of a BERT a few tokens have far larger values than the others, which are left
with few of the 256 levels. If each token is divided by its largest value, it uses all levels. The
division is undone after the product. The rows of an embedding table are scaled in the same way.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertEmbeddings, BertIntermediate, BertOutput

_SMALLEST = 1e-6
_LEAST_GELU = 0.17  # GELU is never below -0.17


class RowScaledLinear(nn.Module):
    """A linear layer that scales each token to a largest value of 1 for its product."""

    def __init__(self, linear: nn.Linear, *, after_gelu: bool = False) -> None:
        """Share the weights of a linear layer with a bias."""
        super().__init__()
        self.weight, self.bias, self._after_gelu = linear.weight, linear.bias, after_gelu

    def forward(self, states: Tensor) -> Tensor:
        """Apply the layer to the last axis."""
        if self._after_gelu:  # computing absolute values would take 2.5 % of the network's time
            largest = states.amax(-1, keepdim=True).clamp(min=_LEAST_GELU)
        else:
            largest = states.abs().amax(-1, keepdim=True).clamp(min=_SMALLEST)
        scaled: Tensor = nn.functional.linear(states * (1 / largest), self.weight)
        return scaled * largest + self.bias


class RowScaledEmbedding(nn.Module):
    """An embedding as a table of rows with a largest value of 1, and the scale of each row."""

    def __init__(self, embedding: nn.Embedding) -> None:
        """Split the weights of an embedding into table and scales."""
        super().__init__()
        weight = embedding.weight.detach()
        largest = weight.abs().amax(1, keepdim=True).clamp(min=_SMALLEST)
        rows, width = weight.shape
        self.table = nn.Embedding(rows, width, _weight=weight / largest)
        self.row_scale = nn.Embedding(rows, 1, _weight=largest)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors of token ids."""
        rows: Tensor = self.table(ids) * self.row_scale(ids)
        return rows


def scale_rows(network: nn.Module) -> None:
    """Rewrite the feed-forward layers and word embeddings of every BERT in a network, in place.

    The network can then be exported, but should not be trained.
    """
    for module in list(network.modules()):
        parent: Any = module  # because its attributes get another type
        if isinstance(module, BertIntermediate | BertOutput):
            after_gelu = isinstance(module, BertOutput)
            parent.dense = RowScaledLinear(module.dense, after_gelu=after_gelu)
        elif isinstance(module, BertEmbeddings):
            parent.word_embeddings = RowScaledEmbedding(module.word_embeddings)
