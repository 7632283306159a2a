"""The cascade drops hopeless candidates; the others score as without a prefilter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from short_passages import QUERY, TEXTS

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.rank.cascade import survivors, with_first_stage
from wikirank.rank.protocol import Cascade
from wikirank.runtime.combination import DropRule, FirstStageScores
from wikirank.runtime.model_folder import bundled_model, is_model_folder
from wikirank.search.rerank import rerank_candidates
from wikirank.types import Passage, RankedPassage


def test_survivors_by_hand() -> None:
    logits = [1.0, 5.0, 3.0, 4.5, -2.0]
    assert survivors(logits, 1, DropRule(margin=0.0)) == [1]
    assert survivors(logits, 1, DropRule(margin=0.0, spare=0.2)) == [1, 3]  # Rounded up.
    assert survivors(logits, 1, DropRule(margin=2.0, spare=0.2)) == [1, 3, 2]
    assert survivors(logits, 2, DropRule(margin=0.0, spare=0.5)) == [1, 3, 2]
    assert survivors(logits, 2, DropRule(margin=4.0, spare=0.5)) == [1, 3, 2, 0]
    assert survivors([0.0] * 7, 1, DropRule(margin=9.0)) == [
        0,
        1,
        2,
        3,
        4,
    ]  # Five per wanted result.
    assert survivors([], 1, DropRule(margin=1.0, spare=1.0)) == []


@given(
    st.lists(st.floats(-20, 20, width=16), max_size=40),
    st.integers(1, 9),
    st.floats(0, 9, width=16),
)
def test_survivors_are_the_best(logits: list[float], top_n: int, margin: float) -> None:
    left = survivors(logits, top_n, DropRule(margin, spare=0.3))
    assert min(top_n, len(logits)) <= len(left) <= 5 * top_n
    others = [logit for index, logit in enumerate(logits) if index not in left]
    assert all(logits[index] >= other for index in left for other in others)


def test_the_first_stage_has_a_say_by_hand() -> None:
    rule = DropRule(margin=1.0, dense=2.0, lexical=3.0)
    # An unknown score counts as 0.
    first_stage = FirstStageScores(dense=[0.5, None, 0.1], lexical=[4.0, 8.0, None])
    got = with_first_stage(np.array([1.0, 0.0, 1.0]), first_stage, rule)
    np.testing.assert_allclose(got, [1 + 1.0 + 12.0, 0 + 0.0 + 24.0, 1 + 0.2 + 0.0])


@pytest.fixture(scope="module")
def model() -> CrossEncoder:
    return load_cross_encoder()


def test_survivors_keep_their_logit(model: CrossEncoder) -> None:
    whole = score_passages(model, QUERY, TEXTS)
    cascade = score_passages(model, QUERY, TEXTS, top_n=2)
    left = np.isfinite(cascade)
    assert 2 <= left.sum() < len(TEXTS)
    np.testing.assert_array_equal(cascade[left], whole[left])
    assert set(np.argsort(-whole)[:2]) <= set(np.flatnonzero(left))


def test_nothing_is_dropped_if_all_are_wanted(model: CrossEncoder) -> None:
    assert np.isfinite(score_passages(model, QUERY, TEXTS, top_n=len(TEXTS))).all()
    assert np.isfinite(score_passages(model, QUERY, TEXTS[:1], top_n=5)).all()


def test_of_long_passages_enough_are_left(model: CrossEncoder) -> None:
    long = [f"{text} " * 40 for text in TEXTS]  # at least three windows each
    whole, cascade = (score_passages(model, QUERY, long, top_n=top_n) for top_n in (None, 3))
    left = np.isfinite(cascade)
    assert 3 <= left.sum() < len(TEXTS)
    # Their hopeless windows are dropped too.
    assert (cascade[left] <= whole[left]).all()
    assert cascade.max() == whole.max()
    assert cascade.argmax() == whole.argmax()


def test_surviving_windows_by_hand(model: CrossEncoder) -> None:
    assert isinstance(model, Cascade)
    logits = [[9.0, 1.0, 3.0], [-1.0, -9.0], [0.0], [8.0, 2.5]]
    first = [np.array(windows) for windows in logits]
    going = model.survivors(first, top_n=2)  # The bundled margin is 6.
    assert [on.tolist() for on in going] == [
        [True, False, True],
        [False, False],
        [True],  # The third survives as the spare one.
        [True, False],
    ]
    # The first-stage score counts for all windows of a passage.
    first_stage = FirstStageScores([0.0, 0.0, 0.0, 5.0], [None] * 4)
    going = model.survivors(first, top_n=2, first_stage=first_stage)
    assert [on.tolist() for on in going[::3]] == [[True, False, False], [True, True]]


def hybrid_candidates(lexical: list[float]) -> list[RankedPassage]:
    """Return candidates of hybrid search with these BM25 scores."""
    return [
        RankedPassage(
            Passage(id=str(index), text=text, title="", source="s", article=str(index)),
            rank=index + 1,
            rank_before=index + 1,
            dense_score=0.3,
            lexical_score=score,
            fusion_score=0.01,
        )
        for index, (text, score) in enumerate(zip(TEXTS, lexical, strict=True))
    ]


def test_what_is_left_is_scored_as_if_nothing_had_been_dropped(model: CrossEncoder) -> None:
    # The best by BM25 is dropped, though the other BM25 scores are relative to its score.
    candidates = hybrid_candidates([1.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0])
    whole = {one.passage.id: one for one in rerank_candidates(QUERY, candidates, model)}
    cascade = rerank_candidates(QUERY, candidates, model, top_n=1)
    assert len(cascade) < len(candidates)
    assert "4" not in {one.passage.id for one in cascade}
    for one in cascade:
        assert one.relevance_score == whole[one.passage.id].relevance_score
    assert cascade[0].passage.id == min(whole.values(), key=lambda one: one.rank).passage.id


def test_candidates_that_the_first_stage_favours_survive(model: CrossEncoder) -> None:
    def going_on_with(dense: list[float | None]) -> set[int]:
        first_stage = FirstStageScores(dense, [None] * len(TEXTS))
        logits = score_passages(model, QUERY, TEXTS, top_n=1, first_stage=first_stage)
        return set(np.flatnonzero(np.isfinite(logits)).tolist())

    dropped = set(range(len(TEXTS))) - going_on_with([0.0] * len(TEXTS))
    one = min(dropped)
    assert one in going_on_with([5.0 if index == one else 0.0 for index in range(len(TEXTS))])


@pytest.mark.parametrize("top_n", [0, -1])
def test_none_wanted_is_refused(model: CrossEncoder, top_n: int) -> None:
    with pytest.raises(InvalidArgumentError, match="top_n to be 1 or more"):
        score_passages(model, QUERY, TEXTS, top_n=top_n)


@pytest.mark.parametrize("name", ["model.onnx", "first_pass.onnx"])
def test_each_network_is_checked(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(bundled_model("cross-encoder"), tmp_path / "model"))
    assert is_model_folder(folder)
    (folder / name).write_bytes(b"no network")
    with pytest.raises(ModelError, match=name):
        load_cross_encoder(folder)


def test_a_margin_out_of_range_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundled_model("cross-encoder"), tmp_path / "model"))
    fields = json.loads((folder / "wikirank.json").read_text("utf-8"))
    rule = {"margin": 2.0, "spare": 0.2, "dense": 0.0, "lexical": 0.0}
    for wrong in (
        {"alone": {**rule, "margin": -1}, "hybrid": None},
        {"alone": rule, "hybrid": {**rule, "dense": "much"}},
        {"alone": rule},
        {},
        3,
    ):
        fields["first_pass"] = wrong
        (folder / "wikirank.json").write_text(json.dumps(fields), "utf-8")
        with pytest.raises(ModelError, match="first_pass"):
            load_cross_encoder(folder)
