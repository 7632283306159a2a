"""The benchmark of human questions: how rankings are judged."""

from __future__ import annotations

import pytest
from search_questions import Copies, judged

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.types import Passage, RankedPassage

YARD = "The yard is an English unit of length that comprises 3 feet or 36 inches."
COPY = "The yard is a unit of length in the English system, which is 3 feet or 36 inches."
OTHER = "The metre is the base unit of length in the International System of Units."


def candidate(id_: str, text: str = "", score: float = 0.0) -> RankedPassage:
    return RankedPassage(Passage(id_, text), rank=1, rank_before=1, relevance_score=score)


def test_copies_in_other_words_are_added() -> None:
    dataset = RetrievalDataset(
        queries={"q": "How long is a yard?"},
        passages={"yard": YARD, "copy": COPY, "other": OTHER},
        titles={},
        relevant={"q": {"yard"}},
    )
    candidates = [candidate("copy", COPY), candidate("other", OTHER)]
    copies = Copies(dataset, least=0.9)
    assert copies.added({"yard"}, candidates) == {"yard", "copy"}


def test_judged_by_hand() -> None:
    best_to_worst = [candidate("a", score=0.9), candidate("b", score=0.4), candidate("c")]
    orders = {"dense": best_to_worst[::-1], "final": best_to_worst}
    answered = judged(orders, {"b"}, [{"a", "b", "c"}, {"a", "c"}])
    assert answered.reciprocal_ranks == {"dense": 1 / 2, "final": 1 / 2}
    assert answered.scores.tolist() == [0.9, 0.4, 0.0]
    assert answered.relevant.tolist() == [False, True, False]
    # The second prefilter drops the relevant passage: all of its gain, 1 / log2(3), is lost.
    assert answered.lost == (0.0, pytest.approx(0.63093))
