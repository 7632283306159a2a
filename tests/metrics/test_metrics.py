"""Metrics against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.metrics.ranking import (
    METRICS,
    average_precision,
    mean_metrics,
    ndcg,
    recall,
    reciprocal_rank,
    spearman,
)

RANKING = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("relevant", "k", "expected"),
    [
        ({"a"}, 5, 1.0),
        ({"c"}, 5, 1 / 3),
        ({"c", "e"}, 5, 1 / 3),  # the first relevant one counts
        ({"c"}, 2, 0.0),  # rank 3 is outside the first 2
        ({"z"}, 5, 0.0),
    ],
)
def test_reciprocal_rank(relevant: set[str], k: int, expected: float) -> None:
    assert reciprocal_rank(RANKING, relevant, k) == pytest.approx(expected)


def test_ndcg_discounts_by_log2_of_rank_plus_one() -> None:
    # relevant at ranks 2 and 4: 1/log2(3) + 1/log2(5) = 0.63093 + 0.43068 = 1.06161
    # ideal, ranks 1 and 2: 1/log2(2) + 1/log2(3) = 1 + 0.63093 = 1.63093
    assert ndcg(RANKING, {"b", "d"}, 5) == pytest.approx(1.06161 / 1.63093, abs=1e-5)


def test_ndcg_ideal_counts_relevant_ids_that_were_not_ranked() -> None:
    # found: rank 1 only, gain 1; ideal of two relevant ids: 1 + 1/log2(3)
    assert ndcg(RANKING, {"a", "z"}, 5) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_ndcg_ideal_is_cut_at_k() -> None:
    # three relevant ids, k = 2: both places are relevant, so the ranking is ideal
    assert ndcg(RANKING, {"a", "b", "c"}, 2) == pytest.approx(1.0)


def test_average_precision() -> None:
    # relevant at ranks 1, 3 and not at all: (1/1 + 2/3) / 3
    assert average_precision(RANKING, {"a", "c", "z"}, 5) == pytest.approx((1 + 2 / 3) / 3)
    # k = 2: only rank 1 counts, and at most 2 could: 1 / 2
    assert average_precision(RANKING, {"a", "c", "z"}, 2) == pytest.approx(1 / 2)


def test_recall() -> None:
    assert recall(RANKING, {"a", "c", "z"}, 5) == pytest.approx(2 / 3)
    assert recall(RANKING, {"a", "c", "z"}, 1) == pytest.approx(1 / 3)


def test_means_over_queries_count_a_query_without_ranking_as_zero() -> None:
    means = mean_metrics(
        {"q1": ["a", "b"], "q2": ["b", "a"]}, {q: {"a"} for q in ["q1", "q2", "q3"]}, 2
    )
    assert means["mrr@2"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert means["map@2"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert means["recall@2"] == pytest.approx(2 / 3)
    assert means["ndcg@2"] == pytest.approx((1 + 1 / math.log2(3) + 0) / 3)


@given(
    st.permutations(list("abcdefgh")),
    st.sets(st.sampled_from("abcdefghxyz"), min_size=1),
    st.integers(1, 12),
)
def test_metrics_are_in_the_unit_interval_and_best_for_the_ideal_ranking(
    ranking: list[str], relevant: set[str], k: int
) -> None:
    ideal = sorted(relevant) + [item for item in ranking if item not in relevant]
    for metric in METRICS.values():
        value = metric(ranking, relevant, k)
        assert 0 <= value <= metric(ideal, relevant, k) + 1e-12
    assert ndcg(ideal, relevant, k) == pytest.approx(1)
    assert average_precision(ideal, relevant, k) == pytest.approx(1)


@pytest.mark.parametrize("metric", METRICS.values())
@pytest.mark.parametrize(
    ("ranking", "relevant", "k"), [(["a"], {"a"}, 0), (["a"], set(), 1), (["a", "a"], {"a"}, 2)]
)
def test_bad_arguments_are_refused(metric, ranking, relevant, k) -> None:  # noqa: ANN001
    with pytest.raises(InvalidArgumentError):
        metric(ranking, relevant, k)


def test_means_refuse_no_queries_and_unknown_queries() -> None:
    with pytest.raises(InvalidArgumentError, match="at least one query"):
        mean_metrics({}, {}, 10)
    with pytest.raises(InvalidArgumentError, match="q2"):
        mean_metrics({"q2": ["a"]}, {"q1": {"a"}}, 10)


def test_spearman_by_hand() -> None:
    # ranks 1 2 3 4 and 1 2 4 3: 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15) = 0.8
    assert spearman([10, 20, 30, 40], [0.1, 0.2, 9.0, 0.3]) == pytest.approx(0.8)
    # ties share the mean rank: 1.5 1.5 3 against 1 2 3 gives sqrt(3)/2
    assert spearman([5, 5, 7], [1, 2, 3]) == pytest.approx(math.sqrt(3) / 2)


@given(st.lists(st.integers(-50, 50), min_size=2, unique=True))
def test_spearman_sees_only_the_order(values: list[int]) -> None:
    scores = np.array(values, dtype=np.float64)
    assert spearman(scores, np.exp(scores / 10)) == pytest.approx(1)
    assert spearman(scores, -scores) == pytest.approx(-1)


@pytest.mark.parametrize(("first", "second"), [([1], [2]), ([1, 2], [1, 2, 3]), ([1, 1], [1, 2])])
def test_spearman_refuses_what_it_is_not_defined_for(
    first: list[float], second: list[float]
) -> None:
    with pytest.raises(InvalidArgumentError):
        spearman(first, second)
