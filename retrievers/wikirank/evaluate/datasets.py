"""Retrieval data sets: questions, passages, and the passages that answer each question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from wikirank._json_lines import expected, identifier, read_records, text_field
from wikirank.errors import CorpusError, InvalidArgumentError

_QRELS_HEADER = ["query-id", "corpus-id", "score"]
_WHOLE_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """Questions over a set of passages, with binary relevance.

    Attributes:
        queries: Query id to question.
        passages: Passage id to text; the text of a BEIR document may be empty.
        relevant: Query id to the ids of the passages that answer it; one entry per query.
        titles: Passage id to title, for passages with a title. Passages with the same title are
            from the same article.
        kinds: Query id to the kind of query, for queries with a kind.
        pools: Query id to the only passages that may be its candidates; pools do not overlap. Empty
            if any passage may be a candidate of any query.
    """

    queries: dict[str, str]
    passages: dict[str, str]
    relevant: dict[str, set[str]]
    titles: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    pools: dict[str, set[str]] = field(default_factory=dict)

    def text(self, passage: str) -> str:
        """Return the text of a passage, or its title if it has no text."""
        text = self.passages[passage]
        return text if text.strip() else self.titles.get(passage, "")

    def every(self, n: int) -> RetrievalDataset:
        """Keep every n-th query, starting with the first, and all passages.

        Args:
            n: 1 or more.

        Returns:
            The smaller data set.

        Raises:
            InvalidArgumentError: If n is below 1.
        """
        if n < 1:
            msg = f"Expected n to be at least 1, got {n}. Raise it."
            raise InvalidArgumentError(msg)
        queries = dict(islice(self.queries.items(), 0, None, n))
        return replace(self, queries=queries, relevant={id_: self.relevant[id_] for id_ in queries})


def load_retrieval_dataset(
    questions: str | Path, passages: str | Path | None = None
) -> RetrievalDataset:
    """Read a pair of JSON-lines files, plain or gzipped (`.gz`), or a BEIR folder.

    A BEIR folder (Thakur and others, "BEIR", NeurIPS 2021) holds `corpus.jsonl` (`_id`, `title`,
    `text`), `queries.jsonl` (`_id`, `text`) and `qrels/test.tsv` (header `query-id`, `corpus-id`,
    `score`). Any score over 0 is relevant; queries without one are left out.

    Args:
        questions: A BEIR folder, or a file of records `{"id", "question", "passage_id"}`. A
            question with several relevant passages has one record for each, with the same id and
            question.
        passages: With a questions file, a file of records `{"id", "text"}`, optionally with the
            article's `title`; None with a BEIR folder. Ids are strings or integers, kept as
            strings.

    Returns:
        The data set.

    Raises:
        InvalidArgumentError: If a folder comes with a passages file, or a questions file without.
        CorpusError: If a file is missing, empty or not UTF-8 JSON lines, or if a record lacks a
            field, repeats an id, or names an unknown query or passage.
    """
    is_folder = Path(questions).is_dir()
    if is_folder == (passages is not None):
        got = f"{questions} and {passages}" if passages else f"{questions} alone"
        msg = (
            f"Expected a BEIR folder, or a questions file and a passages file, got {got}. "
            "Name these."
        )
        raise InvalidArgumentError(msg)
    return _beir(Path(questions)) if passages is None else _pair(Path(questions), Path(passages))


def _pair(questions_file: Path, passages_file: Path) -> RetrievalDataset:
    passages: dict[str, str] = {}
    titles: dict[str, str] = {}
    for where, record in read_records(passages_file):
        key = _new_key(record, "id", where, passages)
        passages[key] = text_field(record, "text", where)
        titles.update(_title(record, key, where))
    queries: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}
    for where, record in read_records(questions_file):
        key, question = identifier(record, "id", where), text_field(record, "question", where)
        passage = identifier(record, "passage_id", where)
        if passage not in passages:
            raise CorpusError(expected(where, "the id of a passage in the passages file", passage))
        if queries.setdefault(key, question) != question:
            raise CorpusError(expected(where, f"one question for id {key!r}", question))
        relevant.setdefault(key, set()).add(passage)
    return RetrievalDataset(queries, passages, relevant, titles)


def _beir(folder: Path) -> RetrievalDataset:
    passages: dict[str, str] = {}
    titles: dict[str, str] = {}
    for where, record in read_records(folder / "corpus.jsonl"):
        key = _new_key(record, "_id", where, passages)
        passages[key] = text_field(record, "text", where, blank=True)
        titles.update(_title(record, key, where))
    queries: dict[str, str] = {}
    for where, record in read_records(folder / "queries.jsonl"):
        queries[_new_key(record, "_id", where, queries, "query")] = text_field(
            record, "text", where
        )
    relevant: dict[str, set[str]] = {}
    for where, query, passage in _judgements(folder / "qrels" / "test.tsv"):
        if query not in queries:
            raise CorpusError(expected(where, "the id of a query in queries.jsonl", query))
        if passage not in passages:
            raise CorpusError(expected(where, "the id of a passage in corpus.jsonl", passage))
        relevant.setdefault(query, set()).add(passage)
    return RetrievalDataset({id_: queries[id_] for id_ in relevant}, passages, relevant, titles)


def _title(record: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    """Return the record's title by passage id; empty if it has none."""
    return {key: text_field(record, "title", where, blank=True)} if record.get("title") else {}


def _judgements(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield location, query id and passage id of each line of a qrels file with a score over 0."""
    try:
        lines = path.read_text("utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        msg = f"{path}: expected a readable file in UTF-8, got: {err}. Check the file."
        raise CorpusError(msg) from err
    if lines[0].split("\t") != _QRELS_HEADER:
        raise CorpusError(expected(f"{path.name}, line 1", "\t".join(_QRELS_HEADER), lines[0]))
    empty = True
    for number, line in enumerate(lines[1:], start=2):
        where = f"{path.name}, line {number}"
        fields = line.split("\t")
        if len(fields) != 3 or not all(fields) or not _WHOLE_NUMBER.fullmatch(fields[2]):
            raise CorpusError(expected(where, "query id, passage id and a whole number", line))
        if int(fields[2]) > 0:
            empty = False
            yield where, fields[0], fields[1]
    if empty:
        msg = f"{path}: expected at least one score over 0, got none. Check the file."
        raise CorpusError(msg)


def _new_key(
    record: Mapping[str, Any],
    field: str,
    where: str,
    known: Mapping[str, str],
    kind: str = "passage",
) -> str:
    key = identifier(record, field, where)
    if key in known:
        raise CorpusError(expected(where, f"a new {kind} id", key))
    return key
