"""Train a prefilter for a real model, export it, choose its margin."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_passages import QUERY, TEXTS

from wikirank.rank import load_cross_encoder, score_passages
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.combination import DropRule
from wikirank.runtime.model_folder import read_model_folder
from wikirank.runtime.tokens import load_tokenizer

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]


def groups() -> list[Any]:
    from wikirank.train.data import TrainingGroup

    asked = {
        "Who eats herring?": TEXTS[0],
        "How is bread baked?": TEXTS[2],
        "What has four strings?": TEXTS[4],
        "Where does the river go?": TEXTS[6],
    }
    return [
        TrainingGroup(query, text, [TEXTS[(index * 2 + 3) % 8], TEXTS[(index * 2 + 5) % 8]], "pair")
        for index, (query, text) in enumerate(asked.items())
    ] * 6


OPTIONS = {"groups_per_step": 4, "warmup_steps": 2, "passages": 2, "epochs": 3}


@pytest.fixture(scope="module")
def run(pair_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose model has no prefilter yet."""
    from wikirank.train.data import CandidateList
    from wikirank.train.data.candidate_lists import write_candidate_lists
    from wikirank.train.data.groups import write_groups
    from wikirank.train.export.int8 import export_cross_encoder

    folder = tmp_path_factory.mktemp("run")
    export_cross_encoder(
        pair_model,
        folder / "onnx",
        model_id="cascade",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=128,
    )
    (folder / "README.md").write_text("# Model\n", "utf-8")
    (folder / "data").mkdir()
    write_groups(folder / "data" / "groups.jsonl.gz", groups())
    unknown = [None] * 8
    held = CandidateList(QUERY, "pair", TEXTS[0], TEXTS, 0, [*unknown], [*unknown])
    for part in ("dev", "test"):
        write_candidate_lists(folder / "data" / f"{part}.jsonl.gz", [held])
    return folder


@pytest.fixture(scope="module")
def words(run: Path) -> Any:
    import torch

    from wikirank.train.export.traced_graph import WORDS, TracedGraph

    graph = TracedGraph.read(read_model_folder(run / "onnx", kind="cross-encoder"))
    return torch.from_numpy(graph.parameters()[f"{WORDS}.weight"])


def fit(run: Path, words: Any, checkpoint: Path) -> Any:
    from wikirank.train.first_pass.fit import PrefilterHyperparameters, fit_prefilter, token_groups

    options = PrefilterHyperparameters(**OPTIONS)
    tokenizer = load_tokenizer(run / "onnx" / "tokenizer.json")
    made = token_groups(groups(), tokenizer, options)
    return fit_prefilter(words, made, options, checkpoint=checkpoint, progress=False)


@pytest.fixture(scope="module")
def network(run: Path, words: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fit(run, words, tmp_path_factory.mktemp("fit") / "first-pass.pt")


def sides(run: Path) -> list[tuple[list[int], list[int]]]:
    """Return the token ids of the query and of each text, as encoded in pairs."""
    tokenizer = load_tokenizer(run / "onnx" / "tokenizer.json")
    pairs = [tokenizer.encode(QUERY, text) for text in TEXTS]
    return [
        (
            [id_ for id_, side in zip(pair.ids, pair.type_ids, strict=True) if side == 0],
            [id_ for id_, side in zip(pair.ids, pair.type_ids, strict=True) if side == 1],
        )
        for pair in pairs
    ]


def logits_one_by_one(network: Any, run: Path) -> Any:
    import torch

    with torch.no_grad():
        return np.array(
            [
                float(network(torch.tensor([query]), torch.tensor([passage])))
                for query, passage in sides(run)
            ]
        )


def test_padding_changes_nothing(network: Any, run: Path) -> None:
    import torch

    given = sides(run)
    longest = max(len(passage) for _, passage in given) + 3
    query = torch.tensor([[*query, 0, 0] for query, _ in given])
    passage = torch.tensor([[*p, *[0] * (longest - len(p))] for _, p in given])
    with torch.no_grad():
        padded = network(query, passage, (query > 0).float(), (passage > 0).float())
    np.testing.assert_allclose(padded.numpy(), logits_one_by_one(network, run), atol=1e-4)


def test_training_puts_the_answer_first(network: Any, run: Path) -> None:
    assert logits_one_by_one(network, run).argmax() == 0


def test_groups_are_tokenised_as_pairs_and_cut(run: Path) -> None:
    from wikirank.train.first_pass.fit import PrefilterHyperparameters, token_groups

    options = PrefilterHyperparameters(query_length=4, passage_length=6)
    tokenizer = load_tokenizer(run / "onnx" / "tokenizer.json")
    [group] = token_groups(groups()[:1], tokenizer, options)
    assert group.query.tolist() == tokenizer.encode(groups()[0].query).ids[:4]
    positive = tokenizer.encode(groups()[0].positive).ids[1:7]  # without [CLS]
    assert group.passages[0].tolist() == positive
    assert [len(passage) for passage in group.passages] == [6, 6, 6]


def test_a_stopped_training_goes_on_to_the_same_weights(
    run: Path, words: Any, network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wikirank.train.first_pass import fit as training

    monkeypatch.setattr(training, "_STEPS_PER_CHECKPOINT", 5)
    step, done = training._Trainer.step, []

    def interrupted(trainer: Any, batch: Any) -> None:
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(batch)
        step(trainer, batch)

    monkeypatch.setattr(training._Trainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(run, words, tmp_path / "first-pass.pt")
    monkeypatch.setattr(training._Trainer, "step", step)
    again = fit(run, words, tmp_path / "first-pass.pt")
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert np.abs((one - other).detach().numpy()).max() < 1e-4


def test_margin_by_hand() -> None:
    from wikirank.train.data import CandidateList
    from wikirank.train.first_pass.margin import (
        CascadeScores,
        cascade_quality,
        choose_margin,
        lost_ndcg,
    )

    unknown = [None] * 10
    held = CandidateList("q", "pair", "p", ["p", *"abcdefghi"], 0, [*unknown], [*unknown])
    # The answer is first by the cross-encoder and ninth by the prefilter, 2.2 below its best.
    scores = CascadeScores(
        np.array([0.8, 3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4, 2.3, -9.0]),
        np.array([9.0, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
    )
    rule = DropRule(margin=2.0, spare=0.6)
    narrow = cascade_quality([held], [scores], rule, top_n=5)
    assert (narrow.survivors, narrow.ndcg, narrow.cascade_ndcg) == (8, 1.0, 0.0)
    wide = cascade_quality([held], [scores], DropRule(margin=2.5), top_n=5)
    assert (wide.survivors, wide.cascade_ndcg, wide.candidates) == (9, 1.0, 10)
    assert lost_ndcg([held], [scores], rule, top_n=5) == 1.0
    assert lost_ndcg([held], [scores], DropRule(margin=2.5), top_n=5) == 0.0
    assert choose_margin([held], [scores], rule, loss=0.9) == DropRule(margin=3.0, spare=0.6)
    assert choose_margin([held], [scores], rule, loss=1.0).margin == 0.0


def test_a_finished_run_gets_a_prefilter_once(run: Path, pair_model: Any) -> None:
    from wikirank.train.export.from_onnx import cross_encoder_from_onnx
    from wikirank.train.first_pass.fit import PrefilterHyperparameters
    from wikirank.train.first_pass.run import PrefilterAlone, train_prefilter

    before = score_passages(load_cross_encoder(run / "onnx"), QUERY, TEXTS)
    lines: list[str] = []
    record = train_prefilter(
        run,
        hyperparameters=PrefilterHyperparameters(**OPTIONS),
        progress=False,
        report=lines.append,
    )
    assert [one.top_n for one in record.alone] == [5, 10]
    assert record.hybrid == []  # The model has no combination.
    assert (
        record.alone[1].cascade_ndcg == record.alone[1].ndcg
    )  # With 8 candidates and a cut-off of 10, none is dropped.
    folder = read_model_folder(run / "onnx", kind="cross-encoder")
    assert folder.description.prefilter is not None
    assert asdict(folder.description.prefilter) == record.rules
    assert folder.description.model_id == "cascade"
    np.testing.assert_array_equal(
        score_passages(load_cross_encoder(run / "onnx"), QUERY, TEXTS), before
    )
    assert score_passages(PrefilterAlone(folder), QUERY, TEXTS).argmax() == 0
    assert "## Prefilter" in (run / "README.md").read_text("utf-8")
    assert len(lines) == 2
    assert asdict(train_prefilter(run, progress=False)) == asdict(record)
    rebuilt = cross_encoder_from_onnx(run / "onnx")  # It can be trained further.
    pairs = [(QUERY, text) for text in TEXTS]
    torch_logits = rebuilt.predict(pairs, show_progress_bar=False)
    assert np.abs(torch_logits - pair_model.predict(pairs, show_progress_bar=False)).max() < 0.1


def test_the_exported_network_is_the_trained_one(network: Any, run: Path, tmp_path: Path) -> None:
    from wikirank.runtime.session import Network
    from wikirank.train.first_pass.run import export_prefilter

    export_prefilter(network, tmp_path / "first_pass.onnx")
    exported = Network(tmp_path / "first_pass.onnx")
    got = [
        float(exported.run({"query_ids": np.array([query]), "passage_ids": np.array([passage])})[0])
        for query, passage in sides(run)
    ]
    expected = logits_one_by_one(network, run)
    assert np.ptp(expected) > 0.5
    assert np.abs(got - expected).max() < 0.15  # int8
