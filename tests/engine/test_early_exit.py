"""An early exit: what has no chance is dropped, the rest scores as it would without it."""

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
from wikirank.rank.early_exit import going_on
from wikirank.runtime.model_folder import bundled_model, is_model_folder


def test_who_goes_on_by_hand() -> None:
    logits = [1.0, 5.0, 3.0, 4.5, -2.0]
    assert going_on(logits, best=1, margin=0.0) == [1, 3]  # One and a half, rounded up.
    assert going_on(logits, best=1, margin=2.0) == [1, 3, 2]
    assert going_on(logits, best=2, margin=0.0) == [1, 3, 2]
    assert going_on(logits, best=2, margin=4.0) == [1, 3, 2, 0]
    assert going_on([0.0] * 7, best=1, margin=9.0) == [0, 1, 2, 3, 4]  # At most five for each.
    assert going_on([], best=1, margin=1.0) == []


@given(
    st.lists(st.floats(-20, 20, width=16), max_size=40),
    st.integers(1, 9),
    st.floats(0, 9, width=16),
)
def test_the_best_go_on_and_nobody_is_better_than_they(
    logits: list[float], best: int, margin: float
) -> None:
    left = going_on(logits, best, margin)
    assert min(best, len(logits)) <= len(left) <= 5 * best
    others = [logit for at, logit in enumerate(logits) if at not in left]
    assert all(logits[at] >= other for at in left for other in others)


@pytest.fixture(scope="module")
def model() -> CrossEncoder:
    return load_cross_encoder()


def test_who_is_not_dropped_has_the_same_logit(model: CrossEncoder) -> None:
    whole = score_passages(model, QUERY, TEXTS)
    early = score_passages(model, QUERY, TEXTS, best=2)
    left = np.isfinite(early)
    assert 2 <= left.sum() < len(TEXTS)
    np.testing.assert_array_equal(early[left], whole[left])
    assert set(np.argsort(-whole)[:2]) <= set(np.flatnonzero(left))


def test_where_all_are_wanted_nobody_is_dropped(model: CrossEncoder) -> None:
    assert np.isfinite(score_passages(model, QUERY, TEXTS, best=len(TEXTS))).all()
    assert np.isfinite(score_passages(model, QUERY, TEXTS[:1], best=5)).all()


def test_of_long_passages_enough_are_left(model: CrossEncoder) -> None:
    long = [f"{text} " * 40 for text in TEXTS]  # three windows or more each
    whole, early = (score_passages(model, QUERY, long, best=best) for best in (None, 3))
    left = np.isfinite(early)
    assert left.sum() >= 3
    assert (early[left] <= whole[left]).all()
    assert early.argmax() == whole.argmax()


@pytest.mark.parametrize("best", [0, -1])
def test_none_wanted_is_refused(model: CrossEncoder, best: int) -> None:
    with pytest.raises(InvalidArgumentError, match="best to be 1 or more"):
        score_passages(model, QUERY, TEXTS, best=best)


@pytest.mark.parametrize("name", ["first_layers.onnx", "exit.onnx", "last_layers.onnx"])
def test_each_part_is_checked(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(bundled_model("cross-encoder"), tmp_path / "model"))
    assert is_model_folder(folder)
    (folder / name).write_bytes(b"no network")
    with pytest.raises(ModelError, match=name):
        load_cross_encoder(folder)


def test_a_margin_out_of_range_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundled_model("cross-encoder"), tmp_path / "model"))
    fields = json.loads((folder / "wikirank.json").read_text("utf-8"))
    for wrong in ({"margin": -1}, {"margin": "wide"}, {}, 3):
        fields["early_exit"] = wrong
        (folder / "wikirank.json").write_text(json.dumps(fields), "utf-8")
        with pytest.raises(ModelError, match="early_exit"):
            load_cross_encoder(folder)
