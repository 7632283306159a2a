"""Compile patterns from untrusted users or models, with bounded time and memory.

`regex` expands counted repeats while it compiles, before any time limit applies and with the GIL
held: `a{10000000}` takes 23 s and 2.8 GB. So the expanded length of a pattern is estimated first.
"""

from __future__ import annotations

import re
from itertools import count

import regex

from wikirank.errors import InvalidArgumentError

# Maximum length of a pattern with its counted repeats expanded, in characters. 2,000 compile in a
# third of a second at worst; the time grows with the square of the number of groups.
_MAX_EXPANDED = 2000
# `regex` remembers every pattern that it compiled, even with `cache_pattern=False`.
_PURGE_EVERY = 500
_compile_count = count(1)

# Characters that are typed one way and printed another.
_VARIANTS = {"'": "['’‘ʼ]", '"': '["“”„]', "-": "[-‐‑–—−]"}
_VARIANTS |= {variant: pattern for pattern in [*_VARIANTS.values()] for variant in pattern[1:-1]}

_TOKEN = re.compile(
    r"""
    (?P<character>\\. | \[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<open>\()
    | (?P<close>\))
    | \{(?P<count>[0-9]+|(?=,))(?:,[0-9]*)?\}
    | (?P<braces>\{[^{}]*\})
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Syntax that the tokens above would misread: comments, and the flags x (white space and comments
# within counts) and V (sets within sets).
_UNSUPPORTED = re.compile(r"\(\?(?:\#|[a-zA-Z0-9-]*[xV][a-zA-Z0-9-]*[:)])")


def compile_phrase(phrase: str) -> regex.Pattern[str]:
    """Compile a phrase that matches any case, white space, quotes and dashes."""
    words = ("".join(map(_letter, word)) for word in phrase.split())
    return _compile(r"\s+".join(words), regex.IGNORECASE)


def compile_expression(pattern: str) -> regex.Pattern[str]:
    """Compile a regular expression.

    Args:
        pattern: The expression in Python's syntax.

    Returns:
        The compiled pattern.

    Raises:
        InvalidArgumentError: If the pattern is not a regular expression, has comments or the flags
            x or V, or repeats too much.
    """
    if _UNSUPPORTED.search(pattern):
        msg = (
            f"Expected an expression without comments and the flags x and V, got {pattern!r}. "
            "Leave them out."
        )
        raise InvalidArgumentError(msg)
    if _expanded_length(pattern) > _MAX_EXPANDED:
        msg = (
            f"Expected an expression of at most {_MAX_EXPANDED} characters with counted repeats "
            f"expanded, got {pattern!r}. Lower the counts, or use + or *."
        )
        raise InvalidArgumentError(msg)
    try:
        return _compile(pattern)
    except (regex.error, OverflowError, RecursionError, ValueError) as err:
        msg = (
            f"Expected a regular expression, got {pattern!r}: {err}. Correct it, or search for a "
            "phrase."
        )
        raise InvalidArgumentError(msg) from err


def _compile(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    if next(_compile_count) % _PURGE_EVERY == 0:
        regex.purge()
    return regex.compile(pattern, flags, cache_pattern=False)


def _expanded_length(pattern: str) -> int:
    """Estimate a pattern's length with its counted repeats expanded, never too low."""
    sizes = [0]  # The size so far of each open group.
    product = 1  # The product of all counts, as if they were nested.
    last = 0  # The size of the last item, which a count would repeat.
    is_certain = True
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            sizes.append(0)
            continue
        before = 0
        if token["close"]:
            is_certain &= len(sizes) > 1
            last = sizes.pop() + 2 if len(sizes) > 1 else 1
        elif token["count"] is not None:
            repeats = max(1, int(token["count"] or 0))
            before, last, product = last, last * repeats, product * repeats
        elif token["braces"]:  # A fuzzy match, such as {e<=1}, or plain text.
            before, last = last, last + len(token[0])
        else:
            last = len(token[0])
            is_certain &= "[" not in token[0][1:] or token[0][0] == "\\"
        sizes[-1] += last - before
    return sum(sizes) if is_certain else max(sum(sizes), product * len(pattern))


def _letter(letter: str) -> str:
    return _VARIANTS.get(letter) or regex.escape(letter)
