"""The head that decides after a transformer's first layers which candidates go on."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertLayer

from wikirank.train.fused_attention import attend
from wikirank.train.row_scale import scale_rows

_HIDDEN = 256
# Entries of vectors of length 1 are small; so much larger they are in the range of a layer's input.
_PRODUCT, _ELSE, _COSINE = 20.0, 5.0, 8.0


class ExitHead(nn.Module):
    """One transformer layer over the query's tokens alone, a pooling, and two linear layers.

    The query's tokens, a tenth of all, attend to all tokens of the pair once more; so the layer
    costs a quarter of a whole one. With q their mean, q' the mean of the query's states before and
    p that of the passage's, each of length 1, the logit is made of [q∘p, |q−p|, p, q, q'] and of
    the cosine of q and p, from which training starts.

    Args:
        layer: The layer to begin as, in general the one that would follow; copied.
    """

    def __init__(self, layer: BertLayer) -> None:
        super().__init__()
        width = layer.attention.self.query.in_features
        self.layer = copy.deepcopy(layer)
        self.hidden = nn.Linear(5 * width, _HIDDEN)
        self.output = nn.Linear(_HIDDEN, 1)
        self.cosine = nn.Parameter(torch.tensor(_COSINE))

    def forward(self, states: Tensor, mask: Tensor, type_ids: Tensor) -> Tensor:
        """Score a padded batch.

        Args:
            states: (pairs, tokens, width), of the last layer before the exit.
            mask: (pairs, tokens), 0 on padding.
            type_ids: (pairs, tokens), 1 on the passage.

        Returns:
            (pairs,), exit logits.
        """
        of_query = mask * (1 - type_ids)
        longest = int(of_query.sum(1).max())
        of_query = of_query[:, :longest].unsqueeze(-1)
        before = states[:, :longest]
        attention: Any = self.layer.attention.self
        seen = mask[:, None, None, :].bool()
        after = self.read(before, attend(attention, before, states, seen))
        of_passage = (mask * type_ids).unsqueeze(-1)
        return self.logit(
            (after.float() * of_query).sum(1),
            (before.float() * of_query).sum(1),
            (states.float() * of_passage).sum(1),
        )

    def read(self, states: Tensor, attended: Tensor) -> Tensor:
        """All of the layer that follows its attention."""
        layer: Any = self.layer
        mixed = layer.attention.output(attended, states)
        output: Tensor = layer.output(layer.intermediate(mixed), mixed)
        return output

    def logit(self, after: Tensor, before: Tensor, passage: Tensor) -> Tensor:
        """Exit logits of states that are summed over the query, after and before, and passage."""
        q, q_before, p = (nn.functional.normalize(s, dim=-1) for s in (after, before, passage))
        rest = torch.cat(((q - p).abs(), p, q, q_before), dim=-1) * _ELSE
        features = torch.cat((q * p * _PRODUCT, rest), dim=-1)
        learned = self.output(nn.functional.gelu(self.hidden(features))).squeeze(-1)
        logits: Tensor = learned + self.cosine * (q * p).sum(-1)
        return logits


class ExportedExit(nn.Module):
    """The head for one pair a run, without padding: (1, tokens, width), (1, tokens) to (1,)."""

    def __init__(self, head: ExitHead) -> None:
        """Copy a head, and rewrite it for int8."""
        super().__init__()
        self.head = copy.deepcopy(head).float()
        scale_rows(self.head)

    def forward(self, states: Tensor, token_type_ids: Tensor) -> Tensor:
        """Score one pair."""
        before = states.index_select(1, torch.nonzero(token_type_ids[0] == 0).squeeze(1))
        passage = states.index_select(1, torch.nonzero(token_type_ids[0] == 1).squeeze(1))
        attention: Any = self.head.layer.attention.self
        after = self.head.read(before, attend(attention, before, states))
        return self.head.logit(after.sum(1), before.sum(1), passage.sum(1))
