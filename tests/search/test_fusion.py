from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.search.fusion import reciprocal_rank_fusion

rankings = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20), max_size=4)


def test_scores_by_hand() -> None:
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]], k=60)
    assert [item for item, _ in fused] == ["b", "a", "c"]
    assert dict(fused) == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_ties_go_to_the_earlier_ranking() -> None:
    assert [item for item, _ in reciprocal_rank_fusion([["x"], ["y"]])] == ["x", "y"]


def test_nothing_gives_nothing() -> None:
    assert reciprocal_rank_fusion([]) == []
    assert reciprocal_rank_fusion([[], []]) == []


@given(rankings)
def test_keeps_every_item_once_best_first(given_rankings: list[list[int]]) -> None:
    fused = reciprocal_rank_fusion(given_rankings)
    items = [item for item, _ in fused]
    scores = [score for _, score in fused]
    assert sorted(items) == sorted({item for ranking in given_rankings for item in ranking})
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.integers(), unique=True, max_size=30))
def test_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [item for item, _ in reciprocal_rank_fusion([ranking])] == ranking
    assert [item for item, _ in reciprocal_rank_fusion([ranking, ranking])] == ranking


@given(rankings, st.integers(0, 30))
def test_a_better_rank_never_lowers_an_item(given_rankings: list[list[int]], item: int) -> None:
    others = [[other for other in ranking if other != item] for ranking in given_rankings]
    last = [[*ranking, item] for ranking in others]
    first = [[item, *ranking] for ranking in others]
    assert dict(reciprocal_rank_fusion(first)).get(item, 0) >= dict(
        reciprocal_rank_fusion(last)
    ).get(item, 0)
