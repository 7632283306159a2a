"""Count tokens with a chat model, a tokenizer, a function, or the bundled tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wikirank.errors import InvalidArgumentError

TokenCounter = Callable[[str], int]


def token_counter(model_or_tokenizer: Any = None) -> TokenCounter:
    """Return a function that counts the tokens of a text.

    Args:
        model_or_tokenizer: None for the tokenizer of the bundled embedder (WordPiece; for English
            within a few per cent of the counts of chat models), a LangChain chat model
            (`get_num_tokens`), a tokenizer with `encode`, or a function from text to a number.

    Returns:
        The function. It is thread-safe if the argument is.

    Raises:
        InvalidArgumentError: If the argument is none of these.
    """
    counter = model_or_tokenizer
    if counter is None:
        return _bundled_count
    if hasattr(counter, "get_num_tokens"):
        return _chat_model_count(counter)
    if hasattr(counter, "encode") and not isinstance(counter, str):
        return lambda text: len(counter.encode(text))
    if callable(counter):
        return lambda text: int(counter(text))
    msg = (
        "Expected None, a chat model, a tokenizer with `encode`, or a function from text to a "
        f"number of tokens, got {type(counter).__name__}. Pass None for the bundled tokenizer."
    )
    raise InvalidArgumentError(msg)


def _bundled_count(text: str) -> int:
    from wikirank.embed import load_embedder

    return load_embedder().count_tokens(text)


def _chat_model_count(model: Any) -> TokenCounter:
    def count(text: str) -> int:
        try:
            return int(model.get_num_tokens(text))
        except ImportError as err:
            # LangChain defaults to GPT-2's tokenizer, whose package may not be installed.
            msg = (
                f"{type(model).__name__} cannot count tokens: {err}. Pass a tokenizer or a "
                "function instead, or None for the bundled tokenizer."
            )
            raise InvalidArgumentError(msg) from err

    return count
