"""`wikirank calibrate`: probabilities for any reranker, saved where loading finds them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hub_layout import COMMIT, bundled_in_hub_layout, copy_to_hub_cache
from huggingface_hub import constants
from typer.testing import CliRunner

from wikirank._cache_folder import CACHE_VARIABLE
from wikirank.cli import app
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import load, load_cross_encoder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.kept_calibration import calibration_file, save_calibration
from wikirank.runtime.model_folder import bundled_model

WORDS = ["dew", "frost", "violin", "basalt", "heron", "copper", "lichen", "monsoon", "quartz"]


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    """Command-line options for questions that one passage each answers."""
    passages = [
        {"id": f"{word}{i}", "title": word, "text": f"{word.title()} number {i} is of kind {i}."}
        for word in WORDS
        for i in range(2)
    ]
    questions = [
        {
            "id": passage["id"],
            "question": f"What is {passage['title']} number {passage['id'][-1]}?",
            "passage_id": passage["id"],
        }
        for passage in passages
    ]
    options = []
    for name, records in (("questions", questions), ("passages", passages)):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join(map(json.dumps, records)), "utf-8")
        options += [f"--{name}", str(file)]
    return options


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A copy of the bundled model with an uninformative calibration."""
    folder = shutil.copytree(bundled_model("cross-encoder"), tmp_path / "ours")
    file = folder / "wikirank.json"
    fields = json.loads(file.read_text("utf-8"))
    fields.update(model_id="ours", calibration={"scale": 1.0, "shift": 8.0})
    file.write_text(json.dumps(fields), "utf-8")
    return folder


@pytest.fixture
def in_hub_layout(tmp_path: Path) -> Path:
    """The bundled network in the layout of the hub."""
    return bundled_in_hub_layout(tmp_path / "hub-layout", "cross-encoder")


def calibrated(*arguments: str) -> dict[str, Any]:
    run = CliRunner().invoke(app, ["calibrate", *arguments, "-q", "--json"])
    assert run.exit_code == 0, run.exception or run.output
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def fresh_calibration(model: str | Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    """Return the calibration of a model, loaded as in a new process."""
    monkeypatch.setattr(load, "_loaded", {})
    return load_cross_encoder(model).calibration


def test_a_model_folder_of_ours(
    ours: Path, data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = calibrated("--model", str(ours), *data)
    assert fit["file"] == str(ours / "wikirank.json")
    assert fit["relevant"] >= 10
    assert fit["pairs"] > fit["relevant"]
    assert fit["error_after"] < fit["error_before"]  # before, all were taken as relevant
    assert fresh_calibration(ours, monkeypatch) == Calibration(**fit["calibration"])


def test_a_folder_in_the_hubs_layout(
    in_hub_layout: Path, data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        fresh_calibration(in_hub_layout, monkeypatch) == Calibration()
    )  # the model's own activation
    fit = calibrated("--model", str(in_hub_layout), *data)
    assert fit["file"] == str(in_hub_layout / "wikirank-calibration.json")
    assert fresh_calibration(in_hub_layout, monkeypatch) == Calibration(**fit["calibration"])


def test_a_hub_id_is_kept_in_a_cache_of_ours(
    in_hub_layout: Path, data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_to_hub_cache(tmp_path / "hf", in_hub_layout, "someone/reranker", weights=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setenv("WIKIRANK_CACHE", str(tmp_path / "cache"))
    fit = calibrated("--model", "someone/reranker", *data)
    kept = tmp_path / "cache" / "calibrations" / "someone--reranker.json"
    assert fit["file"] == str(kept)
    assert fresh_calibration("someone/reranker", monkeypatch) == Calibration(**fit["calibration"])
    snapshot = tmp_path / "hf" / "hub" / "models--someone--reranker" / "snapshots" / COMMIT
    assert not (snapshot / "wikirank-calibration.json").exists()
    kept.write_text("{}", "utf-8")
    with pytest.raises(ModelError, match="Expected a calibration in"):
        fresh_calibration("someone/reranker", monkeypatch)


def test_where_calibrations_of_hub_ids_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIKIRANK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "wikirank" / "calibrations"
    assert calibration_file("a/b") == folder / "a--b.json"
    assert calibration_file("a/b", "v1") == folder / "a--b@v1.json"
    written = save_calibration(Calibration(2.0, -1.0), "a/b", "v1")
    assert json.loads(written.read_text("utf-8")) == {"calibration": {"scale": 2.0, "shift": -1.0}}


def test_the_bundled_model_is_calibrated(data: list[str]) -> None:
    run = CliRunner().invoke(app, ["calibrate", "--model", "bundled", *data])
    assert isinstance(run.exception, InvalidArgumentError)


def test_too_few_questions(ours: Path, data: list[str]) -> None:
    run = CliRunner().invoke(app, ["calibrate", "--model", str(ours), *data, "--every", "9", "-q"])
    assert isinstance(run.exception, InvalidArgumentError)
    assert "Give more questions" in str(run.exception)
    assert "8.0" in (ours / "wikirank.json").read_text("utf-8")


def test_a_calibration_where_it_was_kept_before_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "mine"))
    calibration = Calibration(scale=2.0, shift=-0.5)
    former = tmp_path / ".cache" / "wikirank" / "calibrations" / "someone--reranker.json"
    former.parent.mkdir(parents=True)
    former.write_text(json.dumps({"calibration": asdict(calibration)}), "utf-8")
    assert calibration_file("someone/reranker") == former
    former.rename(former.with_suffix(".old"))
    kept = save_calibration(calibration, "someone/reranker")
    assert kept == tmp_path / "mine" / "calibrations" / "someone--reranker.json"
    former.with_suffix(".old").rename(former)
    assert calibration_file("someone/reranker") == kept
