"""The bundled cross-encoder as a transformers model, for peers that load nothing else.

Its head (`wikirank.rank.pair_pooling`) differs from `BertForSequenceClassification`, whose logits
come from [CLS]. So this class is registered with `AutoModelForSequenceClassification`. The logits
are the same as ours. The head is a ten-thousandth of the work.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
    BertPreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import SequenceClassifierOutput


class PairBertConfig(BertConfig):
    """BERT's configuration under another name."""

    model_type = "pair-bert"


class PairBertForSequenceClassification(BertPreTrainedModel):
    """BERT with separate pooling of query and passage, and one linear layer."""

    config_class = PairBertConfig

    def __init__(self, config: PairBertConfig) -> None:
        """Create the layers; `from_pretrained` fills them."""
        super().__init__(config)
        self.num_labels = 1
        self.bert = BertModel(config, add_pooling_layer=False)
        self.classifier = nn.Linear(3 * config.hidden_size, 1)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Score pairs; each input is (pairs, tokens), the logits are (pairs, 1)."""
        states = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.to(states)
        of_passage = token_type_ids.to(states) * mask
        query, passage = _pool(states, mask - of_passage), _pool(states, of_passage)
        pooled = torch.cat((query * passage, (query - passage).abs(), passage), dim=-1)
        return SequenceClassifierOutput(logits=self.classifier(pooled))


def _pool(states: Tensor, mask: Tensor) -> Tensor:
    total = (states * mask.unsqueeze(-1)).sum(1)
    return nn.functional.normalize(total / mask.sum(1, keepdim=True).clamp(min=1), dim=-1)


def register() -> None:
    """Register the model with transformers' `Auto` classes in this process."""
    AutoConfig.register(PairBertConfig.model_type, PairBertConfig, exist_ok=True)
    AutoTokenizer.register(
        PairBertConfig, fast_tokenizer_class=PreTrainedTokenizerFast, exist_ok=True
    )
    AutoModelForSequenceClassification.register(
        PairBertConfig, PairBertForSequenceClassification, exist_ok=True
    )
