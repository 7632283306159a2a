"""Cutting texts that exceed a cross-encoder's length.

Texts are cut at word boundaries into character spans, so that every backend receives plain text.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

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
        InvalidArgumentError: It is not a whole number between `MIN_LENGTH` and the limit.
    """
    if max_length is None:
        return limit
    if type(max_length) is not int or not MIN_LENGTH <= max_length <= limit:
        msg = f"Expected a max_length from {MIN_LENGTH} to {limit} tokens, got {max_length!r}."
        raise InvalidArgumentError(msg)
    return max_length


def count_tokens(tokenizer: Tokenizer, text: str) -> int:
    """Number of tokens of a text, without special tokens."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def cut_windows(tokenizer: Tokenizer, text: str, room: int) -> list[str]:
    """Cut a text into windows that fit, each repeating a quarter of the room from the last.

    Args:
        tokenizer: What counts the tokens.
        text: The text.
        room: Most tokens a window, 1 or more.

    Returns:
        The windows in reading order; the whole text alone if it fits. Every token of the text
        lies in at least one of them.
    """
    encoding = tokenizer.encode(text, add_special_tokens=False)
    words, offsets = encoding.word_ids, encoding.offsets
    if len(words) <= room:
        return [text]
    windows: list[str] = []
    start = end = 0
    while end < len(words):
        end = _word_start(words, min(start + room, len(words)), above=max(start, end))
        window = text[offsets[start][0] : offsets[end - 1][1]]
        # A piece of a cut word may count for more tokens alone than it did within the text.
        while (excess := count_tokens(tokenizer, window) - room) > 0 and end > start + 1:
            end = max(start + 1, end - excess)
            window = text[offsets[start][0] : offsets[end - 1][1]]
        windows.append(window)
        start = _word_start(words, max(end - room // _OVERLAP, start + 1), above=start)
    return windows


def _word_start(words: Sequence[int | None], position: int, *, above: int) -> int:
    """The last position up to `position` where a word begins; `position` itself if none."""
    for candidate in range(position, above, -1):
        if candidate >= len(words) or words[candidate] != words[candidate - 1]:
            return candidate
    return position
