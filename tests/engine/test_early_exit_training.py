"""Training an early exit for a real model, exporting it in parts, choosing its margin."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_passages import QUERY, TEXTS

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import Calibration, load_cross_encoder
from wikirank.rank.early_exit import EarlyExitNetwork
from wikirank.runtime.model_folder import read_model_folder
from wikirank.runtime.session import Tokens

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]


def groups() -> list[Any]:
    from wikirank.train.wiki import TrainingGroup

    asked = {
        "Who eats herring?": TEXTS[0],
        "How is bread baked?": TEXTS[2],
        "What has four strings?": TEXTS[4],
        "Where does the river go?": TEXTS[6],
    }
    return [
        TrainingGroup(query, text, [TEXTS[(at * 2 + 3) % 8], TEXTS[(at * 2 + 5) % 8]], "pair")
        for at, (query, text) in enumerate(asked.items())
    ] * 12


def fit(pair_model: Any, checkpoint: Path) -> Any:
    from wikirank.train.early_exit.fit import ExitHyperparameters, fit_exit

    options = ExitHyperparameters(groups_per_step=4, warmup_steps=2, seed=1)
    return fit_exit(
        pair_model,
        groups(),
        options,
        after=2,
        checkpoint=checkpoint,
        progress=False,
    )


@pytest.fixture(scope="module")
def head(pair_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fit(pair_model, tmp_path_factory.mktemp("fit") / "exit.pt")


@pytest.fixture(scope="module")
def exported(pair_model: Any, head: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wikirank.train.early_exit.export import EarlyExit
    from wikirank.train.export import export_cross_encoder

    folder = tmp_path_factory.mktemp("exported") / "model"
    export(export_cross_encoder, pair_model, folder, early_exit=EarlyExit(head, 2, 1.5))
    return folder


def export(export: Any, pair_model: Any, folder: Path, **more: Any) -> None:
    export(
        pair_model,
        folder,
        model_id="exits",
        headings=True,
        calibration=Calibration(),
        max_length=128,
        **more,
    )


def exit_logits(folder: Path) -> Any:
    tokenizer = load_cross_encoder(folder).tokenizer
    pairs = [Tokens.of(tokenizer.encode(QUERY, text)) for text in TEXTS]
    return EarlyExitNetwork(read_model_folder(folder, kind="cross-encoder")).exit_logits(pairs)


def test_what_goes_through_all_layers_scores_as_without_exit(
    pair_model: Any, exported: Path, tmp_path: Path
) -> None:
    from wikirank.train.export import export_cross_encoder

    export(export_cross_encoder, pair_model, tmp_path / "whole")
    whole, parts = (load_cross_encoder(f) for f in (tmp_path / "whole", exported))
    np.testing.assert_allclose(parts.logits(QUERY, TEXTS), whole.logits(QUERY, TEXTS), atol=1e-5)


def test_the_exported_exit_is_the_trained_one(pair_model: Any, head: Any, exported: Path) -> None:
    import torch

    given = pair_model.tokenizer([QUERY] * 8, TEXTS, padding=True, return_tensors="pt")
    layers = []
    hook = pair_model.model.encoder.layer[1].register_forward_hook(
        lambda _module, _inputs, output: layers.append(output)
    )
    with torch.no_grad():
        pair_model.model(**given)
        hook.remove()
        states = layers[0][0] if isinstance(layers[0], tuple) else layers[0]
        expected = head(states, given["attention_mask"], given["token_type_ids"])
    got = exit_logits(exported)
    assert np.ptp(got) > 0.5
    assert np.abs(got - expected.numpy()).max() < 0.15  # int8


def test_training_puts_the_answer_first(exported: Path) -> None:
    assert exit_logits(exported).argmax() == 0


def test_a_stopped_training_goes_on_to_the_same_head(
    pair_model: Any, head: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wikirank.train.early_exit import fit as training

    monkeypatch.setattr(training, "_EACH_SAVED", 5)
    step, done = training._Trainer.step, []

    def interrupted(trainer: Any, batch: Any) -> None:
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(batch)
        step(trainer, batch)

    monkeypatch.setattr(training._Trainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(pair_model, tmp_path / "exit.pt")
    monkeypatch.setattr(training._Trainer, "step", step)
    again = fit(pair_model, tmp_path / "exit.pt")
    for one, other in zip(head.parameters(), again.parameters(), strict=True):
        assert np.abs((one - other).detach().numpy()).max() < 1e-4


def test_too_many_layers_before_it_are_refused(pair_model: Any, tmp_path: Path) -> None:
    from wikirank.train.early_exit.fit import ExitHyperparameters, fit_exit

    for after in (0, 6):
        with pytest.raises(InvalidArgumentError, match="after 1 to 5 layers of BertModel"):
            fit_exit(
                pair_model,
                groups(),
                ExitHyperparameters(),
                after=after,
                checkpoint=tmp_path / "exit.pt",
                progress=False,
            )


def test_a_model_with_an_exit_can_be_trained_further(pair_model: Any, exported: Path) -> None:
    from wikirank.train.from_onnx import cross_encoder_from_onnx

    rebuilt = cross_encoder_from_onnx(exported)
    pairs = [(QUERY, text) for text in TEXTS]
    before, after = (one.predict(pairs, show_progress_bar=False) for one in (pair_model, rebuilt))
    assert np.abs(before - after).max() < 0.1


def test_margin_by_hand() -> None:
    from wikirank.train.early_exit.margin import ExitScores, choose_margin, exit_quality
    from wikirank.train.wiki import CandidateList

    unknown = [None] * 10
    held = CandidateList("q", "pair", "p", ["p", *"abcdefghi"], 0, [*unknown], [*unknown])
    # The answer is best by all layers, ninth by the first ones, 2.2 below the best.
    scores = ExitScores(
        np.array([0.8, 3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4, 2.3, -9.0]),
        np.array([9.0, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
    )
    narrow = exit_quality([held], [scores], margin=2.0, best=5)
    assert (narrow.going_on, narrow.ndcg, narrow.early_ndcg) == (8, 1.0, 0.0)
    wide = exit_quality([held], [scores], margin=2.5, best=5)
    assert (wide.going_on, wide.early_ndcg, wide.candidates) == (9, 1.0, 10)
    assert choose_margin([held], [scores]) == 2.5


def test_a_finished_run_gets_an_exit_once(pair_model: Any, tmp_path: Path) -> None:
    from wikirank.train.early_exit.fit import ExitHyperparameters
    from wikirank.train.early_exit.run import give_early_exit
    from wikirank.train.export import export_cross_encoder
    from wikirank.train.wiki import CandidateList
    from wikirank.train.wiki.groups import write_groups
    from wikirank.train.wiki.heldout import write_candidate_lists

    pair_model.save_pretrained(str(tmp_path), create_model_card=False)
    export(export_cross_encoder, pair_model, tmp_path / "onnx")
    (tmp_path / "README.md").write_text("# Model\n", "utf-8")
    (tmp_path / "data").mkdir()
    write_groups(tmp_path / "data" / "groups.jsonl.gz", groups())
    unknown = [None] * 8
    held = CandidateList(QUERY, "pair", TEXTS[0], TEXTS, 0, [*unknown], [*unknown])
    for part in ("dev", "test"):
        write_candidate_lists(tmp_path / "data" / f"{part}.jsonl.gz", [held])
    options = ExitHyperparameters(groups_per_step=4, warmup_steps=2)
    lines: list[str] = []
    record = give_early_exit(
        tmp_path, after=2, hyperparameters=options, progress=False, report=lines.append
    )
    assert [one.best for one in record.test] == [5, 10]
    assert record.test[1].early_ndcg == record.test[1].ndcg  # Of 8, none is dropped for 10.
    described = read_model_folder(tmp_path / "onnx", kind="cross-encoder").description
    assert (described.exit_margin, described.model_id) == (record.margin, "exits")
    assert "Early exit after 2 layers" in (tmp_path / "README.md").read_text("utf-8")
    assert len(lines) == 2
    again = give_early_exit(tmp_path, after=2, progress=False)
    assert asdict(again) == asdict(record)
    with pytest.raises(ModelError, match="after 2 layers, expected 3"):
        give_early_exit(tmp_path, after=3, progress=False)
