"""Generate queries from passages, in the styles of written questions and of search boxes."""

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
_NAMELESS = re.compile(  # "the city": only the passage's heading tells which city
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
    """A query generated from a passage, or given by the user.

    Attributes:
        text: Text of the query.
        style: How the query was made; `pair` if it is the user's.
        passage_text: Text that answers the query. If the query was masked out of the passage, the
            text is without it.
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
    """Generate queries from all passages that are suitable.

    Args:
        passages: Passages to generate queries from.
        rng: Makes every choice: the same generator and passages give the same queries.
        document_frequency: Word counts of the whole corpus, to tell specific from common words.
        styles: Weight of each style in the mix. For each passage, the style furthest behind its
            share is tried first; if it does not fit the passage, the next one is tried.
        per_passage: Maximum number of queries from one passage, each in another style.

    Yields:
        A passage and its query, passage by passage.

    Raises:
        InvalidArgumentError: If a style is unknown, no weight is over 0, or `per_passage` is below
            1.
    """
    unknown = sorted(set(styles) - set(_MAKERS))
    if unknown or not any(styles.values()) or min(styles.values()) < 0:
        msg = (
            "Expected styles with weights of 0 or more, at least one over 0, for "
            f"{sorted(_MAKERS)}, got {styles}."
        )
        raise InvalidArgumentError(msg)
    if per_passage < 1:
        msg = f"Expected per_passage of 1 or more, got {per_passage}."
        raise InvalidArgumentError(msg)
    made: Counter[Style] = Counter()
    for passage in filter(is_suitable, passages):
        wanted = per_passage
        for style in _most_behind_first(made, styles, rng):
            query = _MAKERS[style](passage, rng, document_frequency)
            if query and is_query(query.text):
                yield passage, query
                made[style] += 1
                wanted -= 1
            if not wanted:
                break


def is_suitable(passage: Passage) -> bool:
    """Whether queries can be generated from a passage: prose, not a section of links or sources."""
    excluded = any(heading.strip().lower() in UNASKED_SECTIONS for heading in passage.section)
    return not excluded and is_prose(passage.text)


def ask_by_title(
    passage: Passage, rng: random.Random, _: DocumentFrequency | None = None
) -> MadeQuery | None:
    """Ask for the article or section by name. None if the passage is not its first."""
    question = title_question(passage, rng)
    return MadeQuery(question, "title_question", passage.text) if question else None


def mask_sentence(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Use a sentence of the passage as the query, and mask it in the passage nine times in ten.

    The inverse cloze task of Lee, Chang and Toutanova, "Latent retrieval for weakly supervised
    open domain question answering", ACL 2019. None if no sentence is specific and can stand alone,
    or too little of the passage would remain.
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
    """Cut a sentence out of a text and join the two parts by one space or line break."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    if not before or not after:
        return before or after
    gap = text[len(before) : start] + text[end : len(text) - len(after)]
    return before + ("\n" if "\n" in gap else " ") + after


def ask_by_keywords(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Take the 3 to 6 most specific words of a passage, in their order, in lower case.

    The heading counts as the beginning of the passage. A word's weight is its inverse document
    frequency times the square root of its count. Words of the heading weigh more, and words that
    look like verbs less. At most one word is taken that no other passage contains: nobody types
    several of these. None if the passage has fewer than 3 such words.
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
    unique_words = 0
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        is_unique = document_frequency.counts.get(word, 0) <= 1 and word not in titled
        if _has_form_of(word, chosen) or (
            is_unique and unique_words and document_frequency.passages > 100
        ):
            continue
        chosen.add(word)
        unique_words += is_unique
        if len(chosen) == number:
            break
    if len(chosen) < _KEYWORDS[0]:
        return None
    return MadeQuery(" ".join(sorted(chosen, key=keywords.index)), "keywords", passage.text)


def ask_by_cloze(
    passage: Passage, rng: random.Random, document_frequency: DocumentFrequency
) -> MadeQuery | None:
    """Turn one of the passage's sentences into a question, see `cloze_question`."""
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
    """Return the styles with a weight, the one with the fewest queries for its weight first."""
    progress = {
        style: (made.get(style, 0) + rng.random()) / weight
        for style, weight in styles.items()
        if weight > 0
    }
    return sorted(progress, key=lambda style: progress[style])


def _is_specific(text: str, passage: Passage, document_frequency: DocumentFrequency) -> bool:
    """Whether a text names its subject: by a word of the title, or by three specific words."""
    content = set(content_words(text))
    named = content & set(content_words(bare_title(passage.title)))
    specific = sum(map(document_frequency.is_telling, content))
    return bool(named and specific) or (specific >= 3 and not _NAMELESS.search(text))


def _with_subject(sentence: str, passage: Passage) -> str:
    """Replace the pronoun at the start of a sentence by the article's title, if that is safe."""
    match = _PRONOUN_SUBJECT.match(sentence)
    if match is None or not passage.title or not is_whole(sentence):
        return sentence
    person = is_person(passage.text)
    # After the lead "it" may be anything. In a person's article "he" or "she" is mostly the person.
    if match["pronoun"] == "It" and (person or passage.section):
        return sentence
    if match["pronoun"] != "It" and not person:
        return sentence
    title = bare_title(passage.title)
    return f"{title[:1].upper()}{title[1:]} {sentence[match.end() :]}"


def _is_keyword(word: str) -> bool:
    return len(word) > 2 and not word[0].isdigit() and word not in STOP and not word.endswith("ly")


def _has_form_of(word: str, chosen: set[str]) -> bool:
    """Whether another form of a word, such as its plural, is chosen already."""
    return any(word[:6] == form[:6] or word.rstrip("s") == form.rstrip("s") for form in chosen)


def also_answers(candidate: Passage, passage: Passage, made: MadeQuery) -> bool:
    """Whether a candidate also answers a query generated from `passage`.

    A query that asks for a section by name is answered by every passage of the section.
    """
    same_section = (candidate.title, candidate.section) == (passage.title, passage.section)
    return made.style == "title_question" and same_section
