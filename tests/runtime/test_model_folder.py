"""Model folders are read only if complete and unchanged, and written atomically."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wikirank.embed import load_embedder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import load_cross_encoder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import bundled_model, read_model_folder, write_model_folder

FILES = ["model.onnx", "tokenizer.json", "wikirank.json"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the bundled embedder that tests may damage."""
    return Path(shutil.copytree(bundled_model("embedder"), tmp_path / "model"))


def edit_description(folder: Path, **fields: Any) -> None:
    file = folder / "wikirank.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **fields}), "utf-8")


def test_the_bundled_embedder_is_whole() -> None:
    folder = read_model_folder(bundled_model("embedder"), kind="embedder")
    assert folder.description == ModelDescription("embedder", "all-MiniLM-L6-v2-int8-1", 256)
    assert "Apache" in (folder.path / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_embedder(copied)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_one_flipped_bit_is_noticed(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(ModelError, match=rf"{name} with SHA-256 .* corrupt"):
        load_embedder(copied)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_cut_short_is_noticed(copied: Path, name: str) -> None:
    data = (copied / name).read_bytes()
    (copied / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="corrupt"):
        load_embedder(copied)


def test_a_model_of_another_kind_is_refused(copied: Path) -> None:
    with pytest.raises(ModelError, match=r"Expected a model of kind 'cross-encoder'.*'embedder'"):
        load_cross_encoder(copied)


@pytest.mark.parametrize("text", ["{", "[]", "null", "\udcff"])
def test_a_broken_description_is_refused(copied: Path, text: str) -> None:
    (copied / "wikirank.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=r"wikirank\.json"):
        load_embedder(copied)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "reranker"),
        ("kind", ["embedder"]),
        ("model_id", ""),
        ("model_id", 7),
        ("max_length", 0),
        ("max_length", True),
        ("max_length", 10**400),
        ("max_length", "256"),
        ("headings", "yes"),
        ("calibration", 1.0),
        ("calibration", {"scale": 0.0}),
        ("calibration", {"scale": 1.0, "shift": "0"}),
        ("calibration", {"scale": float("nan")}),
        ("calibration", {"scale": 10**400}),
        ("calibration", {"shift": -(10**4000)}),
        ("combination", {"logit": 0.0, "dense": 1.0, "lexical": 1.0, "shift": 0.0}),
        ("dense_combination", {"logit": 1.0, "dense": 1.0, "lexical": 1.0, "shift": 0.0}),
    ],
)
def test_a_field_out_of_range_is_named(copied: Path, field: str, value: Any) -> None:
    edit_description(copied, **{field: value})
    with pytest.raises(ModelError, match=f"got {field}="):
        load_embedder(copied)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        load_embedder(tmp_path / "nowhere")


def test_files_with_the_right_hash_must_still_be_models(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"not a network")
    description = ModelDescription("embedder", "garbage", 256)
    tokenizer = (bundled_model("embedder") / "tokenizer.json").read_text("utf-8")
    write_model_folder(tmp_path / "a", description, networks=[garbage], tokenizer_json=tokenizer)
    write_model_folder(tmp_path / "b", description, networks=[garbage], tokenizer_json="{}")
    with pytest.raises(ModelError, match="ONNX Runtime cannot open it"):
        load_embedder(tmp_path / "a")
    with pytest.raises(ModelError, match="Expected a tokenizer"):
        load_embedder(tmp_path / "b")


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    onnx = tmp_path / "some.onnx"
    onnx.write_bytes(b"bytes")
    description = ModelDescription("cross-encoder", "mine", 128, True, Calibration(1.5, -0.25))
    sha256 = write_model_folder(
        tmp_path / "made" / "model",
        description,
        networks=[onnx],
        tokenizer_json="{}",
        extra_files={"README.md": "A card.\n"},
    )
    folder = read_model_folder(tmp_path / "made" / "model", kind="cross-encoder")
    assert folder.description == description
    assert json.loads((folder.path / "wikirank.json").read_text("utf-8"))["sha256"] == sha256
    assert (folder.path / "README.md").read_text("utf-8") == "A card.\n"
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["model"]


def test_a_write_that_fails_leaves_the_earlier_model(copied: Path, tmp_path: Path) -> None:
    description = ModelDescription("embedder", "new", 256)
    with pytest.raises(FileNotFoundError):
        write_model_folder(copied, description, networks=[tmp_path / "absent"], tokenizer_json="{}")
    assert read_model_folder(copied, kind="embedder").description.model_id != "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_earlier_model_is_replaced_whole(copied: Path, tmp_path: Path) -> None:
    onnx = tmp_path / "some.onnx"
    onnx.write_bytes(b"bytes")
    write_model_folder(
        copied, ModelDescription("embedder", "new", 256), networks=[onnx], tokenizer_json="{}"
    )
    assert sorted(path.name for path in copied.iterdir()) == FILES


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(InvalidArgumentError, match="name another"):
        write_model_folder(
            tmp_path,
            ModelDescription("embedder", "new", 256),
            networks=[tmp_path / "thesis.txt"],
            tokenizer_json="{}",
        )
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "years of work"
