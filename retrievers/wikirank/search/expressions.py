"""Compiling patterns that a model or a stranger wrote, with bounded time and memory.

`regex` writes out counted repeats while it compiles, before any time limit and with the GIL held:
`a{10000000}` takes 23 s and 2.8 GB. So how long a pattern is when written out is estimated first.
"""

from __future__ import annotations

import re
from itertools import count

import regex

from wikirank.errors import InvalidArgumentError

# Characters of a pattern with its counted repeats written out. 2,000 compile in a third of a second
# at worst, as time grows with the square of the number of groups.
MOST_WRITTEN_OUT = 2000
# `regex` remembers every pattern it compiled, even one that it is told not to cache.
_PURGE_EVERY = 500
_compiled_so_far = count(1)

# Typed one way, printed another.
_ALIKE = {"'": "['’‘ʼ]", '"': '["“”„]', "-": "[-‐‑–—−]"}
_ALIKE |= {alike: pattern for pattern in list(_ALIKE.values()) for alike in pattern[1:-1]}

_TOKEN = re.compile(
    r"""
    (?P<character>\\. | \[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<open>\()
    | (?P<close>\))
    | \{(?P<least>[0-9]+|(?=,))(?:,[0-9]*)?\}
    | (?P<braces>\{[^{}]*\})
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What the tokens above do not tell apart from other syntax: a bracket within a set, a comment, and
# the flags x (white space and comments within counts) and V (sets within sets).
_UNCLEAR = re.compile(r"\(\?(?:\#|[a-zA-Z0-9-]*[xV][a-zA-Z0-9-]*[:)])")


def compile_phrase(phrase: str) -> regex.Pattern[str]:
    """Compile a phrase: any case, white space between words, kind of quotes and of dashes."""
    words = ("".join(map(_letter, word)) for word in phrase.split())
    return _compile(r"\s+".join(words), regex.IGNORECASE)


def compile_expression(pattern: str) -> regex.Pattern[str]:
    """Compile a regular expression.

    Args:
        pattern: The expression in Python's syntax.

    Returns:
        The pattern.

    Raises:
        InvalidArgumentError: If it is not a regular expression, has comments or the flags x or V,
            or repeats too much.
    """
    if _UNCLEAR.search(pattern):
        msg = (
            f"Expected an expression without comments and the flags x and V, got {pattern!r}. "
            "Leave them out."
        )
        raise InvalidArgumentError(msg)
    if _written_out(pattern) > MOST_WRITTEN_OUT:
        msg = (
            f"Expected an expression of at most {MOST_WRITTEN_OUT} characters with its counted "
            f"repeats written out, got {pattern!r}. Lower the counts, or use + or *."
        )
        raise InvalidArgumentError(msg)
    try:
        return _compile(pattern)
    except (regex.error, OverflowError, RecursionError, ValueError) as err:
        msg = (
            f"Expected a regular expression, got {pattern!r}: {err}. Correct it, or look for a "
            "phrase."
        )
        raise InvalidArgumentError(msg) from err


def _compile(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    if next(_compiled_so_far) % _PURGE_EVERY == 0:
        regex.purge()
    return regex.compile(pattern, flags, cache_pattern=False)


def _written_out(pattern: str) -> int:
    """How many characters a pattern has when its counted repeats are written out, at most."""
    nested = [0]  # Of each open group, the size so far.
    product = 1  # Of all counts, as if each stood within the others.
    last = 0  # The size of what a count would repeat.
    clear = True
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            nested.append(0)
            continue
        before = 0
        if token["close"]:
            clear &= len(nested) > 1
            last = nested.pop() + 2 if len(nested) > 1 else 1
        elif token["least"] is not None:
            repeats = max(1, int(token["least"] or 0))
            before, last, product = last, last * repeats, product * repeats
        elif token["braces"]:  # How much what stands before may differ; or just text.
            before, last = last, last + len(token[0])
        else:
            last = len(token[0])
            clear &= "[" not in token[0][1:] or token[0][0] == "\\"
        nested[-1] += last - before
    return sum(nested) if clear else max(sum(nested), product * len(pattern))


def _letter(letter: str) -> str:
    return _ALIKE.get(letter) or regex.escape(letter)
