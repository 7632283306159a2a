"""Turn text into the stems that the lexical index stores, by language."""

from __future__ import annotations

import re

import tantivy

from wikirank.index.languages import ENGLISH, OTHER, STEMMERS, STOPWORDS, is_stop_word
from wikirank.index.normalise import MAX_WORD_LENGTH, comparable
from wikirank.types import HEADING_SEPARATOR

_WORD = re.compile(r"\w+")
# Tantivy counts bytes, and a letter has at most four: this cuts nothing that `comparable` kept.
_MAX_STEM_BYTES = 4 * MAX_WORD_LENGTH


class Analyzer:
    """Stems texts and queries.

    Args:
        language: A code of `wikirank.index.languages.LANGUAGES`. If the language has no stemmer,
            such as Japanese, Latin words are stemmed as English.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        builder = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(_MAX_STEM_BYTES))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
        )
        if language != OTHER:
            stemmer = STEMMERS.get(language, STEMMERS[ENGLISH])
            builder = builder.filter(tantivy.Filter.stemmer(stemmer))
        self.tokenizer = builder.build()
        """The tantivy analyzer; it expects text from `prepare`."""
        self._english_stop_stems = frozenset(self.tokenizer.analyze(STOPWORDS))

    @staticmethod
    def prepare(text: str) -> str:
        """Return a text in the form that the tokenizer expects."""
        # The separator is not a word, and not ASCII, for which `comparable` has a fast path.
        return comparable(text.replace(HEADING_SEPARATOR, "  "))

    def stems(self, text: str) -> list[str]:
        """Return the stems of a text in order, with repeats."""
        stems: list[str] = self.tokenizer.analyze(comparable(text))
        return stems

    def query_stems(self, query: str) -> list[str]:
        """Return the distinct stems of a query, without stop words.

        A query that has only stop words, such as "The Who", keeps them.
        """
        stems = list(dict.fromkeys(self.stems(query)))
        if self.language in STEMMERS and self.language != ENGLISH:
            words = [w for w in _WORD.findall(query) if not is_stop_word(w, self.language)]
            content_stems = list(dict.fromkeys(self.stems(" ".join(words))))
        else:
            content_stems = [stem for stem in stems if stem not in self._english_stop_stems]
        return content_stems or stems
