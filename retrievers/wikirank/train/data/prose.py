"""What makes a passage fit to be asked about: prose, whole sentences, telling words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wikirank.index.languages import STOPWORDS
from wikirank.passages.sentences import sentence_spans

Span = tuple[int, int]

MAX_QUERY_WORDS = 40
_MIN_QUERY_CONTENT_WORDS = 2
_MIN_SENTENCE_WORDS = 6
_MIN_PROSE_WORDS = 10
_MIN_LETTERS = 0.6
_LITTLE_LONGER = 1.3

_WORD = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*")
_MARKUP = re.compile(r"[{}<>|\\\[\]=_~^]|''|\bdisplaystyle\b|https?:|\bISBN\b|\bdoi\b")


def word_set(text: str) -> frozenset[str]:
    """The words of a text that white space parts."""
    return frozenset(text.split())


# More words that a query can do without: they say nothing of what a passage is about.
_WEAK = word_set(
    """
    according across after again against all allow allows almost along already also although always
    among another around available back based became because become becomes before began behind
    below best better between beyond both came case cases certain come common commonly consist
    consists contain contains could describe described despite different due during each early
    either enough especially even ever every example examples exist few finally first following
    form former found four full further gave general generally get give given gives go goes great
    greater group having held help hence here high highly himself however include included includes
    including increase increased increasingly instead itself just keep kept kind known large largely
    larger largest last late later latter lead least led less like likely little long lower made
    main mainly major make makes making may mean means might mostly near nearly need needs never
    new next non not noted now number numerous occur occurs often old once one ones only onto order
    originally others otherwise over own part particular particularly per perhaps place possible
    primarily primary provide provided provides quite rather really recent recently referred refers
    related remain remained result resulted results said same say says second see seen several
    shall she show shown shows significant similar similarly simply since single small smaller
    something sometimes soon still subsequently take taken takes term that than therefore third
    three through throughout thus time times today together took toward towards two type types
    typically under until up upon use used useful uses using usually various very via want way ways
    well went whereas whether while whole widely within without work works year years yet
    """
)
FUNCTION_WORDS = word_set(STOPWORDS)
STOP = FUNCTION_WORDS | _WEAK
# A sentence that begins with one of these leans on the sentence before it.
_LEANING = word_set(
    """
    he her his however i instead it its moreover nevertheless nonetheless otherwise she similarly
    such that their then therefore these they this those thus we consequently furthermore
    additionally likewise here there both another conversely also and but or so yet you hence
    accordingly later meanwhile afterwards alternatively finally first firstly second secondly
    third thirdly some others other one
    """
)
_RUN_ON = re.compile(r"[a-z][.!?][A-Z][a-z]")  # a line break is missing
_POINTS_BACK = re.compile(
    r"^(?:The (?:former|latter|same|following|above|other|next|second|third|result)\b"
    r"|For (?:example|instance)|In (?:addition|contrast|other words|this|that|these|such)"
    r"|On (?:this|the other)|As (?:such|a result|mentioned|above|well)|Example|See |Figure|Table"
    r"|At (?:this|that)|By (?:this|that|doing)|After (?:this|that)|With (?:this|these)"
    r"|To (?:this|do)|Unlike (?:this|these)|In the (?:above|following|latter|former|same))"
)


@dataclass(frozen=True, slots=True)
class DocumentFrequency:
    """In how many passages of a corpus each word stands.

    Attributes:
        passages: How many passages were counted.
        counts: Lower-cased word to the number of passages with it.
    """

    passages: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> DocumentFrequency:
        """Count the words of a corpus, once a passage."""
        counts: Counter[str] = Counter()
        passages = 0
        for text in texts:
            passages += 1
            counts.update({word.lower() for word in words(text)})
        return cls(passages, counts)

    def weight(self, word: str) -> float:
        """Inverse document frequency of a word, 0 or more; the rarer, the higher."""
        return math.log((self.passages + 1) / (self.counts.get(word.lower(), 0) + 1))

    def is_telling(self, word: str) -> bool:
        """Whether at most one passage in a hundred (or three in all) has the word."""
        return self.counts.get(word.lower(), 0) <= max(3, self.passages // 100)


def words(text: str) -> list[str]:
    """The words and numbers of a text, in order, as they stand there."""
    return _WORD.findall(text)


def content_words(text: str) -> list[str]:
    """The words of a text that are not function words, lower-cased, in order."""
    return [word for word in map(str.lower, words(text)) if word not in STOP and len(word) > 1]


def is_prose(text: str) -> bool:
    """Whether a text reads as prose: no markup, words enough, at least 60 % letters."""
    visible = [character for character in text if not character.isspace()]
    letters = sum(map(str.isalpha, visible))
    return (
        not _MARKUP.search(text)
        and letters >= _MIN_LETTERS * max(1, len(visible))
        and len(words(text)) >= _MIN_PROSE_WORDS
    )


def sentences(text: str) -> list[Span]:
    """Start and end of each sentence of a text, in characters."""
    return list(sentence_spans(text))


def sentence_runs(text: str, length: int) -> list[str]:
    """The runs of whole sentences, one from each sentence on, that come nearest to a length.

    Args:
        text: The text.
        length: In characters.

    Returns:
        At least one: the text itself where it is little longer, or has one sentence. What is left
        at its end is none, if it is much shorter.
    """
    spans = sentences(text)
    if len(text) < _LITTLE_LONGER * length or len(spans) < 2:
        return [text]
    runs = []
    for first, (start, _) in enumerate(spans):
        ends = (end for _, end in spans[first:])
        runs.append(text[start : min(ends, key=lambda end: abs(end - start - length))])
    return [run for run in runs if len(run) * _LITTLE_LONGER >= length] or runs


def stands_alone(sentence: str) -> bool:
    """Whether a sentence is whole and can be understood without the one before it."""
    sentence_words = words(sentence)
    return (
        is_whole(sentence)
        and sentence_words[0].lower() not in _LEANING
        and not _POINTS_BACK.search(sentence)
    )


def is_whole(sentence: str) -> bool:
    """Whether this is one whole sentence: 6 to 40 words, begun, ended, brackets closed."""
    count = len(words(sentence))
    return (
        _MIN_SENTENCE_WORDS <= count <= MAX_QUERY_WORDS
        and (sentence[0].isupper() or sentence[0].isdigit())
        and sentence[-1] in ".!?"
        and sentence[-3:] != "..."
        and sentence.count("(") == sentence.count(")")
        and sentence.count('"') % 2 == 0
        and not _RUN_ON.search(sentence)
        and "  " not in sentence  # a formula stood there
        and is_prose(f"{sentence} and so on and so on")
    )


def is_query(text: str) -> bool:
    """Whether a text can be sent as a query: 2 content words or more, 40 words at most, no markup.

    A blank (`____`) is allowed.
    """
    return (
        not _MARKUP.search(text.replace("____", ""))
        and len(words(text)) <= MAX_QUERY_WORDS
        and len(set(content_words(text))) >= _MIN_QUERY_CONTENT_WORDS
    )
