"""Queries made of passages, in the styles in which people and search boxes ask."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from wikirank.errors import InvalidArgumentError
from wikirank.train.data.cloze import cloze_question
from wikirank.train.data.prose import (
    STOP,
    DocumentFrequency,
    content_words,
    is_prose,
    is_query,
    is_whole,
    sentences,
    stands_alone,
    words,
)
from wikirank.train.data.titles import UNASKED_SECTIONS, bare_title, is_person, title_question
from wikirank.types import Passage

Style = Literal["title_question", "masked_sentence", "keywords", "cloze", "pair"]

STYLE_WEIGHTS: Mapping[Style, float] = MappingProxyType(
    {"title_question": 2.0, "masked_sentence": 3.0, "keywords": 1.5, "cloze": 3.5}
)
MASK_PROBABILITY = 0.9
_KEYWORDS = (3, 6)
_MIN_REMAINING_WORDS = 15
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+")  # capitalised within a sentence
_VERBAL = re.compile(r"(?:ed|ing|ize[sd]?|ise[sd]?|ates?|ful|ous|able|ible)$")
_NAMELESS = re.compile(  # "the city": only the passage's heading says which
    r"\b(?:the|this|his|her|its|their) (?:city|company|film|book|novel|game|country|island|river"
    r"|song|album|band|team|series|show|town|state|region|group|species|war|battle|university"
    r"|school|article|paper|project|system|study|author|he|she|event|season|museum|firm|lawsuit|attack)\b",
    re.IGNORECASE,
)
_SCOPE_WORDS = frozenset(
    (
        "outline",
        "list",
        "timeline",
        "index",
        "glossary",
        "comparison",
        "overview",
        "background",
        "etc",
    )
)
_PRONOUN_SUBJECT = re.compile(r"^(?P<pronoun>It|He|She) (?=(?:was|is|has|had|became|won|wrote)\b)")


@dataclass(frozen=True, slots=True)
class MadeQuery:
    """A query made of a passage.

    Attributes:
        text: The query.
        style: How it was made; `pair` if by the user.
        passage_text: The passage to pair it with, without the query where that was masked out.
    """

    text: str
    style: Style
    passage_text: str


def make_queries(
    passages: Iterable[Passage],
    *,
    rng: random.Random,
    document_frequency: DocumentFrequency,
    styles: Mapping[Style, float] = STYLE_WEIGHTS,
    per_passage: int = 1,
) -> Iterator[tuple[Passage, MadeQuery]]:
    """Make queries of the passages that lend themselves to it.

    Args:
        passages: The corpus to ask about.
        rng: Makes every choice: the same generator and passages give the same queries.
        document_frequency: Of the whole corpus; tells telling words from common ones.
        styles: The wanted mix. The style that is furthest behind its share is tried first; one
            that a passage does not lend itself to gives way to the next.
        per_passage: Most queries to make of a passage, each of another style.

    Yields:
        The passage and a query of it, passage by passage.

    Raises:
        InvalidArgumentError: A style is unknown, no weight is over 0, or `per_passage` is below 1.
    """
    unknown = sorted(set(styles) - set(_MAKERS))
    if unknown or not any(styles.values()) or min(styles.values()) < 0:
        msg = (
            f"styles must be weights of 0 or more, one over 0, for {sorted(_MAKERS)}, got {styles}"
        )
        raise InvalidArgumentError(msg)
    if per_passage < 1:
        msg = f"per_passage must be 1 or more, got {per_passage}"
        raise InvalidArgumentError(msg)
    made: Counter[Style] = Counter()
    for passage in filter(lends_itself, passages):
        wanted = per_passage
        for style in _most_behind_first(made, styles, rng):
            query = _MAKERS[style](passage, rng, document_frequency)
            if query and is_query(query.text):
                yield passage, query
                made[style] += 1
                wanted -= 1
            if not wanted:
                break


def lends_itself(passage: Passage) -> bool:
    """Whether queries can be made of a passage: prose, and no section of links or sources."""
    suitable = not any(heading.strip().lower() in UNASKED_SECTIONS for heading in passage.section)
    return suitable and is_prose(passage.text)


def ask_by_title(
    passage: Passage, rng: random.Random, _: DocumentFrequency | None = None
) -> MadeQuery | None:
    """Ask for the article or section by name; None unless the passage begins it."""
    question = title_question(passage, rng)
    return MadeQuery(question, "title_question", passage.text) if question else None


def mask_sentence(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Take a sentence as the query, out of the passage nine times in ten.

    The inverse cloze task of Lee, Chang and Toutanova, "Latent retrieval for weakly supervised
    open domain question answering", ACL 2019.

    Args:
        passage: The passage.
        rng: Chooses the sentence and whether to mask it.
        document_frequency: Tells whether a sentence says something of its own.

    Returns:
        The query; None where no sentence can stand alone or too little would remain.
    """
    text = passage.text
    spans = [
        (start, end)
        for start, end in sentences(text)
        if stands_alone(text[start:end])
        and text.count(text[start:end]) == 1
        and _is_specific(text[start:end], passage, document_frequency)
        and len(words(text)) - len(words(text[start:end])) >= _MIN_REMAINING_WORDS
    ]
    if not spans:
        return None
    start, end = rng.choice(spans)
    masked = rng.random() < MASK_PROBABILITY
    remaining = without_span(text, start, end) if masked else text
    return MadeQuery(text[start:end], "masked_sentence", remaining)


def without_span(text: str, start: int, end: int) -> str:
    """A text without one sentence, what stood around it joined by one space or line break."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    if not before or not after:
        return before or after
    gap = text[len(before) : start] + text[end : len(text) - len(after)]
    return before + ("\n" if "\n" in gap else " ") + after


def ask_by_keywords(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Take the 3 to 6 most telling words of a passage, in their order, in lower case.

    The heading counts as the beginning of the passage. A word's weight is its inverse document
    frequency times the square root of its count; more in the heading, less for what looks like a
    verb. Of the words that stand in no other passage at most one is taken: nobody types a row.

    Args:
        passage: The passage.
        rng: Chooses how many.
        document_frequency: Of the corpus.

    Returns:
        The query; None where the passage has fewer than 3 telling words.
    """
    titled = set(content_words(passage.heading))
    named = {word.lower() for word in _NAME.findall(passage.text)}
    keywords = [word for word in content_words(passage.headed_text) if _is_keyword(word)]
    counts = Counter(keywords)
    weights = {
        word: count**0.5
        * document_frequency.weight(word)
        * (1.6 if word in titled else 1.0 if word in named or not _VERBAL.search(word) else 0.5)
        * (1.0 if document_frequency.counts.get(word, 0) > 2 or word in named else 0.7)
        for word, count in counts.items()
        if word not in _SCOPE_WORDS
    }
    number = rng.randint(*_KEYWORDS)
    chosen: set[str] = set()
    lone = 0
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        alone = document_frequency.counts.get(word, 0) <= 1 and word not in titled
        if _has_form_of(word, chosen) or (alone and lone and document_frequency.passages > 100):
            continue
        chosen.add(word)
        lone += alone
        if len(chosen) == number:
            break
    if len(chosen) < _KEYWORDS[0]:
        return None
    return MadeQuery(" ".join(sorted(chosen, key=keywords.index)), "keywords", passage.text)


def ask_by_cloze(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Ask for what one of the passage's sentences says; see `cloze_question`."""
    spans = sentences(passage.text)
    rng.shuffle(spans)
    for start, end in spans:
        sentence = _with_subject(passage.text[start:end], passage)
        if not stands_alone(sentence):
            continue
        question = cloze_question(
            sentence, rng, title=bare_title(passage.title), person=is_person(passage.text)
        )
        if question and _is_specific(question, passage, document_frequency):
            return MadeQuery(question, "cloze", passage.text)
    return None


_Maker = Callable[[Passage, random.Random, DocumentFrequency], MadeQuery | None]
_MAKERS: Mapping[Style, _Maker] = MappingProxyType(
    {
        "title_question": ask_by_title,
        "masked_sentence": mask_sentence,
        "keywords": ask_by_keywords,
        "cloze": ask_by_cloze,
    }
)


def _most_behind_first(
    made: Mapping[Style, int], styles: Mapping[Style, float], rng: random.Random
) -> list[Style]:
    """The styles of some weight, by how many queries there are of each for its weight."""
    places = {
        style: (made.get(style, 0) + rng.random()) / weight
        for style, weight in styles.items()
        if weight > 0
    }
    return sorted(places, key=lambda style: places[style])


def _is_specific(text: str, passage: Passage, document_frequency: DocumentFrequency) -> bool:
    """Whether a text names its subject: a word of the title, or three telling words."""
    told = set(content_words(text))
    named = told & set(content_words(bare_title(passage.title)))
    telling = sum(map(document_frequency.is_telling, told))
    return bool(named and telling) or (telling >= 3 and not _NAMELESS.search(text))


def _with_subject(sentence: str, passage: Passage) -> str:
    """A sentence with the article's title for the pronoun it begins with."""
    match = _PRONOUN_SUBJECT.match(sentence)
    if match is None or not passage.title or not is_whole(sentence):
        return sentence
    person = is_person(passage.text)
    # Deep in an article "it" may be anything; a person's article says "he" of nobody else, mostly.
    if match["pronoun"] == "It" and (person or passage.section):
        return sentence
    if match["pronoun"] != "It" and not person:
        return sentence
    title = bare_title(passage.title)
    return f"{title[:1].upper()}{title[1:]} {sentence[match.end() :]}"


def _is_keyword(word: str) -> bool:
    return len(word) > 2 and not word[0].isdigit() and word not in STOP and not word.endswith("ly")


def _has_form_of(word: str, chosen: set[str]) -> bool:
    """Whether another form of a word is chosen already: its plural, mostly."""
    return any(word[:6] == other[:6] or word.rstrip("s") == other.rstrip("s") for other in chosen)


def also_answers(other: Passage, passage: Passage, made: MadeQuery) -> bool:
    """Whether another passage may answer a query as well as the one that it was made of.

    Who asks for a section by name is answered by all of the section.

    Args:
        other: The other passage.
        passage: The passage that the query was made of.
        made: The query.

    Returns:
        True if the query asks by title and both are of one section of one article.
    """
    same_section = (other.title, other.section) == (passage.title, passage.section)
    return made.style == "title_question" and same_section
