"""Whether a text is about a person: then one asks who, not what."""

from __future__ import annotations

import re

_DATES = re.compile(r"\(.*(?:\bborn\b|\d{1,4}(?: (?:BC|AD|CE))?\s*[–—-]\s*.*\d{1,4}\b)")
_VERB = re.compile(r"\b(?:is|was)\b ")
_COMPLEMENT = re.compile(r"[,;.]| (?:in|by|of|for|from|about|that|who|which|to|at) ")
_PRONOUN = re.compile(r"\b(?:he|she|his|her)\b", re.IGNORECASE)
_OCCUPATION = re.compile(
    r"\b(?:\w+(?:logist|tician|physicist|chemist|writer|grapher|sopher|maker|historian)|scientist"
    r"|artist|author|engineer|king|queen|emperor|poet|composer|inventor|explorer|professor|actor"
    r"|actress|singer|director|researcher|entrepreneur|executive|programmer|statesman|painter"
    r"|architect|president|person|man|woman|founder|chairman|officer|journalist|economist|activist"
    r"|player|coach|leader|lawyer|general|comedian|pianist|musician|dancer|saint|prophet|pharaoh"
    r"|sultan|caliph|critic|astronaut|reformer|commander|monarch|boxer|nurse|footballer|rapper"
    r"|songwriter|novelist|playwright|astronomer|revolutionary|sculptor|pope|monk|ruler|admiral|diplomat|duke|prince|princess|tsar|chief|tragedian|scholar|shah"
    r"|jurist|rabbi|theologian|cleric|bishop|missionary|nobleman|businessman|investor|skater)\b",
    re.IGNORECASE,
)
_LEAD, _PREDICATE_WORDS = 600, 9


def is_person(text: str) -> bool:
    """Whether the lead of an article reads like that of a person: by a trade, or dates of life."""
    lead = text[:_LEAD]
    verb = _VERB.search(lead)
    if verb is None or lead.startswith(("A ", "An ", "The ")):
        return False
    subject, predicate = lead[: verb.start()], lead[verb.end() :]
    if _DATES.search(subject) and _PRONOUN.search(lead):
        return True
    return is_trade(_COMPLEMENT.split(predicate)[0])


def is_trade(predicate: str) -> bool:
    """Whether what follows `was a` says what somebody does: `Swedish film director`."""
    return _OCCUPATION.search(" ".join(predicate.split()[:_PREDICATE_WORDS])) is not None
