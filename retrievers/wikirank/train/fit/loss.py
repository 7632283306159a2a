"""Losses over a query's whole group: its positive passage against its negatives.

Groups may differ in size: rows are padded with `PADDING`, which no loss counts. A group without a
positive, such as that of an unlabelled question, only counts in the distillation loss.

We do not use sentence-transformers' `ListNetLoss` and `BinaryCrossEntropyLoss`. They read the pairs
in the given order, which needs more padding (see `_PAIRS_PER_BATCH`). The first also turns labels
into targets by a softmax, which gives the positive of five passages only 0.40 of the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn
from torch.nn import functional

from wikirank.errors import InvalidArgumentError
from wikirank.rank.torch_cross_encoder import padded_batch
from wikirank.runtime.tokens import plain_tokenizer

LossName = Literal["both", "listwise", "bce", "distillation"]

PADDING = -1e4
"""Logit of a missing passage in a shorter group: its share of a softmax is 0.

Minus infinity would give NaN (0 times infinity) in the cross-entropy of soft targets.
"""
_PAIRS_PER_BATCH = 16
"""Small batches of pairs of similar length need little padding: 1.7 times as fast as 32 pairs."""
_PAIRS_PER_BATCH_ON_GPU = 256
"""Smaller batches do not keep a GPU busy."""


class GroupLoss(nn.Module):
    """One of four losses over groups.

    | name | formula |
    |---|---|
    | `both` | `listwise_loss` + `bce_weight` · `binary_loss` |
    | `listwise` | `listwise_loss`: the order within each list, whatever the level of its logits |
    | `bce` | `binary_loss`: each passage alone |
    | `distillation` | `distillation_loss` + `bce_weight` · `binary_loss` |

    The binary part gives the logits the same scale for all queries, so that one threshold fits all.
    The listwise loss and the distillation loss do not fix the level of a list. Groups without a
    positive have no listwise and no binary part.

    Inputs:
        | query | docs | labels | scores, for `distillation` only |
        |---|---|---|---|
        | str | list[str] | list of 0 and 1, at most one 1 | the teacher's logits |

    Args:
        model: Cross-encoder with one label.
        loss: Name of the loss.
        bce_weight: Weight of the binary part of `both` and `distillation`; 0 leaves it out.

    Raises:
        InvalidArgumentError: If the loss is unknown.
    """

    def __init__(
        self, model: CrossEncoder, *, loss: LossName = "both", bce_weight: float = 0.5
    ) -> None:
        super().__init__()
        if loss not in get_args(LossName):
            msg = f"Expected a loss of {', '.join(get_args(LossName))}, got {loss!r}."
            raise InvalidArgumentError(msg)
        self.model = model
        self._model_tokenizer = model.tokenizer  # The trainer may wrap the model.
        self._tokenizer = plain_tokenizer(model.tokenizer.backend_tokenizer.to_str())
        if model.max_seq_length is not None:
            self._tokenizer.enable_truncation(model.max_seq_length)
        self.loss = loss
        self.bce_weight = bce_weight

    def forward(
        self,
        inputs: tuple[list[str], list[list[str]]] | tuple[list[str], list[list[str]], list[Any]],
        labels: list[Tensor],
        prompt: str | None = None,  # noqa: ARG002 - as the trainer calls it
        task: str | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return the mean loss of the groups of a batch.

        Args:
            inputs: The queries, the passages of each, and the teacher's scores of these.
            labels: For each query, 1 for its positive passage, if it has one, and 0 for the others.
            prompt: Not used; our models have no prompts.
            task: Not used.

        Returns:
            A scalar.
        """
        queries, groups, *scores = inputs
        pairs = [
            (query, text) for query, texts in zip(queries, groups, strict=True) for text in texts
        ]
        rows = torch.split(self._logits(pairs), [len(texts) for texts in groups])
        logits = pad_rows(rows)
        targets = pad_rows(labels, padding=0).to(logits)
        if self.loss == "listwise":
            return listwise_loss(logits, targets)
        if self.loss == "bce":
            return binary_loss(logits, targets)
        if self.loss == "both":
            return group_loss(logits, targets, bce_weight=self.bce_weight)
        teacher = pad_rows([torch.tensor(row) for row in scores[0]]).to(logits)
        loss = distillation_loss(logits, teacher)
        return loss + self.bce_weight * binary_loss(logits, targets) if self.bce_weight else loss

    def _logits(self, pairs: list[tuple[str, str]]) -> Tensor:
        """Score pairs in batches of similar length: (pairs,)."""
        by_length = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
        logits = []
        size = _PAIRS_PER_BATCH if self.model.device.type == "cpu" else _PAIRS_PER_BATCH_ON_GPU
        for start in range(0, len(pairs), size):
            batch = [pairs[i] for i in by_length[start : start + size]]
            # Must be a plain dict: `DistributedDataParallel` finds no used parameters in others.
            features = padded_batch(self._tokenizer.encode_batch(batch), self._model_tokenizer)
            scores = self.model(batch_to_device(features, self.model.device))["scores"]
            logits.append(scores.float().view(-1))
        order = torch.tensor(by_length, device=logits[0].device)
        return torch.cat(logits)[order.argsort()]

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings for the model card."""
        return {"loss": self.loss, "bce_weight": self.bce_weight}


def pad_rows(rows: Sequence[Tensor], *, padding: float = PADDING) -> Tensor:
    """Return rows of different lengths as one matrix, the shorter ones padded at the end."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=padding)


def listwise_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the softmax cross-entropy over rows: InfoNCE over the mined negatives.

    References:
        - Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", ICML 2007;
          this is its ListNet with one relevant passage.
        - van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018.

    Args:
        logits: (groups, passages in a group), padded with `PADDING`.
        targets: The same shape, 1 for the positive passage of a row and 0 for the others. A row of
            zeros has no loss.

    Returns:
        A scalar, the mean over the rows.
    """
    return functional.cross_entropy(logits, targets)


def binary_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy, in which a positive weighs as much as all its negatives.

    Args:
        logits: (groups, passages in a group), padded with `PADDING`.
        targets: The same shape, 1 for the positive passage of a row and 0 for the others. A row of
            zeros has no loss.

    Returns:
        A scalar, the mean over the rows of the mean over their entries.
    """
    real = logits > PADDING / 2
    sizes = real.sum(dim=1, keepdim=True)
    losses = functional.binary_cross_entropy_with_logits(
        logits, targets, weight=real / sizes, pos_weight=sizes - 1, reduction="none"
    )
    return (losses.sum(dim=1) * targets.any(dim=1)).mean()


def group_loss(logits: Tensor, targets: Tensor, *, bce_weight: float) -> Tensor:
    """Return `listwise_loss` plus `bce_weight` times `binary_loss`."""
    listwise = listwise_loss(logits, targets)
    return listwise + bce_weight * binary_loss(logits, targets) if bce_weight else listwise


def distillation_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the model's softmax over rows from the teacher's.

    We do not use the squared error of margins (Hofstätter et al., "Improving Efficient Neural
    Ranking Models with Cross-Architecture Knowledge Distillation", 2020). It is dominated by the
    largest margins, those to random negatives, which are ranked right anyway. A softmax is
    saturated there, so what is left to learn is the order of the close passages.

    References:
        - Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; as there, the true
          labels also count beside the teacher (`GroupLoss`).
        - Santhanam et al., "ColBERTv2: Effective and Efficient Retrieval via Lightweight Late
          Interaction", NAACL 2022: the same loss over groups of one positive and mined negatives,
          scored by a cross-encoder.

    Args:
        logits: (groups, passages in a group), padded with `PADDING`.
        teacher: The teacher's logits, of the same shape and also padded with `PADDING`.

    Returns:
        A scalar, the mean over the rows; 0 if the two differ only by a constant in each row.
    """
    return functional.kl_div(
        logits.log_softmax(dim=1),
        teacher.log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )
