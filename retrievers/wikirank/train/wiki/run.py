"""The wiki recipe from the corpus to the finished model folder.

The output folder holds the sentence-transformers model, `onnx/` (the int8 model folder that needs
no torch), `README.md` (the model card), `data/` (what it was trained and measured on),
`training.json` and `run.json`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import numpy as np

from wikirank.corpus import article_digest
from wikirank.corpus.ids import stable_hash
from wikirank.evaluate.calibration import expected_calibration_error
from wikirank.rank import Calibration, CrossEncoder, load_cross_encoder
from wikirank.runtime.model_folder import read_model_folder, write_model_folder
from wikirank.train.card_recipe import LabelledPair
from wikirank.train.extra import require_train_extra
from wikirank.train.folder import CHECKPOINTS, claim_run_folder, last_checkpoint
from wikirank.train.platt import fit_calibration, threshold_for_precision
from wikirank.train.record import OnnxRecord
from wikirank.train.run import MODEL_CARD, ONNX_FOLDER, PACKAGES, Report
from wikirank.train.wiki.card import wiki_model_card
from wikirank.train.wiki.data import WikiData, prepare_data
from wikirank.train.wiki.groups import GroupOptions, TrainingGroup
from wikirank.train.wiki.measure import labels, rank_metrics, score_lists
from wikirank.train.wiki.pairs import QuestionPair
from wikirank.train.wiki.record import CalibrationRecord, WikiRecord
from wikirank.types import Article

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as TorchModel

    from wikirank.train.base import Base
    from wikirank.train.wiki.trainer import GroupHyperparameters

MODEL_ID = "langchain-wikirank/wiki-minilm-l6"
_PRECISION = 0.9
_PARITY_PAIRS = 200


@dataclass(frozen=True, slots=True)
class WikiOptions:
    """What may be changed about the recipe.

    Attributes:
        groups: How training groups are made.
        training: `GroupHyperparameters` by name; what is left out has its default.
        train_length: Longest pair to train on, in tokens; longer passages lose their end.
        max_length: Longest pair to score, in tokens.
        held_out_queries: Most candidate lists of dev, and of test.
        depth: Candidates a list.
        seed: Of the data, a new head, and training.
        model_id: What to call the model.
    """

    groups: GroupOptions = field(default_factory=GroupOptions)
    training: dict[str, Any] = field(default_factory=dict)
    train_length: int = 160
    max_length: int = 512
    held_out_queries: int = 300
    depth: int = 50
    seed: int = 42
    model_id: str = MODEL_ID


def train_wiki(
    corpus: Iterable[Article],
    output: Path,
    *,
    corpus_name: str,
    pairs: Sequence[QuestionPair] = (),
    base: str | None = None,
    options: WikiOptions | None = None,
    progress: bool = True,
    report: Report = lambda _: None,
) -> WikiRecord:
    """Train a cross-encoder for a corpus, from queries made of it and the user's own pairs.

    The same call goes on from the last checkpoint where an earlier one was stopped, and only reads
    the record where it was finished.

    Args:
        corpus: The articles.
        output: New or empty folder, or that of the same run.
        corpus_name: What the model card is to call the corpus.
        pairs: Questions with passages that answer them.
        base: Folder or hub id of the model to start from; None is the card's, else the fallback.
        options: Changes to the recipe.
        progress: Whether to show progress bars on standard error.
        report: Called with a sentence at each stage.

    Returns:
        The record, as saved in `training.json`.

    Raises:
        MissingExtraError: The `[train]` extra is not installed.
        CorpusError: The corpus is too small.
        ModelError: The base cannot be had.
        InvalidArgumentError: An option is out of range, or `output` holds something else.
        KeyboardInterrupt: Ctrl-C; the last checkpoint is kept, and `report` was told so.
    """
    require_train_extra()
    from wikirank.train.base import find_base
    from wikirank.train.wiki.trainer import GroupHyperparameters

    options = options or WikiOptions()
    articles = list(corpus)
    start = find_base(base)
    report(start.describe())
    training = GroupHyperparameters(**{"seed": options.seed, **options.training})
    # As JSON gives them back, with lists for tuples: to be compared with what a run has written.
    settings = json.loads(
        json.dumps({"groups": asdict(options.groups), "training": asdict(training)})
    )
    identity = {
        "corpus": stable_hash([article_digest(article) for article in articles]),
        "pairs": stable_hash([asdict(pair) for pair in pairs]),
        "base": start.to_json(),
        "options": {**_plain(options), **settings},
    }
    if claim_run_folder(output, identity):
        report(f"{output} holds this run, finished already: nothing to do.")
        return WikiRecord.load(output)
    data = prepare_data(
        articles,
        pairs,
        output / "data",
        seed=options.seed,
        options=options.groups,
        held_out_queries=options.held_out_queries,
        depth=options.depth,
        report=report,
    )
    report(f"{len(data.groups):,} groups; {len(data.dev)} dev and {len(data.test)} test lists.")
    run = _Run(output, corpus_name, len(articles), data, start, options, settings, report)
    try:
        return run.train(training, progress=progress)
    except KeyboardInterrupt:
        kept = last_checkpoint(output / CHECKPOINTS)
        kept_name = f"{kept.name} is kept" if kept else "the data is kept"
        report(f"Stopped; {kept_name}. The same command goes on from there.")
        raise


@dataclass(frozen=True)
class _Run:
    """One run whose data and base are settled."""

    output: Path
    corpus_name: str
    n_articles: int
    data: WikiData
    start: Base
    options: WikiOptions
    settings: dict[str, Any]
    report: Report

    def train(self, training: GroupHyperparameters, *, progress: bool) -> WikiRecord:
        """Train, export, calibrate, measure, and write the record last: it marks the end."""
        from wikirank.train.quiet import quiet_transformers
        from wikirank.train.wiki.model import starting_model
        from wikirank.train.wiki.trainer import fit_groups, groups_dataset, ranking_samples

        options = self.options
        model = starting_model(self.start, seed=options.seed, max_length=options.train_length)
        fit = fit_groups(
            model,
            groups_dataset(self.data.groups),
            ranking_samples(self.data.dev),
            training,
            checkpoints=self.output / CHECKPOINTS,
            progress=progress,
        )
        self.report(f"Trained in {fit.seconds:.0f} s. Exporting, calibrating and measuring.")
        model.max_seq_length = options.max_length
        with quiet_transformers():
            model.save_pretrained(str(self.output), create_model_card=False)
        onnx, calibration, shipped = self._export(model)
        record = WikiRecord(
            model_id=options.model_id,
            base=self.start.to_json(),
            corpus=self.corpus_name,
            articles=self.n_articles,
            styles=self.data.styles,
            held_out={"dev": len(self.data.dev), "test": len(self.data.test)},
            settings=self.settings,
            epochs=fit.epochs,
            seconds=round(fit.seconds, 1),
            resumed=fit.resumed,
            onnx=onnx,
            calibration=calibration,
            test=rank_metrics(self.data.test, score_lists(shipped, self.data.test)),
            versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
        )
        (self.output / MODEL_CARD).write_text(wiki_model_card(record), "utf-8")
        record.save(self.output)
        shutil.rmtree(self.output / CHECKPOINTS)
        return record

    def _export(self, model: TorchModel) -> tuple[OnnxRecord, CalibrationRecord, CrossEncoder]:
        """Export, calibrate the export on dev, and write it with its calibration."""
        from wikirank.train.export import export_cross_encoder
        from wikirank.train.parity import compare_with_torch

        with tempfile.TemporaryDirectory() as scratch:
            plain = export_cross_encoder(
                model,
                Path(scratch) / ONNX_FOLDER,
                model_id=self.options.model_id,
                headings=self.options.groups.headings,
                calibration=Calibration(),
                max_length=self.options.max_length,
            )
            onnx = compare_with_torch(plain, model, _pairs(self.data.groups[:_PARITY_PAIRS]))
            fitted, calibration = self._calibrate(load_cross_encoder(plain.path))
            folder = read_model_folder(plain.path, kind="cross-encoder")
            write_model_folder(
                self.output / ONNX_FOLDER,
                replace(folder.description, scale=fitted.scale, shift=fitted.shift),
                onnx=folder.onnx,
                tokenizer_json=folder.tokenizer.read_text("utf-8"),
            )
        return onnx, calibration, load_cross_encoder(self.output / ONNX_FOLDER)

    def _calibrate(self, model: CrossEncoder) -> tuple[Calibration, CalibrationRecord]:
        dev, test = (
            (np.concatenate(score_lists(model, lists)), labels(lists))
            for lists in (self.data.dev, self.data.test)
        )
        fitted = fit_calibration(*dev)
        return fitted, CalibrationRecord(
            scale=fitted.scale,
            shift=fitted.shift,
            error_before=expected_calibration_error(Calibration().relevance(test[0]), test[1]),
            error=expected_calibration_error(fitted.relevance(test[0]), test[1]),
            threshold=threshold_for_precision(fitted.relevance(dev[0]), dev[1], _PRECISION),
        )


def _pairs(groups: Sequence[TrainingGroup]) -> list[LabelledPair]:
    return [LabelledPair(group.query, group.positive, 1.0) for group in groups]


def _plain(options: WikiOptions) -> dict[str, Any]:
    fields = asdict(options)
    return {name: fields[name] for name in fields if name not in ("groups", "training")}
