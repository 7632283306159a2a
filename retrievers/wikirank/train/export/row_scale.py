"""Networks rewritten so that int8 costs them less; in fp32 they compute what they did before.

ONNX Runtime quantises an activation at run time with one scale for the whole tensor. In the
feed-forward parts of a BERT a few tokens have values many times those of the others, which are
left with few of the 256 levels. Divided by its largest value every token uses them all, and the
division is undone after the product. Likewise for a table of embeddings and its rows.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertEmbeddings, BertIntermediate, BertOutput

_SMALLEST = 1e-6
_LEAST_GELU = 0.17  # GELU is never below its negative.


class RowScaledLinear(nn.Module):
    """A linear layer whose product sees each token with a largest value of 1."""

    def __init__(self, linear: nn.Linear, *, after_gelu: bool = False) -> None:
        """Take over the weights of a layer that has a bias, and may follow a GELU."""
        super().__init__()
        self.weight, self.bias, self._after_gelu = linear.weight, linear.bias, after_gelu

    def forward(self, states: Tensor) -> Tensor:
        """Apply the layer; the last axis is that of a token."""
        if self._after_gelu:  # Its values need not be made absolute, which costs a fortieth of all.
            largest = states.amax(-1, keepdim=True).clamp(min=_LEAST_GELU)
        else:
            largest = states.abs().amax(-1, keepdim=True).clamp(min=_SMALLEST)
        scaled: Tensor = nn.functional.linear(states * (1 / largest), self.weight)
        return scaled * largest + self.bias


class RowScaledEmbedding(nn.Module):
    """An embedding as a table whose rows have a largest value of 1, and the scales of its rows."""

    def __init__(self, embedding: nn.Embedding) -> None:
        """Split the weights of an embedding."""
        super().__init__()
        weight = embedding.weight.detach()
        largest = weight.abs().amax(1, keepdim=True).clamp(min=_SMALLEST)
        rows, width = weight.shape
        self.table = nn.Embedding(rows, width, _weight=weight / largest)
        self.row_scale = nn.Embedding(rows, 1, _weight=largest)

    def forward(self, ids: Tensor) -> Tensor:
        """Look tokens up."""
        rows: Tensor = self.table(ids) * self.row_scale(ids)
        return rows


def scale_rows(network: nn.Module) -> None:
    """Rewrite the feed-forward layers and the word embeddings of the BERTs in a network, in place.

    Args:
        network: To be exported, not trained.
    """
    for module in list(network.modules()):
        parent: Any = module  # for its attributes to be replaced by those of another type
        if isinstance(module, BertIntermediate | BertOutput):
            after_gelu = isinstance(module, BertOutput)
            parent.dense = RowScaledLinear(module.dense, after_gelu=after_gelu)
        elif isinstance(module, BertEmbeddings):
            parent.word_embeddings = RowScaledEmbedding(module.word_embeddings)
