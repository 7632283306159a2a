"""Retrieval data sets: questions, passages, and which passages answer which question."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank.errors import CorpusError


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """Questions over a set of passages, with binary relevance.

    Attributes:
        queries: Query id to question.
        passages: Passage id to text.
        relevant: Query id to the ids of the passages that answer it; one entry a query.
    """

    queries: dict[str, str]
    passages: dict[str, str]
    relevant: dict[str, set[str]]


def load_retrieval_dataset(
    questions_file: str | Path, passages_file: str | Path
) -> RetrievalDataset:
    """Read a pair of JSON-lines files, plain or gzipped (`.gz`).

    Args:
        questions_file: Records `{"id", "question", "passage_id"}`; a question with several relevant
            passages has one record for each, with the same id and question.
        passages_file: Records `{"id", "text"}`. Ids are strings or integers, kept as strings.

    Returns:
        The data set.

    Raises:
        CorpusError: A file is missing, is not UTF-8 JSON lines, or holds no record; a record lacks
            a field, repeats an id, or names a passage that is not there.
    """
    passages: dict[str, str] = {}
    for where, record in _records(Path(passages_file)):
        key = _identifier(record, "id", where)
        if key in passages:
            raise CorpusError(_expected(where, "a new passage id", key))
        passages[key] = _text(record, "text", where)
    queries: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}
    for where, record in _records(Path(questions_file)):
        key, question = _identifier(record, "id", where), _text(record, "question", where)
        passage = _identifier(record, "passage_id", where)
        if passage not in passages:
            raise CorpusError(_expected(where, "the id of a passage in the passages file", passage))
        if queries.setdefault(key, question) != question:
            raise CorpusError(_expected(where, f"one question for id {key!r}", question))
        relevant.setdefault(key, set()).add(passage)
    return RetrievalDataset(queries, passages, relevant)


def _records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each record with the words that say where it stands: `file, line n`."""
    empty = True
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    empty = False
                    yield (
                        f"{path.name}, line {number}",
                        _record(line, f"{path.name}, line {number}"),
                    )
    except (OSError, EOFError, zlib.error) as err:
        msg = f"{path}: expected a readable .jsonl or .jsonl.gz file, got: {err}"
        raise CorpusError(msg) from err
    if empty:
        msg = f"{path}: expected at least one record, got none"
        raise CorpusError(msg)


def _record(line: bytes, where: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"))
    except ValueError as err:  # not UTF-8, or not JSON
        raise CorpusError(_expected(where, "a JSON object in UTF-8", str(err))) from err
    if not isinstance(record, dict):
        raise CorpusError(_expected(where, "a JSON object", type(record).__name__))
    return record


def _identifier(record: Mapping[str, Any], field: str, where: str) -> str:
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise CorpusError(_expected(where, f"a string or integer in {field!r}", value))
    return str(value)


def _text(record: Mapping[str, Any], field: str, where: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value.strip():
        raise CorpusError(_expected(where, f"a text in {field!r}", value))
    return value


def _expected(where: str, expected: str, got: object) -> str:
    return f"{where}: expected {expected}, got {got!r}; correct the record"
