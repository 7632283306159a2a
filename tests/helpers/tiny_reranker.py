"""A tiny reranker with random weights (fixed seed), of any architecture of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_tiny_reranker(folder: Path, architecture: str, tokenizer: Any, **settings: Any) -> Any:
    """Save a reranker and its tokenizer; `settings` go into the model configuration."""
    import torch
    import transformers

    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_labels=1,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = getattr(transformers, f"{architecture}ForSequenceClassification")(config).eval()
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return model
