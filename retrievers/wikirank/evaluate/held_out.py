"""The held-out queries of `wikirank train --recipe wiki`, with their recorded candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wikirank.errors import InvalidArgumentError
from wikirank.evaluate.candidates import FirstStage
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.train.data.candidate_lists import MISSED, CandidateList, read_candidate_lists
from wikirank.types import HEADING_SEPARATOR, Passage, RankedPassage, SearchType

TEST_LISTS = Path("data", "test.jsonl.gz")


class RecordedCandidates:
    """Candidates that hybrid search found for the training run; nothing is searched.

    Texts are used as recorded: with the heading, unless the model was trained without. The dense
    and lexical orders come from the candidates' recorded scores, so they lack passages that hybrid
    search left out: their first ranks are right, but their recall may be too low.

    Args:
        lists: Candidate lists; the position of a list, as a string, is the id of its query.
    """

    def __init__(self, lists: Sequence[CandidateList]) -> None:
        self._lists = lists

    @property
    def passages(self) -> int:
        """Number of distinct texts among the candidates."""
        return len({text for item in self._lists for text in item.candidates})

    @property
    def distractors(self) -> int:
        """Always 0: every candidate is a passage of the data set."""
        return 0

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """Return the list of a query: unchanged, by dense score, and by lexical score."""
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


def load_held_out(folder: Path) -> tuple[RetrievalDataset, RecordedCandidates]:
    """Read the test split that a training run held out.

    Args:
        folder: The output folder of `wikirank train --recipe wiki`, finished or not.

    Returns:
        The data set, and the candidates of its queries. The kind of a query is its style. The title
        of a passage is the text before the first ` › ` in its heading line.

    Raises:
        InvalidArgumentError: If the folder has no such split.
        CorpusError: If the split cannot be read, or a record is invalid.
    """
    file = folder / TEST_LISTS
    if not file.is_file():
        msg = (
            f"Expected an output folder of `wikirank train --recipe wiki`, with {TEST_LISTS} in "
            f"it, got {folder}. Name another folder."
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
    return dataset, RecordedCandidates(lists)


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
            # The lists record the order after fusion, not the fusion scores.
            fusion_score=1 / rank if hybrid else None,
        )
        for rank, index in enumerate(order, start=1)
    ]


def _id(query: str, index: int) -> str:
    return f"{query}-missed" if index == MISSED else f"{query}-{index}"


def _title(text: str) -> str:
    heading, line_break, _ = text.partition("\n")
    return heading.split(HEADING_SEPARATOR)[0] if line_break else ""
