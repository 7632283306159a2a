"""Candidate lists of held-out articles, to evaluate and calibrate a reranker on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wikirank._json_lines import expected, read_records, text_field, texts_field, write_records
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.passages.duplicates import without_duplicates
from wikirank.search import Searcher, SearchOptions
from wikirank.train.data.negatives import with_text
from wikirank.train.data.queries import MadeQuery, also_answers
from wikirank.types import Passage

MISSED = -1


@dataclass(frozen=True, slots=True)
class CandidateList:
    """The results of hybrid search for one query, without reranking.

    Attributes:
        query: Text of the query.
        style: How the query was made, see `STYLE_WEIGHTS`; `pair` if it is the user's.
        positive: Text that answers the query, as the model reads it.
        candidates: Texts, best first, as the model reads them.
        positive_rank: Position of the positive among the candidates, from 0; -1 if it was missed.
        dense: Cosine similarity of each candidate to the query; None if dense search missed it.
        lexical: BM25 score of each candidate; None if lexical search missed it.
    """

    query: str
    style: str
    positive: str
    candidates: list[str]
    positive_rank: int
    dense: list[float | None]
    lexical: list[float | None]

    @property
    def is_of_a_pair(self) -> bool:
        """Whether a person asked the query, rather than that it was generated from a passage."""
        return self.style == "pair"


def candidate_lists(
    searcher: Searcher,
    queries: Iterable[tuple[Passage, MadeQuery]],
    *,
    n: int = 50,
    prepend_heading: bool = True,
) -> Iterator[CandidateList]:
    """Run hybrid search for queries of held-out articles.

    The index holds the whole passage of a `masked_sentence` query, so search finds it easily, but
    the list holds the masked text. This flatters the first stage on queries of that style only:
    compare a first stage with a reranker on the other styles.

    Args:
        searcher: Searches the whole index, training articles included.
        queries: Passages and their queries, from `make_queries`.
        n: Number of candidates for a query, 1 or more; fewer if the index holds fewer.
        prepend_heading: Whether texts start with a line `title › section`.

    Yields:
        One list for each query. If search finds a near duplicate instead of the positive, it counts
        as the positive. Other passages that answer the query (see `also_answers`) are left out.

    Raises:
        InvalidArgumentError: If `n` is below 1.
    """
    if n < 1:
        msg = f"Expected n of 1 or more, got {n}."
        raise InvalidArgumentError(msg)
    options = SearchOptions(k=n, fetch_k=n, rerank=False)
    for passage, made in queries:
        retrieved = searcher.search(made.text, options).candidates
        gold = _gold(passage, [ranked.passage for ranked in retrieved])
        ranking = [
            ranked
            for ranked in retrieved
            if ranked.passage is gold or not also_answers(ranked.passage, passage, made)
        ]
        kept = [ranked.passage for ranked in ranking]
        texts = [p.headed_text if prepend_heading else p.text for p in kept]
        answer = with_text(passage, made.passage_text)
        positive = answer.headed_text if prepend_heading else answer.text
        positive_rank = MISSED
        if gold is not None:
            positive_rank = next(position for position, p in enumerate(kept) if p is gold)
            texts[positive_rank] = positive
        yield CandidateList(
            query=made.text,
            style=made.style,
            positive=positive,
            candidates=texts,
            positive_rank=positive_rank,
            dense=[ranked.dense_score for ranked in ranking],
            lexical=[ranked.lexical_score for ranked in ranking],
        )


def write_candidate_lists(path: Path | str, lists: Iterable[CandidateList]) -> int:
    """Write lists as JSON lines, gzipped if the name ends in `.gz`, and return their number.

    If an error occurs, no file is written.
    """
    return write_records(Path(path), map(_record, lists))


def read_candidate_lists(path: Path | str) -> Iterator[CandidateList]:
    """Read the lists that `write_candidate_lists` wrote.

    Args:
        path: A `.jsonl` or `.jsonl.gz` file.

    Yields:
        The lists in the file's order.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong. The
            message names the file and the line.
    """
    for where, record in read_records(Path(path)):
        query, style, positive = (
            text_field(record, name, where) for name in ("query", "style", "positive")
        )
        candidates, place = texts_field(record, "candidates", where), record.get("place")
        if type(place) is not int or not MISSED <= place < len(candidates):
            raise CorpusError(expected(where, "-1 or a position in 'place'", place))
        scores = [_scores(record, name, len(candidates), where) for name in ("dense", "lexical")]
        yield CandidateList(query, style, positive, candidates, place, *scores)


def _record(candidate_list: CandidateList) -> dict[str, Any]:
    """Return a list as a JSON record, in which `positive_rank` is called `place`."""
    fields = asdict(candidate_list)
    fields["place"] = fields.pop("positive_rank")
    return fields


def _scores(record: Mapping[str, Any], name: str, n: int, where: str) -> list[float | None]:
    scores = record.get(name)
    if (
        not isinstance(scores, list)
        or len(scores) != n
        or not all(score is None or type(score) in (int, float) for score in scores)
    ):
        raise CorpusError(
            expected(where, f"a number or null for each candidate in {name!r}", scores)
        )
    return scores


def _gold(passage: Passage, candidates: Sequence[Passage]) -> Passage | None:
    """Return the passage if it is among the candidates, otherwise its first near duplicate."""
    same = (candidate for candidate in candidates if candidate.id == passage.id)
    near_duplicates = (
        candidate
        for candidate in candidates
        if len(without_duplicates([passage.text, candidate.text])) == 1
    )
    return next(same, None) or next(near_duplicates, None)
