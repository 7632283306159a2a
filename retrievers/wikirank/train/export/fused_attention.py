"""Attention as one operator of ONNX Runtime, for networks that are run a text at a time.

Without padding there is nothing to mask. ONNX Runtime's operator then takes the transpositions,
the products, the scaling and the softmax together, block by block (Dao et al., "FlashAttention",
NeurIPS 2022): a pair takes up to a tenth less on one core than by the separate operators.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertSelfAttention


class _Attend(torch.autograd.Function):
    """Softmax attention over all tokens, each input (batch, tokens, heads * size of a head)."""

    @staticmethod
    def forward(_context: Any, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
        return _attended(query, key, value, heads)

    @staticmethod
    def symbolic(graph: Any, query: Any, key: Any, value: Any, heads: int) -> Any:
        output = graph.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=heads)
        output.setType(query.type())
        return output


class FusedSelfAttention(nn.Module):
    """A BERT's self-attention without a mask, to be exported."""

    def __init__(self, attention: BertSelfAttention) -> None:
        """Take over the weights of an attention."""
        super().__init__()
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.num_attention_heads = attention.num_attention_heads

    def forward(self, states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        """Attend; (batch, tokens, width) to the same shape. The mask is not looked at."""
        return attend(self, states, states), None


def attend(attention: Any, of: Tensor, to: Tensor, seen: Tensor | None = None) -> Tensor:
    """Let tokens attend to tokens.

    Args:
        attention: A BERT's self-attention, whole or fused.
        of: (batch, tokens, width), states of those that attend.
        to: (batch, other tokens, width), states of those that are attended to.
        seen: Of the latter, which are no padding, boolean and broadcast to (batch, heads, tokens,
            other tokens); None sees all, and alone is exported as one operator.

    Returns:
        (batch, tokens, width).
    """
    states = attention.query(of), attention.key(to), attention.value(to)
    if seen is not None:
        return _attended(*states, attention.num_attention_heads, seen)
    fused: Any = _Attend
    attended: Tensor = fused.apply(*states, attention.num_attention_heads)
    return attended


def fuse_attention(network: nn.Module) -> None:
    """Replace the self-attention of the BERTs in a network, in place, for export only."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BertSelfAttention):
                setattr(module, name, FusedSelfAttention(child))


def _attended(
    query: Tensor, key: Tensor, value: Tensor, heads: int, seen: Tensor | None = None
) -> Tensor:
    q, k, v = (_of_heads(states, heads) for states in (query, key, value))
    together = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return together.transpose(1, 2).flatten(2)


def _of_heads(states: Tensor, heads: int) -> Tensor:
    """(batch, tokens, width) as (batch, heads, tokens, size of a head)."""
    batch, tokens, width = states.shape
    return states.reshape(batch, tokens, heads, width // heads).transpose(1, 2)
