"""An early exit for the model of a finished run: trained, exported, its margin chosen, measured."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.errors import ModelError
from wikirank.rank import Calibration, CrossEncoder, score_passages
from wikirank.rank.onnx_cross_encoder import EarlyExitCrossEncoder
from wikirank.runtime.model_folder import ModelFolder, read_model_folder, rewrite_model_folder
from wikirank.runtime.session import Tokens
from wikirank.train.early_exit.export import EarlyExit
from wikirank.train.early_exit.fit import ExitHyperparameters, fit_exit
from wikirank.train.early_exit.margin import ExitQuality, ExitScores, choose_margin, exit_quality
from wikirank.train.run import MODEL_CARD, ONNX_FOLDER, Report
from wikirank.train.wiki.finish import DATA
from wikirank.train.wiki.groups import read_groups
from wikirank.train.wiki.heldout import CandidateList, read_candidate_lists

RECORD_FILE = "early_exit.json"
_LISTS = 600  # Enough to choose a margin and to measure it; each costs as much as 50 pairs.
_MEASURED_AT = (5, 10)


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """What came of it.

    Attributes:
        after: Layers before the exit.
        margin: Chosen on dev lists.
        hyperparameters: Of `ExitHyperparameters`.
        test: What the exit costs on test lists, for 5 and for 10 passages wanted.
    """

    after: int
    margin: float
    hyperparameters: dict[str, Any]
    test: list[ExitQuality]

    def summary(self) -> str:
        """The record in a few lines, for a terminal."""
        lines = [
            f"best {one.best} of {one.candidates:.0f} candidates: {one.going_on:.1f} go through "
            f"all layers, nDCG@{one.best} {one.early_ndcg:.4f} ({one.ndcg:.4f} without early exit)"
            for one in self.test
        ]
        return "\n".join([f"Early exit after {self.after} layers, margin {self.margin}.", *lines])


def give_early_exit(
    run: Path,
    *,
    after: int,
    hyperparameters: ExitHyperparameters | None = None,
    progress: bool = True,
    report: Report = lambda _: None,
) -> ExitRecord:
    """Train an early exit for a finished run's model and put it into the run's `onnx/`.

    The same call goes on from the last checkpoint where it was stopped, and only reads the record
    where it was finished.

    Args:
        run: The output folder of `train_wiki`.
        after: How many layers come before the exit.
        hyperparameters: How to train the head.
        progress: Whether to show a progress bar on standard error.
        report: Called with a sentence at each stage.

    Returns:
        The record, as saved in `early_exit.json`.

    Raises:
        ModelError: The run is not finished, or another exit was put in.
        InvalidArgumentError: The model is no BERT, or has too few layers.
    """
    from wikirank.rank.pair_pooling import load_torch_folder

    hyperparameters = hyperparameters or ExitHyperparameters()
    if (run / RECORD_FILE).is_file():
        return _read(run, after)
    checkpoint = run / f"early-exit-{after}.pt"
    folder = read_model_folder(run / ONNX_FOLDER, kind="cross-encoder")
    model = load_torch_folder(run, device="cpu")
    groups = list(read_groups(run / DATA / "groups.jsonl.gz"))
    report(f"Training an early exit after {after} layers.")
    head = fit_exit(
        model,
        groups,
        hyperparameters,
        after=after,
        checkpoint=checkpoint,
        progress=progress,
    )
    report("Choosing its margin on dev lists, and measuring it on test lists.")
    with tempfile.TemporaryDirectory() as scratch:
        exported = _export(model, folder, EarlyExit(head, after, margin=0.0), Path(scratch))
        scorers = EarlyExitCrossEncoder(exported), _ExitAlone(exported)
        dev = _some(read_candidate_lists(run / DATA / "dev.jsonl.gz"))
        margin = choose_margin(dev, _scores(dev, *scorers))
        test = _some(read_candidate_lists(run / DATA / "test.jsonl.gz"))
        scores = _scores(test, *scorers)
        described = replace(folder.description, exit_margin=margin)
        rewrite_model_folder(folder, described, networks=exported.networks)
    record = ExitRecord(
        after,
        margin,
        asdict(hyperparameters),
        [exit_quality(test, scores, margin=margin, best=best) for best in _MEASURED_AT],
    )
    (run / RECORD_FILE).write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
    with (run / MODEL_CARD).open("a", encoding="utf-8") as card:
        card.write(f"\n## Early exit\n\n{record.summary()}\n")
    checkpoint.unlink(missing_ok=True)
    return record


class _ExitAlone(EarlyExitCrossEncoder):
    """A cross-encoder whose logits are those of its early exit."""

    @override
    def _score(
        self, query: str, texts: Sequence[str], pairs: Sequence[Encoding]
    ) -> NDArray[np.float64]:
        return self._network.exit_logits(map(Tokens.of, pairs))


def _read(run: Path, after: int) -> ExitRecord:
    fields = json.loads((run / RECORD_FILE).read_text("utf-8"))
    if fields["after"] != after:
        msg = (
            f"{run} has an early exit after {fields['after']} layers, expected {after}. Export the "
            "model anew before it gets another."
        )
        raise ModelError(msg)
    return ExitRecord(**{**fields, "test": [ExitQuality(**one) for one in fields["test"]]})


def _export(model: Any, folder: ModelFolder, early_exit: EarlyExit, scratch: Path) -> ModelFolder:
    from wikirank.train.export import export_cross_encoder

    known = folder.description
    export_cross_encoder(
        model,
        scratch / ONNX_FOLDER,
        model_id=known.model_id,
        headings=known.headings,
        calibration=Calibration(known.scale, known.shift),
        max_length=known.max_length,
        early_exit=early_exit,
    )
    return read_model_folder(scratch / ONNX_FOLDER, kind="cross-encoder")


def _scores(
    lists: Sequence[CandidateList], whole: CrossEncoder, exit_alone: CrossEncoder
) -> list[ExitScores]:
    return [
        ExitScores(
            score_passages(exit_alone, held.query, held.candidates),
            score_passages(whole, held.query, held.candidates),
        )
        for held in lists
    ]


def _some(lists: Any) -> list[CandidateList]:
    """At most `_LISTS` of them, evenly spread, as they lie sorted by style."""
    held = list(lists)
    return held[:: -(-len(held) // _LISTS)]
