"""Cutting encoded texts that exceed a cross-encoder's length."""

from __future__ import annotations

from tokenizers import Encoding

from wikirank.errors import InvalidArgumentError

MIN_LENGTH = 16
_OVERLAP = 4  # a window repeats a quarter of the room from the window before


def check_max_length(max_length: int | None, *, limit: int) -> int:
    """Check a length asked for against what a model can read.

    Args:
        max_length: Tokens a pair, special tokens included; None for the limit.
        limit: The longest pair that the model can read.

    Returns:
        The length to use.

    Raises:
        InvalidArgumentError: If it is not a whole number between `MIN_LENGTH` and the limit.
    """
    if max_length is None:
        return limit
    if type(max_length) is not int or not MIN_LENGTH <= max_length <= limit:
        msg = f"Expected a max_length from {MIN_LENGTH} to {limit} tokens, got {max_length!r}."
        raise InvalidArgumentError(msg)
    return max_length


def cut_windows(encoding: Encoding, room: int) -> list[Encoding]:
    """Cut an encoded text into windows that fit, each repeating a quarter of the room.

    Args:
        encoding: The text without special tokens; it becomes the first window.
        room: Most tokens a window, 1 or more.

    Returns:
        The windows in reading order, the text alone if it fits. What is up to a quarter of the
        room long, such as a word, lies whole in at least one of them.
    """
    encoding.truncate(room, stride=room // _OVERLAP)
    return [encoding, *encoding.overflowing]
