"""From text to the stems that the lexical index holds, for the language of an index."""

from __future__ import annotations

import re

import tantivy

from wikirank.index.languages import ENGLISH, OTHER, STEMMERS, STOPWORDS, is_stop_word
from wikirank.index.normalise import LONGEST_WORD, comparable
from wikirank.types import HEADING_SEPARATOR

_WORD = re.compile(r"\w+")
# In bytes, so that it cuts nothing that `comparable` left: letters have four at most.
_LONGEST_STEM = 4 * LONGEST_WORD


class Analyzer:
    """Makes stems of texts and of queries.

    Args:
        language: A code of `wikirank.index.languages.LANGUAGES`. Latin words in a language of
            another script without stemmer, as in Japanese, are taken as English.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        builder = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(_LONGEST_STEM))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
        )
        if language != OTHER:
            stemmer = STEMMERS.get(language, STEMMERS[ENGLISH])
            builder = builder.filter(tantivy.Filter.stemmer(stemmer))
        self.tokenizer = builder.build()
        """What makes stems of a prepared text."""
        self._english = frozenset(self.tokenizer.analyze(STOPWORDS))

    @staticmethod
    def prepared(text: str) -> str:
        """A text as the tokenizer takes it."""
        # Between headings stands what is no word, but would make the text other than ASCII.
        return comparable(text.replace(HEADING_SEPARATOR, "  "))

    def stems(self, text: str) -> list[str]:
        """The stems of a text, in order, as often as they occur."""
        stems: list[str] = self.tokenizer.analyze(comparable(text))
        return stems

    def telling_stems(self, query: str) -> list[str]:
        """The stems of a query that tell something, each once.

        A query of nothing but stop words ("The Who") still means something, and keeps them.
        """
        stems = list(dict.fromkeys(self.stems(query)))
        if self.language in STEMMERS and self.language != ENGLISH:
            words = [w for w in _WORD.findall(query) if not is_stop_word(w, self.language)]
            telling = list(dict.fromkeys(self.stems(" ".join(words))))
        else:
            telling = [stem for stem in stems if stem not in self._english]
        return telling or stems
