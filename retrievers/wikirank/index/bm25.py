"""The lexical index: BM25 with tantivy, persistent and updated in place.

Measured on SQuAD dev with 33,000 other passages: the ranking quality of SQLite FTS5 (MRR@10
0.806 against 0.807) at a twenty-fifth of its time per query (0.10 ms against 2.7 ms). The gap
grows with the index. BM25 follows Robertson and Zaragoza (2009), with k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import tantivy

from wikirank._util import Closing, abandon, is_rust_panic, renew_after_fork
from wikirank.errors import IndexStorageError
from wikirank.index.analyzer import Analyzer
from wikirank.index.bm25_files import META, lexical_fault
from wikirank.index.languages import ENGLISH, language_of_texts
from wikirank.index.store import PassageStore
from wikirank.passages.aliases import indexed_text
from wikirank.types import Passage

_ANALYZER = "wikirank"
_WRITER_HEAP_BYTES = 64 * 1024 * 1024
_MIN_HEAP_BYTES = 16 * 1024 * 1024  # tantivy's minimum, enough for a few pages
_LANGUAGE_SAMPLE = 20  # passages from which `in_memory` detects the language
_K1 = 1.2
_FIELD = "body"
# An unknown word of so many letters may differ from an indexed one by one edit, or by two.
_ONE_EDIT_LETTERS = 4
_TWO_EDITS_LETTERS = 9

Accept = Callable[[Sequence[str]], "set[str]"]


class _Location(NamedTuple):
    """The folder of a lexical index, and the advice to give if it is damaged."""

    path: Path
    repair_hint: str


class LexicalIndex:
    """BM25 over the heading and text of passages.

    Args:
        path: The folder of the lexical index.
        create: Create an empty index if there is none.
        language: Language of the passages, a code of `wikirank.index.languages`; None until the
            first passages are written, see `detect_language`.
        repair_hint: What to do about a damaged index, for error messages; None recommends
            `wikirank verify --repair`.

    Raises:
        IndexStorageError: If there is no index and `create` is false, or it is damaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        language: str | None = ENGLISH,
        repair_hint: str | None = None,
    ) -> None:
        self._location = _Location(path, repair_hint or _default_repair_hint(path))
        is_new = create and not (path / META).exists()
        if not is_new and (fault := lexical_fault(path)):
            raise IndexStorageError(_damaged_message(self._location, fault))
        with _failures(self._location):
            path.mkdir(parents=True, exist_ok=True)
            self._opened: tantivy.Index | None = tantivy.Index(_schema(), path=str(path))
        self._prepare(language)
        renew_after_fork(self)

    @property
    def _index(self) -> tantivy.Index:
        """The open tantivy index."""
        if self._opened is None:  # after a fork
            with _failures(self._location):
                opened = tantivy.Index(_schema(), path=str(self._location.path))
            opened.register_tokenizer(_ANALYZER, self._analyzer.tokenizer)
            self._opened = opened
        return self._opened

    def after_fork(self) -> None:
        """Open the index again at its next use: threads of the parent may hold its locks."""
        abandon(self._opened)
        self._opened = None

    @classmethod
    def in_memory(cls, passages: Sequence[Passage]) -> LexicalIndex:
        """Create a temporary index of a few passages, in their language."""
        index = cls.__new__(cls)
        index._location = _Location(Path("memory"), "Ask again.")  # for error messages
        index._opened = tantivy.Index(_schema())
        sample = passages[:: max(1, len(passages) // _LANGUAGE_SAMPLE)]
        index._prepare(language_of_texts(passage.headed_text for passage in sample))
        with LexicalWriter(index._index, index._location, heap_bytes=_MIN_HEAP_BYTES) as writer:
            writer.put_all(passages)
        return index

    def _prepare(self, language: str | None) -> None:
        self.language: str | None = None
        self._set_analyzer(ENGLISH)
        if language is not None:
            self.use_language(language)
        self._last_write_seen: object = None

    def use_language(self, language: str) -> None:
        """Stem passages and queries in this language from now on."""
        self.language = language
        self._set_analyzer(language)

    def _set_analyzer(self, language: str) -> None:
        self._analyzer = Analyzer(language)
        self._index.register_tokenizer(_ANALYZER, self._analyzer.tokenizer)

    def refresh(self, last_write: object) -> None:
        """See what other processes wrote; tantivy alone only looks twice a second.

        Args:
            last_write: Identifies the last write to the index. If it is the same as at the last
                call, nothing is read.
        """
        if last_write == self._last_write_seen:
            return
        with _failures(self._location):
            self._index.reload()
        self._last_write_seen = last_write

    def search(
        self, query: str, k: int, *, accept: Accept | None = None
    ) -> list[tuple[str, float]]:
        """Find the passages that share words with a query.

        Args:
            query: Free text; operators are not interpreted.
            k: Maximum number of hits.
            accept: Returns the accepted ids of a list. The search continues until `k` ids are
                accepted. None accepts all.

        Returns:
            Pairs of passage id and score, best first. A score is BM25 divided by the highest value
            possible for this query. It is in [0, 1] and does not depend on the other hits.
        """
        stems = self._analyzer.query_stems(query)
        if not stems:
            return []
        with _failures(self._location):
            searcher = self._index.searcher()
            parsed, max_score = _match_any(searcher, self._index.schema, stems)
        accepted: list[tuple[str, float]] = []
        offset, page = 0, k
        while len(accepted) < k:
            with _failures(self._location):
                hits = searcher.search(parsed, limit=page, offset=offset, count=False).hits
                ids = [str(searcher.doc(index).get_first("id")) for _, index in hits]
            scored = [(id_, score / max_score) for id_, (score, _) in zip(ids, hits, strict=True)]
            kept = accept([id_ for id_, _ in scored]) if accept else {id_ for id_, _ in scored}
            accepted.extend(hit for hit in scored if hit[0] in kept)
            if len(hits) < page:
                break
            offset, page = offset + page, page * 2
        return accepted[:k]

    def scores(self, query: str, ids: Sequence[str]) -> dict[str, float]:
        """Score given passages for a query.

        Args:
            query: Free text.
            ids: Passage ids; unknown ones are ignored.

        Returns:
            Score by passage id, as in `search`; 0 if passage and query share no word.
        """
        stems = self._analyzer.query_stems(query)
        if not stems:
            return dict.fromkeys(ids, 0.0)
        with _failures(self._location):
            searcher = self._index.searcher()
            words, max_score = _match_any(searcher, self._index.schema, stems)
        any_id = tantivy.Query.term_set_query(self._index.schema, "id", list(ids))
        id_filter = tantivy.Query.const_score_query(any_id, 0.0)
        parsed = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, id_filter), (tantivy.Occur.Should, words)]
        )
        with _failures(self._location):
            hits = searcher.search(parsed, limit=2 * len(ids) + 10, count=False).hits
            return {
                str(searcher.doc(doc).get_first("id")): score / max_score for score, doc in hits
            }

    def matching_words(self, query: str, words: Iterable[str]) -> set[str]:
        """Return the words that share a stem with a query word, stop words excepted."""
        stems = frozenset(self._analyzer.query_stems(query))
        return {word for word in words if not stems.isdisjoint(self._analyzer.stems(word))}

    def ids_with_similar_word(self, word: str, k: int) -> list[str]:
        """Find passages with a word one or two edits away; none if the word itself is indexed."""
        stems = self._analyzer.stems(word)
        if len(stems) != 1:
            return []
        with _failures(self._location):
            searcher = self._index.searcher()
            edits = _allowed_edits(searcher, stems[0])
            if not edits:
                return []
            fuzzy = tantivy.Query.fuzzy_term_query(self._index.schema, _FIELD, stems[0], edits)
            hits = searcher.search(fuzzy, limit=k, count=False).hits
            return [str(searcher.doc(index).get_first("id")) for _, index in hits]

    def indexed_ids(self, ids: Sequence[str]) -> list[str]:
        """Return the ids that are in the index, an id that is there twice twice."""
        query = tantivy.Query.term_set_query(self._index.schema, "id", list(ids))
        with _failures(self._location):
            searcher = self._index.searcher()
            hits = searcher.search(query, limit=2 * len(ids) + 10, count=False).hits
            return [str(searcher.doc(index).get_first("id")) for _, index in hits]

    def is_findable(self, passage: Passage) -> bool:
        """Whether a search for all words of a passage and its heading finds it."""
        stems = dict.fromkeys(self._analyzer.stems(passage.headed_text))
        schema, must = self._index.schema, tantivy.Occur.Must
        terms = [("id", passage.id), *(("body", stem) for stem in stems)]
        parts = [(must, tantivy.Query.term_query(schema, field, term)) for field, term in terms]
        with _failures(self._location):
            query = tantivy.Query.boolean_query(parts)
            return bool(self._index.searcher().search(query, limit=1, count=False).hits)

    def count(self) -> int:
        """Return the number of passages."""
        with _failures(self._location):
            return int(self._index.searcher().num_docs)

    def writer(self) -> LexicalWriter:
        """Open the index for writing; one writer at a time."""
        return LexicalWriter(self._index, self._location)


class LexicalWriter(Closing):
    """Writes to a lexical index; each call is one commit.

    Args:
        index: The tantivy index to write to.
        location: Its folder and repair hint, for error messages.
        heap_bytes: Memory for passages that are not yet on disk.
    """

    def __init__(
        self, index: tantivy.Index, location: _Location, *, heap_bytes: int = _WRITER_HEAP_BYTES
    ) -> None:
        self._index = index
        self._location = location
        with _failures(location, "written"):
            self._writer = index.writer(heap_size=heap_bytes, num_threads=1)

    def put(self, passages: Iterable[Passage]) -> None:
        """Write passages; those with the same ids are replaced."""
        with _failures(self._location, "written"):
            for passage in passages:
                self._writer.delete_documents_by_term("id", passage.id)
                self._add(passage)
            self._commit()

    def put_all(self, passages: Iterable[Passage]) -> None:
        """Replace all passages in one commit; a search sees all old or all new ones."""
        with _failures(self._location, "written"):
            self._writer.delete_all_documents()
            for passage in passages:
                self._add(passage)
            self._commit()

    def delete(self, ids: Iterable[str]) -> None:
        """Delete passages; unknown ids are ignored."""
        with _failures(self._location, "written"):
            for id_ in ids:
                self._writer.delete_documents_by_term("id", id_)
            self._commit()

    def _add(self, passage: Passage) -> None:
        self._writer.add_document(
            tantivy.Document(id=passage.id, body=Analyzer.prepare(indexed_text(passage)))
        )

    def _commit(self) -> None:
        self._writer.commit()
        self._index.reload()

    def close(self) -> None:
        """Wait for merges and release the index."""
        with _failures(self._location, "written"):
            self._writer.wait_merging_threads()


@contextmanager
def _failures(location: _Location, action: str = "read") -> Iterator[None]:
    """Raise tantivy's errors, such as no space, read-only, damaged or locked, as our own."""
    try:
        yield
    except (ValueError, OSError) as err:
        raise IndexStorageError(_failed_message(location, action, err)) from err
    except BaseException as err:
        if not is_rust_panic(err):
            raise
        raise IndexStorageError(_damaged_message(location, str(err))) from err


def _failed_message(location: _Location, action: str, err: Exception) -> str:
    return (
        f"The lexical index in {location.path} cannot be {action} ({err}). If the disk is full, "
        "free space and run the command again. If it is read-only, allow writing. If the index is "
        f"damaged: {location.repair_hint} Everything that was written before is kept."
    )


def _damaged_message(location: _Location, fault: str) -> str:
    return f"The lexical index in {location.path} is damaged: {fault}. {location.repair_hint}"


def _default_repair_hint(path: Path) -> str:
    return f"Rebuild it from the passages: wikirank verify --index {path.parent} --repair"


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("body", tokenizer_name=_ANALYZER, index_option="freq")
    return builder.build()


def detect_language(
    lexical: LexicalIndex, store: PassageStore, passages: Iterable[Passage]
) -> None:
    """Detect and record the language from the first passages, unless it is set."""
    if lexical.language is None:
        language = language_of_texts(passage.headed_text for passage in passages)
        store.write_meta({"language": language})
        lexical.use_language(language)


def load_language(lexical: LexicalIndex, store: PassageStore) -> None:
    """Load the language that another process recorded since the index was opened."""
    if lexical.language is None and (language := store.read_meta().get("language")):
        lexical.use_language(language)


def _match_any(
    searcher: tantivy.Searcher, schema: tantivy.Schema, stems: Sequence[str]
) -> tuple[tantivy.Query, float]:
    """Return a query for passages with any of the stems, and the upper bound of its scores.

    A stem that no passage contains also matches stems one or two edits away. Together they count
    as one stem that occurs once in a passage of mean length.
    """
    parts = [_match_stem(searcher, schema, stem) for stem in stems]
    query = tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part, _ in parts])
    return query, (_K1 + 1) * sum(weight for _, weight in parts)


def _match_stem(
    searcher: tantivy.Searcher, schema: tantivy.Schema, stem: str
) -> tuple[tantivy.Query, float]:
    count = searcher.num_docs
    exact = tantivy.Query.term_query(schema, _FIELD, stem)
    frequency = searcher.doc_freq(_FIELD, stem)
    if edits := _allowed_edits(searcher, stem):
        fuzzy = tantivy.Query.fuzzy_term_query(schema, _FIELD, stem, edits)
        matching: int = searcher.search(fuzzy, limit=1, count=True).count  # type: ignore[attr-defined]
        if matching:
            weight = _weight(matching, count)
            return tantivy.Query.const_score_query(fuzzy, weight), weight
    return exact, _weight(frequency, count)


def _allowed_edits(searcher: tantivy.Searcher, stem: str) -> int:
    """Return the edits allowed to match a stem; 0 if it is short or indexed."""
    edits = max_edits(len(stem)) if stem.isalpha() else 0
    return 0 if edits and searcher.doc_freq(_FIELD, stem) else edits


def max_edits(letters: int) -> int:
    """Return how many edits a misspelt word of this length may have."""
    return (letters >= _ONE_EDIT_LETTERS) + (letters >= _TWO_EDITS_LETTERS)


def _weight(frequency: int, count: int) -> float:
    """Return the inverse document frequency of BM25."""
    return math.log1p((count - frequency + 0.5) / (frequency + 0.5))
