"""The loss over a query's whole group: its positive passage against its negatives."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn


class GroupLoss(nn.Module):
    """Softmax cross-entropy over each group, plus a share of binary cross-entropy.

    The softmax part is InfoNCE over the mined negatives (ListNet with one positive): it teaches
    the order within a list. The binary part pins the logits to a scale that is the same for all
    queries, so that a threshold means something; its `pos_weight` is the number of negatives a
    positive.

    References:
        - Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", ICML 2007.
        - van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018.

    Inputs:
        | query | docs | labels |
        |---|---|---|
        | str | list[str], as many for each query | list of 0 and 1, one 1 |

    Args:
        model: The cross-encoder, of one label.
        bce_weight: Weight of the binary part; 0 leaves the softmax alone.
    """

    def __init__(self, model: CrossEncoder, *, bce_weight: float = 0.5) -> None:
        super().__init__()
        self.model = model
        self.bce_weight = bce_weight

    def forward(
        self,
        inputs: tuple[list[str], list[list[str]]],
        labels: list[Tensor],
        prompt: str | None = None,
        task: str | None = None,
    ) -> Tensor:
        """Mean loss of the groups of a batch.

        Args:
            inputs: The queries, and for each its passages.
            labels: For each query, 1 for its positive passage and 0 for the others.
            prompt: Passed to the model's preprocessing.
            task: Likewise.

        Returns:
            A scalar.
        """
        queries, groups = inputs
        pairs = [
            (query, text) for query, texts in zip(queries, groups, strict=True) for text in texts
        ]
        features = self.model.preprocess(pairs, prompt=prompt, task=task)
        features = batch_to_device(features, self.model.device)
        logits = self.model(features)["scores"].float().view(len(queries), -1)
        return group_loss(logits, torch.stack(labels).to(logits), bce_weight=self.bce_weight)

    def get_config_dict(self) -> dict[str, Any]:
        """Settings, for the model card."""
        return {"bce_weight": self.bce_weight}


def group_loss(logits: Tensor, targets: Tensor, *, bce_weight: float) -> Tensor:
    """Softmax cross-entropy over rows, plus weighted binary cross-entropy over all entries.

    Args:
        logits: (groups, passages a group).
        targets: The same shape, 1 for the positive passage of a row and 0 for the others.
        bce_weight: Weight of the binary part.

    Returns:
        A scalar.
    """
    listwise = nn.functional.cross_entropy(logits, targets)
    if not bce_weight:
        return listwise
    negatives = torch.tensor(float(logits.shape[1] - 1), device=logits.device)
    binary = nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=negatives)
    return listwise + bce_weight * binary
