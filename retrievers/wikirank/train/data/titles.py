"""Generate questions from an article's title and a section's heading."""

from __future__ import annotations

import random
import re

from wikirank.train.data.prose import words
from wikirank.types import Passage

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
    """Whether the lead of an article is about a person: it has dates of life, or an occupation."""
    lead = text[:_LEAD]
    verb = _VERB.search(lead)
    if verb is None or lead.startswith(("A ", "An ", "The ")):
        return False
    subject, predicate = lead[: verb.start()], lead[verb.end() :]
    if _DATES.search(subject) and _PRONOUN.search(lead):
        return True
    return is_trade(_COMPLEMENT.split(predicate)[0])


def is_trade(predicate: str) -> bool:
    """Whether the words after `was a` name an occupation, such as `Swedish film director`."""
    return _OCCUPATION.search(" ".join(predicate.split()[:_PREDICATE_WORDS])) is not None


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split("|"))


# Sections that hold lists rather than prose.
UNASKED_SECTIONS = _phrases(
    "see also|references|external links|further reading|notes|bibliography|sources|citations"
    "|footnotes|works cited|notes and references|gallery|discography|filmography|publications"
    "|selected publications|selected works|awards and honors|literature"
)
# Headings that are too general to ask for.
_EMPTY_HEADINGS = _phrases(
    "general|overview|introduction|summary|other|others|miscellaneous|details|background|content"
    "|description|basics|variants|in general"
)
_TEMPLATES = {
    "history": ("What is the history of {t}?", "How did {t} begin?", "history of {t}"),
    "origins": ("What are the origins of {t}?", "Where does {t} come from?"),
    "etymology": ("Where does the name {t} come from?", "{t} name origin"),
    "name": ("Where does the name {t} come from?", "{t} name origin"),
    "terminology": ("What do the terms in {t} mean?", "{t} terminology"),
    "definition": ("How is {t} defined?", "definition of {t}", "{t} definition"),
    "definitions": ("How is {t} defined?", "{t} definition"),
    "reception": ("How was {t} received?", "{t} reception"),
    "critical response": ("What did critics say about {t}?", "{t} reviews"),
    "criticism": ("Why is {t} criticized?", "criticism of {t}"),
    "criticisms": ("Why is {t} criticized?", "criticism of {t}"),
    "controversies": ("What controversies surround {t}?", "{t} controversies"),
    "applications": ("What is {t} used for?", "applications of {t}"),
    "uses": ("What is {t} used for?", "uses of {t}"),
    "usage": ("How is {t} used?", "{t} usage"),
    "examples": ("What are examples of {t}?", "{t} examples"),
    "types": ("What types of {t} are there?", "types of {t}"),
    "advantages": ("What are the advantages of {t}?", "{t} advantages"),
    "benefits": ("What are the benefits of {t}?", "{t} benefits"),
    "disadvantages": ("What are the disadvantages of {t}?", "{t} drawbacks"),
    "limitations": ("What are the limitations of {t}?", "{t} limitations"),
    "challenges": ("What are the challenges of {t}?", "{t} challenges"),
    "early life": ("What was the early life of {t} like?", "{t} early life"),
    "personal life": ("What is lowered of the personal life of {t}?", "{t} personal life"),
    "education": ("{t} education",),
    "career": ("What did {t} do in their career?", "{t} career"),
    "legacy": ("What is the legacy of {t}?", "{t} legacy"),
    "plot": ("What is {t} about?", "{t} plot"),
    "synopsis": ("What is {t} about?", "{t} synopsis"),
    "impact": ("What impact did {t} have?", "impact of {t}"),
    "architecture": ("What is the architecture of {t}?", "{t} architecture"),
    "design": ("How is {t} designed?", "{t} design"),
    "security": ("How secure is {t}?", "{t} security"),
    "ethics": ("Is {t} ethical?", "ethics of {t}"),
    "economy": ("What is the economy of {t} based on?", "economy of {t}"),
    "climate": ("What is the climate of {t} like?", "climate of {t}"),
    "geography": ("What is the geography of {t} like?", "geography of {t}"),
    "demographics": ("Who lives in {t}?", "population of {t}"),
    "culture": ("culture of {t}", "{t} culture"),
}
_OF = re.compile(
    r"(?:features|characteristics|properties|principles|goals|risks|causes|effects|symptoms"
    r"|consequences|components|elements|origins|structure|purpose|role|function|meaning|aims"
    r"|objectives|requirements|foundations|functions|roles|stages|phases|symptoms|causes)",
    re.IGNORECASE,
)
_SCOPE = re.compile(
    r"^(?:Outline|List|Lists|History|Timeline|Index|Glossary|Comparison) of (?:the )?"
)
_SUFFIX = re.compile(r"\s*\([^()]*\)\s*$")
_ARTICLE = r"(?P<article>The|An?)\s+(?:[\w-]+\s+or\s+)?"


def title_question(passage: Passage, rng: random.Random) -> str | None:
    """Ask for an article or a section by name: `What is a glacier?` or `glacier movement`.

    None if the passage has no title, has too general a heading, or is not the first of the lead or
    its section, where the answer begins.
    """
    if not passage.title or passage.start > 0 or (not passage.section and passage.number > 0):
        return None
    if not passage.section:
        return _lead_question(passage, rng)
    return _section_question(passage, rng)


def bare_title(title: str) -> str:
    """Return a title without its disambiguation in brackets."""
    return _SUFFIX.sub("", title) or title


def named_in_text(title: str, text: str) -> str:
    """Return a title with its first letter in lower case if the text writes it so."""
    lowered = title[:1].lower() + title[1:]
    return lowered if re.search(rf"\b{re.escape(lowered)}", text) else title


def _lead_question(passage: Passage, rng: random.Random) -> str | None:
    title, text = bare_title(passage.title), passage.text
    if _SCOPE.match(title):
        return title.lower()
    if title != passage.title:
        kind = passage.title[len(title) :].strip(" ()")
        return rng.choice((f"{title} {kind}", f"what is {title} {kind}")).lower()
    if is_person(text):
        verb = "was" if " was " in text[:400].split(" is ")[0] else "is"
        return rng.choice((f"Who {verb} {title}?", f"who {verb} {title}".lower()))
    name = named_in_text(title, text)
    match = re.match(_ARTICLE + re.escape(title), text, re.IGNORECASE)
    if match:
        name = f"{match['article'].lower()} {name}"
    plural = re.match(rf"(?:The )?{re.escape(title)}s?\b[^.]{{0,80}}?\b(are|is|was|were)\b", text)
    verb = plural[1] if plural else "is"
    if verb in ("are", "were") and not title.endswith("s"):
        name = f"{name}s"
    choices = (f"What {verb} {name}?", f"what {verb} {name}".lower(), f"{title} meaning".lower())
    return choices[rng.choices((0, 1, 2), (5, 4, 1 if name[0].islower() else 0))[0]]


def _section_question(passage: Passage, rng: random.Random) -> str | None:
    heading = _SUFFIX.sub("", passage.section[-1]).strip()
    lowered = heading.lower()
    if lowered in _EMPTY_HEADINGS or lowered in UNASKED_SECTIONS or not words(heading):
        return None
    if len(words(heading)) > 6 or any(mark in heading for mark in ":;/"):
        return None
    title = _SCOPE.sub("", bare_title(passage.title))
    named = named_in_text(title, passage.text)
    if set(words(title.lower())) & set(words(lowered)) and len(words(heading)) > 1:
        return rng.choice((heading, heading.lower()))
    if lowered in _TEMPLATES:
        return _cased(rng.choice(_TEMPLATES[lowered]).format(t=named), rng)
    forms = [f"{title} {heading}".lower(), f"{heading} {title}".lower()]
    if _OF.fullmatch(heading):
        verb = "are" if lowered.endswith("s") else "is"
        forms += [f"What {verb} the {lowered} of {named}?"] * 2
    return rng.choice(forms)


def _cased(question: str, rng: random.Random) -> str:
    """Return the question as written text or, half of the time, as typed in a search box."""
    return question if rng.random() < 0.5 else question.lower().rstrip("?")
