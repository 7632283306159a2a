"""Ranking texts by cross-encoder and embedder together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.embed import load_embedder
from wikirank.errors import InvalidArgumentError
from wikirank.rank import load_cross_encoder, rank_texts, score_passages
from wikirank.rank.protocol import PRUNED

QUERY = "When are herring caught?"
TEXTS = [
    "The lighthouse was built in 1821 and is painted amber.",
    "Herring\nHerring are caught at night with drift nets.",
    "Bread is kneaded so that its dough becomes elastic.",
    "A herring is a small fish that swims in shoals.",
    "   ",
]


def test_the_score_is_of_logit_and_cosine() -> None:
    model, embedder = load_cross_encoder(), load_embedder()
    combination = model.dense_combination
    assert combination is not None
    ranked = rank_texts(model, QUERY, TEXTS)
    logits = score_passages(model, QUERY, TEXTS)
    cosines = [*(embedder.embed_passages(TEXTS[:-1]) @ embedder.embed_query(QUERY)), 0.0]
    expected = [
        combination.logit * logit + combination.dense * cosine + combination.shift
        for logit, cosine in zip(logits, cosines, strict=True)
    ]
    assert ranked.logits.tolist() == logits.tolist()
    assert ranked.scores == pytest.approx(expected, abs=1e-5)
    assert ranked.relevance_scores == pytest.approx(1 / (1 + np.exp(-np.array(expected))), abs=1e-6)
    assert ranked.order == sorted(range(len(TEXTS)), key=lambda at: -expected[at])
    assert ranked.order[0] == 1


@settings(max_examples=10, deadline=None)
@given(positions=st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=6))
def test_a_score_does_not_depend_on_the_other_texts(positions: list[int]) -> None:
    model = load_cross_encoder()
    alone = rank_texts(model, QUERY, TEXTS).scores
    assert rank_texts(model, QUERY, [TEXTS[at] for at in positions]).scores == pytest.approx(
        alone[positions], abs=1e-9
    )


def test_without_interpolation_the_logit_decides() -> None:
    model = load_cross_encoder()
    ranked = rank_texts(model, QUERY, TEXTS, interpolate=False)
    assert ranked.scores.tolist() == ranked.logits.tolist()
    assert ranked.relevance_scores == pytest.approx(model.calibration.relevance(ranked.logits))


def test_known_cosines_are_taken() -> None:
    model = load_cross_encoder()
    low, high = (rank_texts(model, QUERY, TEXTS[:1], cosines=[cosine]) for cosine in (0.0, 1.0))
    assert model.dense_combination is not None
    assert high.scores[0] - low.scores[0] == pytest.approx(model.dense_combination.dense)


def test_what_the_prefilter_drops_is_neither_embedded_nor_ordered() -> None:
    model = load_cross_encoder()
    texts = [*TEXTS, *(f"Row {number} of a table of tides." for number in range(40))]
    ranked = rank_texts(model, QUERY, texts, top_n=1)
    dropped = ranked.logits == PRUNED
    assert 1 <= len(ranked.order) == len(texts) - dropped.sum() < len(texts)
    assert ranked.order[0] == 1
    assert not ranked.relevance_scores[dropped].any()


def test_no_texts_and_no_query() -> None:
    model = load_cross_encoder()
    assert rank_texts(model, QUERY, []).order == []
    with pytest.raises(InvalidArgumentError, match="query"):
        rank_texts(model, " ", TEXTS)
