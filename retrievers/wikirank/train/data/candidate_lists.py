"""Candidate lists of held-out articles: what a reranker will meet, to evaluate and calibrate on."""

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
    """What hybrid search found for one query, without reranking.

    Attributes:
        query: The query.
        style: How it was made.
        positive: The text that answers it, as the model will read it.
        candidates: Texts, best first, as the model will read them.
        positive_rank: Position of the positive among the candidates, from 0; -1 if it was missed.
        dense: Cosine similarity of each candidate to the query, where dense search found it.
        lexical: BM25 score of each candidate, where lexical search found it.
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
        """Whether the query came with its passage, as people asked it, and was not made of one."""
        return self.style == "pair"


def candidate_lists(
    searcher: Searcher,
    queries: Iterable[tuple[Passage, MadeQuery]],
    *,
    n: int = 50,
    prepend_heading: bool = True,
) -> Iterator[CandidateList]:
    """Ask hybrid search the queries of held-out articles.

    A masked sentence still stands in the index, where it is found easily; the list has the masked
    text in that place. So the order of the candidates flatters the first stage on queries of that
    style, and only on those; compare a first stage with a reranker on the other styles.

    Args:
        searcher: Over the whole index, training articles included.
        queries: Passages and queries of them, as `make_queries` gives them.
        n: Candidates of a query, 1 or more; fewer if the index holds fewer.
        prepend_heading: Whether texts carry `title › section` on a line before them.

    Yields:
        A list a query. A near duplicate in the positive's place counts as the positive; other
        passages that answer as well (see `also_answers`) are left out.

    Raises:
        InvalidArgumentError: `n` is below 1.
    """
    if n < 1:
        msg = f"n must be 1 or more, got {n}"
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
    """Write lists as JSON lines, gzipped for `.gz`, all of them or no file; their number."""
    return write_records(Path(path), map(_record, lists))


def read_candidate_lists(path: Path | str) -> Iterator[CandidateList]:
    """Read what `write_candidate_lists` wrote.

    Args:
        path: The file.

    Yields:
        The lists.

    Raises:
        CorpusError: The file cannot be read or holds no record, or a record is wrong; the message
            names the file and the line.
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
    """A list as the file has it, where `positive_rank` is called `place`."""
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
        raise CorpusError(expected(where, f"a number or null a candidate in {name!r}", scores))
    return scores


def _gold(passage: Passage, candidates: Sequence[Passage]) -> Passage | None:
    """The passage itself among those found, or else the first near duplicate of it."""
    same = (other for other in candidates if other.id == passage.id)
    alike = (
        other for other in candidates if len(without_duplicates([passage.text, other.text])) == 1
    )
    return next(same, None) or next(alike, None)
