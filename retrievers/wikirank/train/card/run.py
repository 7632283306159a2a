"""Run the card's recipe, from the corpus to the finished model folder.

The output folder holds the sentence-transformers model, `onnx/` (the int8 model folder, which runs
without torch), `README.md` (the model card), `training.json` and `run.json`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from wikirank.errors import InvalidArgumentError
from wikirank.train.card.data import MAX_LENGTH, N_WINDOWS, SEED, CardPairs, card_pairs
from wikirank.train.card.evaluation import overlap_samples, wiki_eval_samples
from wikirank.train.card.model_card import model_card
from wikirank.train.card.record import DataRecord, OverlapRecord, TrainingRecord, describe_data
from wikirank.train.extra import require_train_extra
from wikirank.train.fit.history import LabelledPair, OnnxRecord
from wikirank.train.fit.run_folder import (
    CHECKPOINTS,
    MODEL_CARD,
    ONNX_FOLDER,
    PACKAGES,
    Report,
    claim_run_folder,
    last_checkpoint,
)
from wikirank.types import Article

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from wikirank.train.fit.base import Base


def run_identity(
    pairs: Sequence[LabelledPair], base: dict[str, Any], hyperparameters: dict[str, Any]
) -> dict[str, Any]:
    """Return everything that must stay the same for a run to be resumed; JSON-serialisable."""
    data = json.dumps([asdict(pair) for pair in pairs], ensure_ascii=False)
    digest = hashlib.sha256(data.encode()).hexdigest()
    return {"data_sha256": digest, "base": base, "hyperparameters": hyperparameters}


MODEL_ID = "langchain-wikirank/card-minilm-l6"


@dataclass(frozen=True, slots=True)
class CardOptions:
    """Options of the recipe. The defaults are the card's.

    Attributes:
        n_windows: Number of windows to draw, 3 or more. Each gives two pairs.
        epochs: Passes over the training pairs, 1 or more.
        seed: Seed of the data, of a new head, and of training.
        model_id: Name of the model.
    """

    n_windows: int = N_WINDOWS
    epochs: int = 3
    seed: int = SEED
    model_id: str = MODEL_ID


def train_card(
    corpus: Iterable[Article],
    output: str | Path,
    *,
    corpus_name: str,
    base: str | None = None,
    options: CardOptions = CardOptions(),
    progress: bool = True,
    report: Report = lambda _: None,
) -> TrainingRecord:
    """Train a cross-encoder as the original model card describes.

    If an earlier call was stopped, the same call resumes from its last checkpoint. If it was
    finished, the call only reads the record.

    Args:
        corpus: Articles with their heading lines.
        output: Folder to write to: new, empty, or of the same run.
        corpus_name: Name of the corpus in the model card.
        base: Folder or hub id of the model to start from; None is the card's base, or the fallback
            if that is not available.
        options: Options of the recipe.
        progress: Whether to show progress bars on standard error.
        report: Called with a sentence at each stage.

    Returns:
        The record, as saved in `training.json`.

    Raises:
        MissingExtraError: If the `[train]` extra is not installed.
        CorpusError: If the corpus has too few windows.
        ModelError: If the base is not available.
        InvalidArgumentError: If an option is out of range, or `output` holds something else.
        KeyboardInterrupt: On Ctrl-C, after a report on what is kept. The last checkpoint stays.
    """
    require_train_extra()
    from wikirank.train.card.trainer import card_hyperparameters
    from wikirank.train.fit.base import find_base

    if options.epochs < 1:
        msg = f"Expected epochs of 1 or more, got {options.epochs}."
        raise InvalidArgumentError(msg)
    pairs = card_pairs(corpus, n_windows=options.n_windows, seed=options.seed)
    report(
        f"{pairs.n_articles:,} articles with {pairs.n_eligible:,} windows: {len(pairs.train):,} "
        f"pairs to train on, {len(pairs.wiki_eval):,} held out."
    )
    start = find_base(base)
    report(start.describe())
    run = _Run(
        output=Path(output),
        corpus_name=corpus_name,
        pairs=pairs,
        start=start,
        options=options,
        hyperparameters=card_hyperparameters(epochs=options.epochs, seed=options.seed),
        progress=progress,
        report=report,
    )
    if claim_run_folder(run.output, run.identity()):
        report(f"The run in {output} is finished already: nothing to do.")
        return TrainingRecord.load(run.output)
    try:
        return run.train()
    except KeyboardInterrupt:
        checkpoint = last_checkpoint(run.checkpoints)
        if checkpoint:
            report(f"Stopped; {checkpoint.name} is kept. Run the same command to resume from it.")
        else:
            report("Stopped before the end of the first epoch. Run the same command to restart.")
        raise


@dataclass(frozen=True)
class _Run:
    """One run with its data and base."""

    output: Path
    corpus_name: str
    pairs: CardPairs
    start: Base
    options: CardOptions
    hyperparameters: dict[str, Any]
    progress: bool
    report: Report

    @property
    def checkpoints(self) -> Path:
        return self.output / CHECKPOINTS

    def identity(self) -> dict[str, Any]:
        data = [*self.pairs.train, *self.pairs.wiki_eval]
        return run_identity(data, self.start.to_json(), self.hyperparameters)

    def train(self) -> TrainingRecord:
        """Train, export and evaluate. The record is written last, to mark the run as finished."""
        from wikirank.train.card.trainer import fit
        from wikirank.train.fit.base import load_base

        samples = wiki_eval_samples(self.pairs.wiki_eval)
        checkpoint = last_checkpoint(self.checkpoints)
        self.report(f"Resuming from {checkpoint.name}." if checkpoint else "Training.")
        model = load_base(self.start, seed=self.options.seed)
        result = fit(
            model,
            self.pairs.train,
            samples,
            self.hyperparameters,
            checkpoints=self.checkpoints,
            progress=self.progress,
        )
        self.report(f"Trained in {result.seconds:.0f} s. Exporting and evaluating.")
        record = TrainingRecord(
            model_id=self.options.model_id,
            base=self.start.to_json(),
            data=self._describe_data(),
            hyperparameters=self.hyperparameters,
            epochs=result.epochs,
            wiki_eval_queries=len(samples),
            seconds=round(result.seconds, 1),
            resumed=result.resumed,
            onnx=self._save_and_export(model),
            overlap=self._evaluate_overlap(model),
            versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
        )
        (self.output / MODEL_CARD).write_text(model_card(record), "utf-8")
        record.save(self.output)
        shutil.rmtree(self.checkpoints)
        return record

    def _save_and_export(self, model: CrossEncoder) -> OnnxRecord:
        from wikirank.runtime.calibration import Calibration
        from wikirank.train.export.int8 import export_cross_encoder
        from wikirank.train.export.parity import compare_with_torch
        from wikirank.train.fit.quiet import quiet_transformers

        with quiet_transformers():
            model.save_pretrained(str(self.output), create_model_card=False)
        exported = export_cross_encoder(
            model,
            self.output / ONNX_FOLDER,
            model_id=self.options.model_id,
            prepend_heading=False,
            calibration=Calibration(),
            max_length=MAX_LENGTH,
        )
        return compare_with_torch(exported, model, self.pairs.wiki_eval)

    def _evaluate_overlap(self, model: CrossEncoder) -> OverlapRecord:
        from wikirank.train.card.trainer import overlap_evaluation

        samples = overlap_samples(self.pairs.wiki_eval)
        return OverlapRecord(
            len(samples), overlap_evaluation(model, samples, progress=self.progress)
        )

    def _describe_data(self) -> DataRecord:
        return describe_data(
            self.pairs.train,
            corpus=self.corpus_name,
            n_articles=self.pairs.n_articles,
            n_eligible=self.pairs.n_eligible,
            n_windows=self.options.n_windows,
            n_eval=len(self.pairs.wiki_eval),
        )
