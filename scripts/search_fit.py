"""Export a fine-tuned cross-encoder, and fit the scores that depend on its logits.

Usage: python scripts/search_fit.py SHARED_DATA MODEL OUTPUT [--lists FILE] [--bundle]

MODEL is one or more sentence-transformers folders, whose weights are averaged. The int8 folder
OUTPUT also gets the bundled prefilter, unchanged. Calibration, interpolation and the prefilter's
margins are fitted on equal numbers of development questions of three kinds, none of them used in
training: half of NQ dev (`nq-dev-*`; the other half is for reporting), the development questions of
TyDi QA and BoolQ, and questions about paragraphs (in the style of SQuAD) that `search_lists.py` did
not draw. Their candidates come from hybrid search in one index of all their passages and 30,000
others. `--lists` keeps these candidate lists; `--bundle` copies the model into the package.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bundled_data
import numpy as np
from bundled_data import read_lines
from numpy.typing import NDArray

from wikirank.corpus import open_source
from wikirank.evaluate.candidates import SearchedCandidates, build_index, distractor_passages
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.near_duplicates import credit_near_duplicates
from wikirank.rank.onnx_cross_encoder import CascadeCrossEncoder
from wikirank.rank.pair_pooling import load_torch_folder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.combination import ScoreInterpolation
from wikirank.runtime.model_folder import (
    bundled_model,
    read_model_folder,
    rewrite_model_folder,
    write_model_folder,
)
from wikirank.train.calibrate.combine import (
    cross_validated_scores,
    fit_combination,
    fit_dense_combination,
)
from wikirank.train.calibrate.measure import labels, rank_metrics, score_lists
from wikirank.train.calibrate.platt import fit_calibration
from wikirank.train.data.candidate_lists import (
    MISSED,
    CandidateList,
    read_candidate_lists,
    write_candidate_lists,
)
from wikirank.train.export.int8 import export_cross_encoder
from wikirank.train.first_pass.margin import CascadeScores, choose_rules
from wikirank.train.first_pass.run import PrefilterAlone
from wikirank.train.fit.model import average_weights
from wikirank.types import headed_text

MODEL_ID = "langchain-wikirank/wiki-minilm-l6"
MAX_LENGTH = 128
DEPTH, PER_KIND, DISTRACTORS = 50, 150, 30_000
KINDS = ("nq", "search", "paragraph")
THRESHOLDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
CARD, LICENCE = "README.md", "LICENSE"

LabelledQuestion = tuple[str, str, str]
"""Kind, text, and id of the passage that answers."""


def main() -> None:
    """Export the model, fit its scores and print a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder with `qa/` and `wiki/`")
    parser.add_argument("model", type=Path, nargs="+", help="sentence-transformers folders")
    parser.add_argument("output", type=Path)
    parser.add_argument(
        "--lists", type=Path, help="candidate lists; written if the file does not exist"
    )
    parser.add_argument("--bundle", action="store_true", help="copy the model into the package")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = arguments.lists or Path(scratch) / "lists.jsonl.gz"
        if not file.is_file():
            write_candidate_lists(file, development_lists(arguments.shared))
        lists = list(read_candidate_lists(file))
    export(arguments.model, arguments.output)
    print(json.dumps(fit(arguments.output, lists), indent=2))  # noqa: T201
    if arguments.bundle:
        shutil.copytree(arguments.output, bundled_model("cross-encoder"), dirs_exist_ok=True)


def export(models: Sequence[Path], output: Path) -> None:
    """Write the int8 model folder of averaged models, with the bundled prefilter."""
    bundled = read_model_folder(bundled_model("cross-encoder"), kind="cross-encoder")
    texts = {name: (bundled.path / name).read_text("utf-8") for name in (CARD, LICENCE)}
    with tempfile.TemporaryDirectory() as scratch:
        exported = export_cross_encoder(
            average_weights([load_torch_folder(folder, device="cpu") for folder in models]),
            Path(scratch) / "onnx",
            model_id=MODEL_ID,
            prepend_heading=True,
            calibration=Calibration(),
            max_length=MAX_LENGTH,
        )
        network = read_model_folder(exported.path, kind="cross-encoder").network
        write_model_folder(
            output,
            replace(bundled.description, max_length=MAX_LENGTH),
            networks=[network, *bundled.networks[1:]],
            tokenizer_json=bundled.tokenizer.read_text("utf-8"),
            extra_files=texts,
        )


def fit(output: Path, lists: Sequence[CandidateList]) -> dict[str, Any]:
    """Fit calibration, interpolation and prefilter, write them into the folder, and report."""
    folder = read_model_folder(output, kind="cross-encoder")
    model, prefilter = CascadeCrossEncoder(folder), PrefilterAlone(folder)
    logits = score_lists(model, lists)
    calibration = fit_calibration([x for row in logits for x in row], labels(lists))
    combination = fit_combination(lists, logits)
    scores = [
        CascadeScores(first, final)
        for first, final in zip(score_lists(prefilter, lists), logits, strict=True)
    ]
    rules = choose_rules(lists, scores, combination)
    fitted = replace(
        folder.description,
        calibration=calibration,
        combination=combination,
        dense_combination=fit_dense_combination(lists, logits),
        prefilter=rules,
    )
    rewrite_model_folder(folder, fitted)
    crossed = cross_validated_scores(lists, logits)
    report: dict[str, Any] = {"interpolation": asdict(combination), "prefilter": asdict(rules)}
    for kind in KINDS:
        own = [n for n, candidates in enumerate(lists) if candidates.style == kind]
        lists_of_kind, logits_of_kind = [lists[n] for n in own], [logits[n] for n in own]
        report[kind] = rank_metrics(lists_of_kind, logits_of_kind, [crossed[n] for n in own])
        report[f"{kind}, kept by"] = kept(lists_of_kind, logits_of_kind, combination)
    return report


def kept(
    lists: Sequence[CandidateList],
    logits: Sequence[NDArray[np.float64]],
    combination: ScoreInterpolation,
) -> dict[float, float]:
    """Return the share of positives whose relevance score reaches each of `THRESHOLDS`."""
    scores = [
        combination.relevance(combination.scores(row, one.dense, one.lexical))[one.positive_rank]
        for one, row in zip(lists, logits, strict=True)
        if one.positive_rank != MISSED
    ]
    return {least: float(np.mean(np.array(scores) >= least)) for least in THRESHOLDS}


def development_lists(shared: Path) -> Iterator[CandidateList]:
    """Yield the results of hybrid search for development questions, `PER_KIND` of each kind."""
    passages: dict[str, tuple[str, str]] = {}
    questions = list(_questions(shared, passages))
    dataset = RetrievalDataset(
        queries={str(n): question for n, (_, question, _) in enumerate(questions)},
        passages={id_: text for id_, (_, text) in passages.items()},
        titles={id_: title for id_, (title, _) in passages.items() if title},
        relevant={str(n): {id_} for n, (_, _, id_) in enumerate(questions)},
    )
    others = distractor_passages(open_source(str(shared / "wiki" / "passages-1.jsonl.gz")))
    with build_index(dataset, (p for p, _ in zip(others, range(DISTRACTORS)))) as index:  # noqa: B905
        candidates = SearchedCandidates(index, dataset)
        for n, (kind, question, id_) in enumerate(questions):
            hybrid = candidates.find(str(n), DEPTH)["hybrid"].candidates
            found = credit_near_duplicates(hybrid, dataset, str(n))
            ranks = [rank for rank, hit in enumerate(found) if hit.passage.id == id_]
            yield CandidateList(
                question,
                kind,
                headed_text(*passages[id_]),
                [hit.passage.headed_text for hit in found],
                ranks[0] if ranks else MISSED,
                [hit.dense_score for hit in found],
                [hit.lexical_score for hit in found],
            )


def _questions(shared: Path, passages: dict[str, tuple[str, str]]) -> Iterator[LabelledQuestion]:
    qa = shared / "qa"
    for record in read_lines(qa / "nq-dev-passages.jsonl.gz"):
        passages[record["id"]] = (record["title"], record["text"])
    nq = [
        record
        for n, record in enumerate(read_lines(qa / "nq-dev-questions.jsonl.gz"))
        if n % 2 == 0
    ]
    for record in nq[:PER_KIND]:
        yield KINDS[0], record["question"], record["passage_id"]
    records = list(read_lines(qa / "train-pairs.jsonl.gz"))
    dev, test, rest = bundled_data.keep_out(records)
    texts = {record["passage"]: record["title"] for record in records}
    ids = {f"t{n}": text for n, text in enumerate(texts)}
    for record in [*dev, *test]:
        text = ids[record["passage_id"]]
        passages[record["passage_id"]] = (texts[text], text)
    for record in dev[:PER_KIND]:
        yield KINDS[1], record["question"], record["passage_id"]
    for n, record in enumerate(bundled_data.paragraph_questions(rest)[:PER_KIND]):
        passages[f"s{n}"] = ("", record["passage"])
        yield KINDS[2], record["question"], f"s{n}"


if __name__ == "__main__":
    main()
