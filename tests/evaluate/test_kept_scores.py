"""Cached logits of an evaluation: never scored twice, never those of another model."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Encoding

from wikirank.errors import InvalidArgumentError
from wikirank.evaluate.kept_scores import CachedCrossEncoder
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.rank.onnx_cross_encoder import CascadeCrossEncoder
from wikirank.runtime.model_folder import bundled_model, read_model_folder

QUERY = "Who hunts herring?"
TEXTS = ["Cod and seals hunt herring.", "Bread is a food.", "A violin has four strings."]


class Counting(CascadeCrossEncoder):
    """The bundled model, with a record of the pairs it scored."""

    def __init__(self) -> None:
        super().__init__(read_model_folder(bundled_model("cross-encoder"), kind="cross-encoder"))
        self.asked: list[str] = []

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        self.asked += [self.tokenizer.decode(pair.ids) for pair in pairs]
        return super().logits(pairs)


def test_no_pair_is_scored_twice(tmp_path: Path) -> None:
    file = tmp_path / "logits.db"
    expected = score_passages(load_cross_encoder(), QUERY, TEXTS)
    first = score_passages(CachedCrossEncoder(Counting(), file), QUERY, TEXTS[:2])
    model = Counting()
    kept = CachedCrossEncoder(model, file)
    model.asked.clear()  # the probe
    assert score_passages(kept, QUERY, [TEXTS[2], *TEXTS[:2], TEXTS[0]]) == pytest.approx(
        expected[[2, 0, 1, 0]], abs=1e-6
    )
    assert model.asked == ["who hunts herring? a violin has four strings."]
    assert score_passages(kept, QUERY, TEXTS[:2]) == pytest.approx(first, abs=0)
    assert score_passages(kept, "Who hunts seals?", TEXTS[:1]).shape == (1,)
    assert model.asked[1:] == ["who hunts seals? cod and seals hunt herring."]
    # The same words split differently between query and passage are another pair.
    assert score_passages(kept, "Who hunts seals? Cod", ["and seals hunt herring."]).shape == (1,)
    assert len(model.asked) == 3
    assert kept.logits([]).shape == (0,)


def test_long_passages_are_scored_in_windows_all_the_same(tmp_path: Path) -> None:
    kept = CachedCrossEncoder(load_cross_encoder(), tmp_path / "logits.db")
    long = [TEXTS[0], "Bread is a food. " * 120]
    expected = score_passages(load_cross_encoder(), QUERY, long)
    for _ in range(2):
        assert score_passages(kept, QUERY, long) == pytest.approx(expected, abs=1e-6)


def test_another_model_of_the_same_name_finds_none(onnx_reranker: Path, tmp_path: Path) -> None:
    file = tmp_path / "logits.db"
    folder = tmp_path / "renamed"
    shutil.copytree(onnx_reranker, folder)
    description = folder / "wikirank.json"
    bundled = load_cross_encoder()
    text = description.read_text("utf-8").replace("minilm-new-head", bundled.model_id)
    length = f'"max_length": {bundled.max_length}'
    description.write_text(text.replace('"max_length": 512', length), "utf-8")
    other = load_cross_encoder(folder)
    assert (other.model_id, other.max_length) == (bundled.model_id, bundled.max_length)
    score_passages(CachedCrossEncoder(bundled, file), QUERY, TEXTS)
    assert score_passages(CachedCrossEncoder(other, file), QUERY, TEXTS) == pytest.approx(
        score_passages(other, QUERY, TEXTS), abs=1e-6
    )


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Mine.")
    with pytest.raises(InvalidArgumentError, match="kept scores"):
        CachedCrossEncoder(load_cross_encoder(), file)
    assert file.read_text() == "Mine."
    with pytest.raises(InvalidArgumentError, match="can be written"):
        CachedCrossEncoder(load_cross_encoder(), tmp_path / "none" / "logits.db")
