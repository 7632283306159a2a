"""Language variants in Chinese and Serbian wikis: `-{zh-hans:a; zh-hant:b}-`."""

from __future__ import annotations

import re

_INNERMOST = re.compile(r"-\{([^{}]*)\}-")
_MAX_DEPTH = 4  # nested variants
_HIDDEN = frozenset("HT-")  # flags: a rule for the rest of the page, its title, the end of a rule
_SHOWN = frozenset("AGRNDSW")
_WANTED = ("zh-hans", "zh-cn", "zh", "zh-sg", "zh-my", "sr-ec", "sr-cyrl")
_RULE = re.compile(r"(?:[^:;=]*=>)?\s*([a-z]{2,3}(?:-[a-z]{2,8})?)\s*:(.*)", re.DOTALL)


def choose_variants(text: str) -> str:
    """Keep one variant: simplified Chinese or Cyrillic Serbian if present, otherwise the first."""
    for _ in range(_MAX_DEPTH):
        if "-{" not in text:
            break
        text = _INNERMOST.sub(lambda match: _choose(match[1]), text)
    return text


def _choose(inner: str) -> str:
    flags, bar, rest = inner.partition("|")
    flag_set = {flag.strip().upper() for flag in flags.split(";")} if bar else set[str]()
    if flag_set & _HIDDEN:
        return ""
    content = rest if bar else inner
    variants: dict[str, str] = {}
    for part in content.split(";"):
        if rule := _RULE.fullmatch(part):
            variants.setdefault(rule[1], rule[2].strip())
        elif part.strip():
            return content if not bar or flag_set <= _SHOWN or not flags.strip() else rest
    wanted = next((variants[name] for name in _WANTED if name in variants), None)
    return next(iter(variants.values()), content) if wanted is None else wanted
