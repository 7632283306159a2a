"""Tell which texts queries can be generated from: prose, whole sentences, specific words."""

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
    """Split a text at white space."""
    return frozenset(text.split())


# More words that say nothing about the subject of a passage.
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
# A sentence that starts with one of these depends on the sentence before it.
_DEPENDENT_STARTS = word_set(
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
    """Number of passages of a corpus that contain each word.

    Attributes:
        passages: Number of passages in the corpus.
        counts: Lower-cased word to the number of passages that contain it.
    """

    passages: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> DocumentFrequency:
        """Count each word once for each text that contains it."""
        counts: Counter[str] = Counter()
        passages = 0
        for text in texts:
            passages += 1
            counts.update({word.lower() for word in words(text)})
        return cls(passages, counts)

    def weight(self, word: str) -> float:
        """Return the inverse document frequency of a word: 0 or more, higher for rarer words."""
        return math.log((self.passages + 1) / (self.counts.get(word.lower(), 0) + 1))

    def is_telling(self, word: str) -> bool:
        """Whether at most 1 % of the passages, or three passages, contain the word."""
        return self.counts.get(word.lower(), 0) <= max(3, self.passages // 100)


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, in order and unchanged."""
    return _WORD.findall(text)


def content_words(text: str) -> list[str]:
    """Return the words of a text without function words, lower-cased, in order."""
    return [word for word in map(str.lower, words(text)) if word not in STOP and len(word) > 1]


def is_prose(text: str) -> bool:
    """Whether a text is prose: no markup, 10 words or more, at least 60 % letters."""
    visible = [character for character in text if not character.isspace()]
    letters = sum(map(str.isalpha, visible))
    return (
        not _MARKUP.search(text)
        and letters >= _MIN_LETTERS * max(1, len(visible))
        and len(words(text)) >= _MIN_PROSE_WORDS
    )


def sentences(text: str) -> list[Span]:
    """Return the start and end of each sentence of a text, in characters."""
    return list(sentence_spans(text))


def sentence_runs(text: str, length: int) -> list[str]:
    """Return runs of whole sentences of about `length` characters, one from each sentence on.

    Runs that are much shorter are left out. If the text is little longer than `length`, or has only
    one sentence, it is returned whole.
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
    """Whether a sentence is complete and can be understood without the one before it."""
    sentence_words = words(sentence)
    return (
        is_whole(sentence)
        and sentence_words[0].lower() not in _DEPENDENT_STARTS
        and not _POINTS_BACK.search(sentence)
    )


def is_whole(sentence: str) -> bool:
    """Whether a text is one complete sentence of 6 to 40 words, with its brackets closed."""
    count = len(words(sentence))
    return (
        _MIN_SENTENCE_WORDS <= count <= MAX_QUERY_WORDS
        and (sentence[0].isupper() or sentence[0].isdigit())
        and sentence[-1] in ".!?"
        and sentence[-3:] != "..."
        and sentence.count("(") == sentence.count(")")
        and sentence.count('"') % 2 == 0
        and not _RUN_ON.search(sentence)
        and "  " not in sentence  # two spaces are left where a formula was removed
        and is_prose(f"{sentence} and so on and so on")
    )


def is_query(text: str) -> bool:
    """Whether a text can be a query: 2 or more content words, at most 40 words, no markup.

    A blank (`____`) is allowed.
    """
    return (
        not _MARKUP.search(text.replace("____", ""))
        and len(words(text)) <= MAX_QUERY_WORDS
        and len(set(content_words(text))) >= _MIN_QUERY_CONTENT_WORDS
    )
