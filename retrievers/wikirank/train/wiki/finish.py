"""Finish a run: save, export, calibrate and measure the trained model, and write its model card.

The output folder holds the sentence-transformers model, `onnx/` (the int8 model folder, which runs
without torch), `README.md` (the model card), `training.svg`, `calibration.svg`, `data/` (training
and held-out data), `training.json` and `run.json`.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from wikirank.rank import load_cross_encoder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_folder import read_model_folder, write_model_folder
from wikirank.train.data.prepare import WikiData
from wikirank.train.fit.history import LabelledPair, OnnxRecord
from wikirank.train.fit.run_folder import CHECKPOINTS, MODEL_CARD, ONNX_FOLDER, PACKAGES, Report
from wikirank.train.wiki.model_card import wiki_model_card
from wikirank.train.wiki.options import WikiOptions
from wikirank.train.wiki.record import TeachingRecord, WikiRecord

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as TorchModel

    from wikirank.train.calibrate.calibrate import Calibrated
    from wikirank.train.fit.history import Fit

DATA = "data"
TRAINING_PLOT = "training.svg"
CALIBRATION_PLOT = "calibration.svg"
_PARITY_PAIRS = 200


@dataclass(frozen=True)
class WikiRun:
    """One run with its data and base.

    Attributes:
        output: Output folder.
        corpus_name: Name of the corpus in the model card.
        n_articles: Number of articles in the corpus.
        data: Data to train and measure on.
        base: Base model, as `Base.to_json` returns it.
        options: Options of the recipe.
        settings: Settings of the groups and of training, as kept in the record.
        report: Called with a sentence at each stage.
        teaching: Weights of the teachers; None without teachers.
    """

    output: Path
    corpus_name: str
    n_articles: int
    data: WikiData
    base: dict[str, Any]
    options: WikiOptions
    settings: dict[str, Any]
    report: Report
    teaching: TeachingRecord | None = None

    def finish(self, model: TorchModel, fit: Fit) -> WikiRecord:
        """Save, export, calibrate and measure a trained model.

        The record is written last, to mark the run as finished. Raises InvalidArgumentError if the
        model cannot be calibrated.
        """
        from wikirank.train.fit.group_trainer import DEV_METRIC
        from wikirank.train.fit.quiet import quiet_transformers
        from wikirank.train.plots import plot_training

        model.max_seq_length = self.options.max_length
        with quiet_transformers():
            model.save_pretrained(str(self.output), create_model_card=False)
        plot_training(fit, self.output / TRAINING_PLOT, metric=DEV_METRIC)
        onnx, calibrated = self._export(model)
        record = self._record(fit, onnx, calibrated)
        (self.output / MODEL_CARD).write_text(wiki_model_card(record), "utf-8")
        record.save(self.output)
        shutil.rmtree(self.output / CHECKPOINTS, ignore_errors=True)
        return record

    def _export(self, model: TorchModel) -> tuple[OnnxRecord, Calibrated]:
        """Export the model, calibrate the export, and write it with calibration and weights."""
        from wikirank.train.calibrate.calibrate import calibrate
        from wikirank.train.export.int8 import export_cross_encoder
        from wikirank.train.export.parity import compare_with_torch
        from wikirank.train.plots import plot_calibration

        with tempfile.TemporaryDirectory() as scratch:
            plain = export_cross_encoder(
                model,
                Path(scratch) / ONNX_FOLDER,
                model_id=self.options.model_id,
                prepend_heading=self.options.groups.headings,
                calibration=Calibration(),
                max_length=self.options.max_length,
            )
            pairs = [
                LabelledPair(group.query, group.positive, 1.0)
                for group in self.data.groups[:_PARITY_PAIRS]
            ]
            onnx = compare_with_torch(plain, model, pairs)
            fitted = calibrate(load_cross_encoder(plain.path), self.data)
            folder = read_model_folder(plain.path, kind="cross-encoder")
            write_model_folder(
                self.output / ONNX_FOLDER,
                replace(
                    folder.description,
                    calibration=fitted.calibration,
                    combination=fitted.combination,
                    dense_combination=fitted.dense_combination,
                ),
                networks=folder.networks,
                tokenizer_json=folder.tokenizer.read_text("utf-8"),
            )
        before, after = (
            calibration.relevance(fitted.test_logits)
            for calibration in (Calibration(), fitted.calibration)
        )
        plot_calibration(before, after, fitted.test_relevant, self.output / CALIBRATION_PLOT)
        return onnx, fitted

    def _record(self, fit: Fit, onnx: OnnxRecord, calibrated: Calibrated) -> WikiRecord:
        return WikiRecord(
            model_id=self.options.model_id,
            base=self.base,
            corpus=self.corpus_name,
            articles=self.n_articles,
            styles=self.data.styles,
            held_out={"dev": len(self.data.dev), "test": len(self.data.test)},
            settings=self.settings,
            epochs=fit.epochs,
            seconds=round(fit.seconds, 1),
            resumed=fit.resumed,
            onnx=onnx,
            calibration=calibrated.calibration_record,
            combination=calibrated.combination_record,
            test=calibrated.test,
            test_pairs=calibrated.test_pairs,
            versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
            teaching=self.teaching,
        )
