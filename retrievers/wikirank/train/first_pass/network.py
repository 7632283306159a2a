"""The small network of a cascade's prefilter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wikirank.train.export.fused_attention import attend

_WIDTH, _LAYERS, _HEADS, _HIDDEN = 128, 2, 4, 128
_DEVIATION = 0.3  # Of the word vectors: how fast they are learned depends on it, nothing else.
# What new weights are multiplied by where they add to word vectors that mean something already.
_LITTLE = 0.3
# The logits in the beginning, of similarities between 0 and 1.
_MATCHES, _COSINE = 10.0, 5.0
# Entries of vectors of length 1 are small; so much larger they are in the range of the rest.
_PRODUCT, _ELSE = 10.0, 5.0
_PADDING = -1e4


class PrefilterNetwork(nn.Module):
    """Scores a pair from word vectors in context, a hundredth of a six-layer BERT's products.

    Every token sees its two neighbours. Then the query's tokens, a tenth of all, attend to all of
    the pair in two transformer layers; the passage's stay as they are. The logit is made of what
    each of the query's tokens is most like in the passage (MaxSim; Khattab and Zaharia, "ColBERT",
    SIGIR 2020), by its word and in its context, weighted by how much that word matters, and of the
    means of query and passage, from whose likeness training starts.

    Args:
        words: (vocabulary, width), vectors of the tokens to begin with.
    """

    def __init__(self, words: Tensor) -> None:
        super().__init__()
        vocabulary, width = words.shape
        self.words = nn.Embedding(vocabulary, width, _weight=words.clone())
        self.log_weights = nn.Embedding(vocabulary, 1, _weight=torch.zeros(vocabulary, 1))
        self.sides = nn.Embedding(2, width, _weight=torch.zeros(2, width))
        self.word_norm, self.context_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.context = _little(nn.Linear(3 * width, width))
        self.layers = nn.ModuleList(_QueryLayer(width) for _ in range(_LAYERS))
        self.token_hidden = nn.Linear(width + 2, _HIDDEN)
        self.token_output = _little(nn.Linear(_HIDDEN, 1))
        self.hidden = nn.Linear(4 * width + 5, _HIDDEN)
        self.output = _little(nn.Linear(_HIDDEN, 1))
        self.scales = nn.Parameter(torch.tensor([_MATCHES, _MATCHES, _COSINE]))

    def forward(
        self,
        query_ids: Tensor,
        passage_ids: Tensor,
        query_mask: Tensor | None = None,
        passage_mask: Tensor | None = None,
    ) -> Tensor:
        """Score pairs.

        Args:
            query_ids: (pairs, tokens).
            passage_ids: (pairs, other tokens).
            query_mask: (pairs, tokens), 0 on padding; None if there is none.
            passage_mask: (pairs, other tokens), likewise.

        Returns:
            (pairs,), logits.
        """
        words = self.word_norm(self.words(query_ids)), self.word_norm(self.words(passage_ids))
        query = self._in_context(words[0], query_mask, 0)
        passage = self._in_context(words[1], passage_mask, 1)
        matched = torch.stack(
            (_best_match(*words, passage_mask), _best_match(query, passage, passage_mask)), dim=-1
        )
        read = query
        for layer in self.layers:
            read = layer(read, passage, query_mask, passage_mask)
        weights = self.log_weights(query_ids).exp()
        if query_mask is not None:
            weights = weights * query_mask.unsqueeze(-1)
        weights = weights / weights.sum(1, keepdim=True)
        token = self._token(torch.cat((read, matched), dim=-1))
        matches = (weights * torch.cat((matched, token), dim=-1)).sum(1)
        q, p = _mean(read, query_mask), _mean(passage, passage_mask)
        cosine = (q * p).sum(-1, keepdim=True)
        likeness = (_mean(query, query_mask) * p).sum(-1, keepdim=True)
        rest = torch.cat(((q - p).abs(), q, p), dim=-1) * _ELSE
        features = torch.cat((q * p * _PRODUCT, rest, matches, cosine, likeness), dim=-1)
        learned = self.output(nn.functional.gelu(self.hidden(features)))
        known = torch.cat((matches[:, :2], likeness), dim=-1) * self.scales
        logits: Tensor = learned.squeeze(-1) + known.sum(-1) + matches[:, 2]
        return logits

    def _in_context(self, words: Tensor, mask: Tensor | None, side: int) -> Tensor:
        """Word vectors with something of their neighbours'."""
        if mask is not None:
            words = words * mask.unsqueeze(-1)
        padded = nn.functional.pad(words, (0, 0, 1, 1))
        seen = torch.cat((padded[:, :-2], words, padded[:, 2:]), dim=-1)
        more = nn.functional.gelu(self.context(seen)) + self.sides.weight[side]
        states: Tensor = self.context_norm(words + more)
        return states

    def _token(self, matched: Tensor) -> Tensor:
        """What each of the query's tokens has to say: (pairs, tokens, 1)."""
        said: Tensor = self.token_output(nn.functional.gelu(self.token_hidden(matched)))
        return said


class _QueryLayer(nn.Module):
    """A transformer layer whose output is that of the query's tokens alone.

    It begins as attention to what is alike, as queries, keys and values are the states themselves.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_attention_heads = _HEADS
        self.query, self.key, self.value = (_same(width) for _ in range(3))
        self.attended = _little(nn.Linear(width, width))
        self.attended_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 4 * width)
        self.output = _little(nn.Linear(4 * width, width))

    def forward(
        self, query: Tensor, passage: Tensor, query_mask: Tensor | None, passage_mask: Tensor | None
    ) -> Tensor:
        seen = None
        if query_mask is not None and passage_mask is not None:
            seen = torch.cat((query_mask, passage_mask), dim=1)[:, None, None, :].bool()
        attention: Any = self
        attended = attend(attention, query, torch.cat((query, passage), dim=1), seen)
        query = self.attended_norm(query + self.attended(attended))
        read: Tensor = self.norm(query + self.output(nn.functional.gelu(self.hidden(query))))
        return read


def prefilter_for(words: Tensor) -> PrefilterNetwork:
    """A prefilter to be trained, from principal components of a model's (vocabulary, width)."""
    centred = words - words.mean(0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    vectors = centred @ axes[:_WIDTH].T
    return PrefilterNetwork(vectors * (_DEVIATION / vectors.std()))


def _best_match(query: Tensor, passage: Tensor, passage_mask: Tensor | None) -> Tensor:
    """The highest cosine of each of the query's tokens and any of the passage's."""
    cosines = _unit(query) @ _unit(passage).transpose(1, 2)
    if passage_mask is not None:
        cosines = cosines + (1 - passage_mask).unsqueeze(1) * _PADDING
    return cosines.amax(-1)


def _mean(states: Tensor, mask: Tensor | None) -> Tensor:
    """The mean direction of states."""
    return _unit(states.sum(1) if mask is None else (states * mask.unsqueeze(-1)).sum(1))


def _unit(states: Tensor) -> Tensor:
    return nn.functional.normalize(states, dim=-1)


def _same(width: int) -> nn.Linear:
    linear = nn.Linear(width, width)
    nn.init.normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    with torch.no_grad():
        linear.weight += torch.eye(width)
    return linear


def _little(linear: nn.Linear) -> nn.Linear:
    nn.init.zeros_(linear.bias)
    with torch.no_grad():
        linear.weight *= _LITTLE
    return linear
