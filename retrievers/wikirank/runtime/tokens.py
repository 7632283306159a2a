"""Tokenizers without truncation or padding, and checks of their input.

A loaded tokenizer is never changed, so threads may share it. Changing it while another thread
encodes would raise "Already borrowed".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from wikirank.errors import InvalidArgumentError, ModelError


def load_tokenizer(file: Path) -> Tokenizer:
    """Load a tokenizer without truncation and padding.

    Args:
        file: A file written by `Tokenizer.save`.

    Returns:
        The tokenizer. Do not change it.

    Raises:
        ModelError: If the file is missing or corrupt.
    """
    try:
        return plain_tokenizer(file.read_text("utf-8"))
    except Exception as err:
        msg = f"Expected a tokenizer in {file}, but it cannot be loaded: {err}. Restore the model."
        raise ModelError(msg) from err


def plain_tokenizer(serialised: str) -> Tokenizer:
    """Make a tokenizer from its JSON, with truncation and padding switched off."""
    tokenizer = Tokenizer.from_str(serialised)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def check_texts(texts: Sequence[str], *, what: str, allow_blank: bool = True) -> None:
    """Check that texts can be tokenised.

    Args:
        texts: The texts.
        what: The word for one text in the message, such as "passage".
        allow_blank: Whether a text may be empty or only white space.

    Raises:
        InvalidArgumentError: If a text is not a string, is not valid Unicode, or is blank.
    """
    if isinstance(texts, str):
        msg = f"Expected a sequence of {what} texts, got one string. Put it in a list."
        raise InvalidArgumentError(msg)
    for position, text in enumerate(texts):
        check_text(text, what=f"{what} {position}", allow_blank=allow_blank)


def check_text(text: str, *, what: str, allow_blank: bool = False) -> None:
    """Check that a text can be tokenised.

    Args:
        text: The text.
        what: The word for it in the message, such as "query".
        allow_blank: Whether the text may be empty or only white space.

    Raises:
        InvalidArgumentError: If the text is not a string, is not valid Unicode, or is blank.
    """
    if not isinstance(text, str):
        msg = f"Expected the {what} to be a string, got {type(text).__name__}."
        raise InvalidArgumentError(msg)
    if not allow_blank and not text.strip():
        msg = f"Expected the {what} to hold text, got {text!r}."
        raise InvalidArgumentError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as err:
        msg = f"Expected the {what} to be valid Unicode, got a lone surrogate: {err}."
        raise InvalidArgumentError(msg) from err
