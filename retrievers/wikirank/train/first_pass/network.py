"""The network of the prefilter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wikirank.train.export.fused_attention import attend

_WIDTH, _LAYERS, _HEADS, _HIDDEN = 128, 2, 4, 128
# Standard deviation of the initial word vectors. It only affects how fast they are learned.
_DEVIATION = 0.3
# Factor of new random weights, so that they change the pretrained word vectors little at first.
_INITIAL_FACTOR = 0.3
# Initial weights of the similarities, which are between 0 and 1, in the logit.
_MATCH_WEIGHT, _COSINE_WEIGHT = 10.0, 5.0
# Entries of unit vectors are small. These factors bring them into the range of other features.
_PRODUCT_FACTOR, _VECTOR_FACTOR = 10.0, 5.0
_PADDING = -1e4


class PrefilterNetwork(nn.Module):
    """Scores a pair from word vectors in context, at a hundredth of a six-layer BERT's cost.

    Every token sees its two neighbours. Then the query's tokens, a tenth of all, attend to all
    tokens of the pair in two transformer layers. The passage's tokens stay as they are.

    The logit is made of two parts. The first is the highest similarity of each query token to a
    passage token (MaxSim; Khattab and Zaharia, "ColBERT", SIGIR 2020), with and without context,
    weighted by the importance of the word. The second compares the means of query and passage;
    their similarity is where training starts.

    Args:
        words: (vocabulary, width), initial word vectors.
    """

    def __init__(self, words: Tensor) -> None:
        super().__init__()
        vocabulary, width = words.shape
        self.words = nn.Embedding(vocabulary, width, _weight=words.clone())
        self.log_weights = nn.Embedding(vocabulary, 1, _weight=torch.zeros(vocabulary, 1))
        self.sides = nn.Embedding(2, width, _weight=torch.zeros(2, width))
        self.word_norm, self.context_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.context = _scaled_down(nn.Linear(3 * width, width))
        self.layers = nn.ModuleList(_QueryLayer(width) for _ in range(_LAYERS))
        self.token_hidden = nn.Linear(width + 2, _HIDDEN)
        self.token_output = _scaled_down(nn.Linear(_HIDDEN, 1))
        self.hidden = nn.Linear(4 * width + 5, _HIDDEN)
        self.output = _scaled_down(nn.Linear(_HIDDEN, 1))
        self.scales = nn.Parameter(torch.tensor([_MATCH_WEIGHT, _MATCH_WEIGHT, _COSINE_WEIGHT]))

    def forward(
        self,
        query_ids: Tensor,
        passage_ids: Tensor,
        query_mask: Tensor | None = None,
        passage_mask: Tensor | None = None,
    ) -> Tensor:
        """Score pairs.

        Args:
            query_ids: (pairs, query tokens).
            passage_ids: (pairs, passage tokens).
            query_mask: (pairs, query tokens), 0 on padding; None if there is no padding.
            passage_mask: (pairs, passage tokens), 0 on padding; None if there is no padding.

        Returns:
            (pairs,), logits.
        """
        words = self.word_norm(self.words(query_ids)), self.word_norm(self.words(passage_ids))
        query = self._in_context(words[0], query_mask, 0)
        passage = self._in_context(words[1], passage_mask, 1)
        matched = torch.stack(
            (_best_match(*words, passage_mask), _best_match(query, passage, passage_mask)), dim=-1
        )
        attended = query
        for layer in self.layers:
            attended = layer(attended, passage, query_mask, passage_mask)
        weights = self.log_weights(query_ids).exp()
        if query_mask is not None:
            weights = weights * query_mask.unsqueeze(-1)
        weights = weights / weights.sum(1, keepdim=True)
        token_scores = self._token_scores(torch.cat((attended, matched), dim=-1))
        matches = (weights * torch.cat((matched, token_scores), dim=-1)).sum(1)
        q, p = _mean(attended, query_mask), _mean(passage, passage_mask)
        cosine = (q * p).sum(-1, keepdim=True)
        first_cosine = (_mean(query, query_mask) * p).sum(-1, keepdim=True)
        vectors = torch.cat(((q - p).abs(), q, p), dim=-1) * _VECTOR_FACTOR
        features = torch.cat(
            (q * p * _PRODUCT_FACTOR, vectors, matches, cosine, first_cosine), dim=-1
        )
        learned = self.output(nn.functional.gelu(self.hidden(features)))
        similarities = torch.cat((matches[:, :2], first_cosine), dim=-1) * self.scales
        logits: Tensor = learned.squeeze(-1) + similarities.sum(-1) + matches[:, 2]
        return logits

    def _in_context(self, words: Tensor, mask: Tensor | None, side: int) -> Tensor:
        """Add the context of its two neighbours to each word vector."""
        if mask is not None:
            words = words * mask.unsqueeze(-1)
        padded = nn.functional.pad(words, (0, 0, 1, 1))
        neighbours = torch.cat((padded[:, :-2], words, padded[:, 2:]), dim=-1)
        context = nn.functional.gelu(self.context(neighbours)) + self.sides.weight[side]
        states: Tensor = self.context_norm(words + context)
        return states

    def _token_scores(self, features: Tensor) -> Tensor:
        """Score each token of the query: (pairs, tokens, 1)."""
        scores: Tensor = self.token_output(nn.functional.gelu(self.token_hidden(features)))
        return scores


class _QueryLayer(nn.Module):
    """A transformer layer that only updates the query's tokens.

    Its projections start near the identity, so that tokens attend to similar tokens at first.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_attention_heads = _HEADS
        self.query, self.key, self.value = (_near_identity(width) for _ in range(3))
        self.attended = _scaled_down(nn.Linear(width, width))
        self.attended_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 4 * width)
        self.output = _scaled_down(nn.Linear(4 * width, width))

    def forward(
        self, query: Tensor, passage: Tensor, query_mask: Tensor | None, passage_mask: Tensor | None
    ) -> Tensor:
        mask = None
        if query_mask is not None and passage_mask is not None:
            mask = torch.cat((query_mask, passage_mask), dim=1)[:, None, None, :].bool()
        attention: Any = self
        attended = attend(attention, query, torch.cat((query, passage), dim=1), mask)
        query = self.attended_norm(query + self.attended(attended))
        states: Tensor = self.norm(query + self.output(nn.functional.gelu(self.hidden(query))))
        return states


def prefilter_for(words: Tensor) -> PrefilterNetwork:
    """Create an untrained prefilter whose word vectors are principal components of `words`.

    `words` are the word embeddings of a cross-encoder, (vocabulary, width).
    """
    centred = words - words.mean(0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    vectors = centred @ axes[:_WIDTH].T
    return PrefilterNetwork(vectors * (_DEVIATION / vectors.std()))


def _best_match(query: Tensor, passage: Tensor, passage_mask: Tensor | None) -> Tensor:
    """Return the highest cosine of each query token to a passage token."""
    cosines = _unit(query) @ _unit(passage).transpose(1, 2)
    if passage_mask is not None:
        cosines = cosines + (1 - passage_mask).unsqueeze(1) * _PADDING
    return cosines.amax(-1)


def _mean(states: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of the states, scaled to length 1."""
    return _unit(states.sum(1) if mask is None else (states * mask.unsqueeze(-1)).sum(1))


def _unit(states: Tensor) -> Tensor:
    return nn.functional.normalize(states, dim=-1)


def _near_identity(width: int) -> nn.Linear:
    linear = nn.Linear(width, width)
    nn.init.normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    with torch.no_grad():
        linear.weight += torch.eye(width)
    return linear


def _scaled_down(linear: nn.Linear) -> nn.Linear:
    nn.init.zeros_(linear.bias)
    with torch.no_grad():
        linear.weight *= _INITIAL_FACTOR
    return linear
