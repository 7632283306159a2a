"""Train, export and measure a prefilter for the model of a finished run."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.rank import CrossEncoder, score_passages
from wikirank.rank.onnx_cross_encoder import CascadeCrossEncoder
from wikirank.runtime.combination import DropRule, DropRules, ScoreInterpolation
from wikirank.runtime.model_description import PREFILTER_FILE
from wikirank.runtime.model_folder import (
    ModelFolder,
    read_model_folder,
    rewrite_model_folder,
    write_model_folder,
)
from wikirank.runtime.tokens import load_tokenizer
from wikirank.train.data.candidate_lists import CandidateList, read_candidate_lists
from wikirank.train.data.groups import read_groups
from wikirank.train.export.traced_graph import WORDS, TracedGraph
from wikirank.train.export.tracing import quantise, quiet_export, trace_onnx
from wikirank.train.first_pass.fit import PrefilterHyperparameters, fit_prefilter, token_groups
from wikirank.train.first_pass.margin import (
    MEASURED_AT,
    CascadeQuality,
    CascadeScores,
    cascade_quality,
    choose_rules,
    in_hybrid,
)
from wikirank.train.first_pass.network import PrefilterNetwork
from wikirank.train.fit.run_folder import MODEL_CARD, ONNX_FOLDER, Report
from wikirank.train.wiki.finish import DATA


def export_prefilter(network: PrefilterNetwork, target: Path) -> None:
    """Write a trained prefilter to a file as int8 ONNX, for one pair per run."""
    fp32 = target.with_suffix(".fp32.onnx")
    example = {
        "query_ids": torch.ones(1, 5, dtype=torch.long),
        "passage_ids": torch.ones(1, 11, dtype=torch.long),
    }
    with quiet_export():
        trace_onnx(network, fp32, "logit", example)
        quantise(fp32, target, nodes=_large_nodes(network))
    fp32.unlink()


def _large_nodes(network: PrefilterNetwork) -> list[str]:
    """Return the nodes of the word vectors and of the products with every passage token.

    The other nodes are slower in int8.
    """
    return [
        *("/words/Gather", "/words_1/Gather", "/context/MatMul", "/context_1/MatMul"),
        *(
            f"/layers.{index}/{part}/MatMul"
            for index in range(len(network.layers))
            for part in ("key", "value")
        ),
    ]


RECORD_FILE = "first_pass.json"
_CHECKPOINT = "first-pass.pt"
# A margin depends on the few lists whose positive is dropped, so many lists are needed. Scoring a
# list takes as long as 50 pairs.
_MOST_LISTS = {"dev": 3000, "test": 600}


@dataclass(frozen=True, slots=True)
class PrefilterRecord:
    """A trained prefilter's record, as kept in `first_pass.json`.

    Attributes:
        hyperparameters: Fields of `PrefilterHyperparameters`.
        rules: Fields of `DropRules`, chosen on dev lists.
        alone: Quality on test lists if only the texts are known, for 5 and for 10 wanted passages.
        hybrid: Quality on test lists in hybrid search, for 5 and for 10 wanted passages; empty if
            the cross-encoder has no combination.
    """

    hyperparameters: dict[str, Any]
    rules: dict[str, Any]
    alone: list[CascadeQuality]
    hybrid: list[CascadeQuality]

    def summary(self) -> str:
        """Summarise the record in a few lines for a terminal."""
        named = [("texts alone", quality) for quality in self.alone]
        named += [("hybrid search", quality) for quality in self.hybrid]
        return "\n".join(
            f"{name}, best {q.top_n} of {q.candidates:.0f}: {q.survivors:.1f} reach the "
            f"cross-encoder, nDCG@{q.top_n} {q.cascade_ndcg:.4f} ({q.ndcg:.4f} if all do)"
            for name, q in named
        )


def train_prefilter(
    run: Path,
    *,
    data: Path | None = None,
    hyperparameters: PrefilterHyperparameters | None = None,
    progress: bool = True,
    report: Report = lambda _: None,
) -> PrefilterRecord:
    """Train a prefilter for a finished run's model and add it to the run's `onnx/`.

    If an earlier call was stopped, the same call resumes from its last checkpoint. If it was
    finished, the call only reads the record.

    Args:
        run: Output folder of `train_wiki`.
        data: Folder of `prepare_data` to train and measure on; None is the run's own data. Groups
            with many negatives give a better prefilter.
        hyperparameters: How to train; None is the defaults.
        progress: Whether to show progress bars on standard error.
        report: Called with a sentence at each stage.

    Returns:
        The record, as saved in `first_pass.json`.

    Raises:
        ModelError: If the run is not finished, or its network is not a BERT that we exported.
    """
    if (run / RECORD_FILE).is_file():
        return _read_record(run)
    options = hyperparameters or PrefilterHyperparameters()
    folder = read_model_folder(run / ONNX_FOLDER, kind="cross-encoder")
    data = data or run / DATA
    report("Training the prefilter.")
    network = _train(run, folder, data, options, progress=progress)
    report("Choosing what to drop on dev lists, and measuring it on test lists.")
    with tempfile.TemporaryDirectory() as scratch:
        exported = _export(network, folder, Path(scratch))
        scorers = CascadeCrossEncoder(exported), PrefilterAlone(exported)
        combination = scorers[0].combination
        dev, test = (
            _read_lists(data / f"{part}.jsonl.gz", most) for part, most in _MOST_LISTS.items()
        )
        rules = choose_rules(dev, _scores(dev, *scorers), combination)
        scores = _scores(test, *scorers)
        described = replace(folder.description, prefilter=rules)
        rewrite_model_folder(folder, described, networks=exported.networks)
    record = PrefilterRecord(
        asdict(options), asdict(rules), *_measure(test, scores, rules, combination)
    )
    (run / RECORD_FILE).write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
    with (run / MODEL_CARD).open("a", encoding="utf-8") as card:
        lines = record.summary().splitlines()
        card.write("\n## Prefilter\n\n" + "".join(f"- {line}\n" for line in lines))
    (run / _CHECKPOINT).unlink(missing_ok=True)
    return record


class PrefilterAlone(CascadeCrossEncoder):
    """A cross-encoder that returns its prefilter's logits."""

    @override
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        return self.prefilter_logits(pairs)


def _train(
    run: Path,
    folder: ModelFolder,
    data: Path,
    options: PrefilterHyperparameters,
    *,
    progress: bool,
) -> PrefilterNetwork:
    words = torch.from_numpy(TracedGraph.read(folder).parameters()[f"{WORDS}.weight"])
    groups = read_groups(data / "groups.jsonl.gz")
    return fit_prefilter(
        words,
        token_groups(groups, load_tokenizer(folder.tokenizer), options),
        options,
        checkpoint=run / _CHECKPOINT,
        progress=progress,
    )


def _read_record(run: Path) -> PrefilterRecord:
    fields = json.loads((run / RECORD_FILE).read_text("utf-8"))
    for name in ("alone", "hybrid"):
        fields[name] = [CascadeQuality(**quality) for quality in fields[name]]
    return PrefilterRecord(**fields)


def _export(network: PrefilterNetwork, folder: ModelFolder, scratch: Path) -> ModelFolder:
    """Write the model with its prefilter to a temporary folder."""
    file = scratch / PREFILTER_FILE
    export_prefilter(network, file)
    write_model_folder(
        scratch / ONNX_FOLDER,
        replace(folder.description, prefilter=DropRules(DropRule(0.0))),
        networks=[folder.network, file],
        tokenizer_json=folder.tokenizer.read_text("utf-8"),
    )
    return read_model_folder(scratch / ONNX_FOLDER, kind="cross-encoder")


def _scores(
    lists: Sequence[CandidateList], cross_encoder: CrossEncoder, prefilter: CrossEncoder
) -> list[CascadeScores]:
    return [
        CascadeScores(
            score_passages(prefilter, candidate_list.query, candidate_list.candidates),
            score_passages(cross_encoder, candidate_list.query, candidate_list.candidates),
        )
        for candidate_list in lists
    ]


def _measure(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    rules: DropRules,
    combination: ScoreInterpolation | None,
) -> tuple[list[CascadeQuality], list[CascadeQuality]]:
    """Measure the prefilter on texts alone, and in hybrid search."""

    def quality(scores: Sequence[CascadeScores], rule: DropRule) -> list[CascadeQuality]:
        return [cascade_quality(lists, scores, rule, top_n=top_n) for top_n in MEASURED_AT]

    alone = quality(scores, rules.alone)
    if combination is None or rules.hybrid is None:
        return alone, []
    return alone, quality(in_hybrid(lists, scores, rules.hybrid, combination), rules.hybrid)


def _read_lists(file: Path, most: int) -> list[CandidateList]:
    """Read at most `most` candidate lists, evenly spread because the file is sorted by style."""
    lists = list(read_candidate_lists(file))
    return lists[:: math.ceil(len(lists) / most)]
