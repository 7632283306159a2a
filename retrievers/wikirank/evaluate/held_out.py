"""The held-out queries of a model by `wikirank train --recipe wiki`, their candidates given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wikirank.errors import InvalidArgumentError
from wikirank.evaluate.candidates import FirstStage
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.train.data.candidate_lists import MISSED, CandidateList, read_candidate_lists
from wikirank.types import HEADING_SEPARATOR, Passage, RankedPassage, SearchType

TEST_LISTS = Path("data", "test.jsonl.gz")


class GivenCandidates:
    """Candidates that hybrid search found when the model was trained; nothing is searched.

    A candidate's text is taken as it was written: with its heading, unless the model was trained
    without. The dense and lexical orders are those of the scores that the candidates had, so they
    lack what hybrid search left out: their first ranks are right, their recall may be low.

    Args:
        lists: The number of a list, as a string, is the id of its query.
    """

    def __init__(self, lists: Sequence[CandidateList]) -> None:
        self._lists = lists

    @property
    def passages(self) -> int:
        """Number of different texts among the candidates."""
        return len({text for one in self._lists for text in one.candidates})

    @property
    def distractors(self) -> int:
        """None: every candidate is a passage of the data set."""
        return 0

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """The list of a query as it is, and in the orders of its dense and lexical scores."""
        candidate_list = self._lists[int(query)]
        dense = [index for index, score in enumerate(candidate_list.dense) if score is not None]
        lexical = [index for index, score in enumerate(candidate_list.lexical) if score is not None]
        orders: dict[SearchType, list[int]] = {
            "lexical": sorted(lexical, key=lambda index: -(candidate_list.lexical[index] or 0.0)),
            "dense": sorted(dense, key=lambda index: -(candidate_list.dense[index] or 0.0)),
            "hybrid": list(range(len(candidate_list.candidates))),
        }
        return {
            stage: FirstStage(
                _ranked(query, candidate_list, order[:depth], hybrid=stage == "hybrid"), {}
            )
            for stage, order in orders.items()
        }


def load_held_out(folder: Path) -> tuple[RetrievalDataset, GivenCandidates]:
    """Read the test split that a training run kept out.

    Args:
        folder: As `wikirank train --recipe wiki` writes it, finished or not.

    Returns:
        The data set, and the candidates of its queries. A query's style is its kind; the title of
        a passage is what stands before the first ` › ` in the first of several lines.

    Raises:
        InvalidArgumentError: If the folder holds no such split.
        CorpusError: If the split cannot be read, or a record is wrong.
    """
    file = folder / TEST_LISTS
    if not file.is_file():
        msg = (
            f"Expected a folder that `wikirank train --recipe wiki` wrote, with {TEST_LISTS} in "
            f"it, got {folder}."
        )
        raise InvalidArgumentError(msg)
    lists = list(read_candidate_lists(file))
    passages: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}
    for number, candidate_list in enumerate(lists):
        query = str(number)
        passages.update(
            {_id(query, index): text for index, text in enumerate(candidate_list.candidates)}
        )
        relevant[query] = {_id(query, candidate_list.positive_rank)}
        passages[_id(query, candidate_list.positive_rank)] = candidate_list.positive
    dataset = RetrievalDataset(
        queries={str(number): candidate_list.query for number, candidate_list in enumerate(lists)},
        passages=passages,
        relevant=relevant,
        titles={id_: title for id_, text in passages.items() if (title := _title(text))},
        kinds={
            str(number): candidate_list.style.replace("_", " ")
            for number, candidate_list in enumerate(lists)
        },
    )
    return dataset, GivenCandidates(lists)


def _ranked(
    query: str, candidate_list: CandidateList, order: Sequence[int], *, hybrid: bool
) -> list[RankedPassage]:
    return [
        RankedPassage(
            passage=Passage(id=_id(query, index), text=candidate_list.candidates[index]),
            rank=rank,
            rank_before=rank,
            dense_score=candidate_list.dense[index],
            lexical_score=candidate_list.lexical[index],
            # The lists keep the order that fusion gave, not its scores.
            fusion_score=1 / rank if hybrid else None,
        )
        for rank, index in enumerate(order, start=1)
    ]


def _id(query: str, place: int) -> str:
    return f"{query}-missed" if place == MISSED else f"{query}-{place}"


def _title(text: str) -> str:
    heading, line_break, _ = text.partition("\n")
    return heading.split(HEADING_SEPARATOR)[0] if line_break else ""
