"""Unlabelled questions, such as a search log: no passages, sometimes a known short answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank._json_lines import expected, read_records, text_field
from wikirank.errors import CorpusError
from wikirank.train.data.pairs import encodable

_WORD = re.compile(r"[\w+#]+")  # C, C++ and C# are different words
_UNSPACED = re.compile(  # Thai, Lao, Burmese, Khmer, kana, Chinese characters
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_SAY_NOTHING = frozenset(("yes", "no", "true", "false"))


@dataclass(frozen=True, slots=True)
class Question:
    """A question without labelled passages.

    Attributes:
        text: Text of the question.
        answers: Known short answers, such as `Georgia`; mostly empty.
    """

    text: str
    answers: tuple[str, ...] = ()


def read_questions(path: Path | str) -> Iterator[Question]:
    """Read questions from JSON lines, plain or gzipped (`.gz`).

    Args:
        path: File of records `{"question"}`. `answer` (a string, or a list of right answers) is
            optional. Other fields are ignored.

    Yields:
        The questions in the file's order, without repetitions. Case, spaces and the mark at the
        end are ignored when questions are compared.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong. The
            message names the file and the line.
    """
    seen: set[str] = set()
    for where, record in read_records(Path(path)):
        text = encodable(text_field(record, "question", where).strip(), where)
        key = question_key(text)
        if key not in seen:
            seen.add(key)
            yield Question(text, _answers(record, where))


def question_key(text: str) -> str:
    """Normalise a question for comparison: no case, single spaces, no mark at the end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" ?!.") or text


def telling_answers(question: Question) -> list[str]:
    """Return the answers that identify a right passage, normalised for `holds_answer`.

    Yes and no are left out, and answers that the question contains itself.
    """
    plain_question = _plain(question.text)
    plain = (_plain(answer) for answer in question.answers)
    return [
        answer
        for answer in dict.fromkeys(plain)
        if answer and answer not in _SAY_NOTHING and not _holds(plain_question, answer)
    ]


def holds_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether a text contains an answer as whole words, ignoring case and punctuation.

    The answers come from `telling_answers`.
    """
    plain = _plain(text) if answers else ""
    return any(_holds(plain, answer) for answer in answers)


def _holds(plain: str, answer: str) -> bool:
    if _UNSPACED.search(answer):  # such scripts have no spaces between words
        return answer.replace(" ", "") in plain.replace(" ", "")
    return f" {answer} " in f" {plain} "


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _answers(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = record.get("answer")
    answers: Iterable[Any] = value if isinstance(value, list) else [value]
    if value is None or isinstance(value, bool):  # true and false mean yes and no
        return ()
    if not all(isinstance(answer, str) for answer in answers):
        raise CorpusError(expected(where, "a text or a list of texts in 'answer'", value))
    return tuple(encodable(answer, where) for answer in answers if answer.strip())
