"""Export a fine-tuned cross-encoder and fit what turns its logits into scores.

Usage: python scripts/search_fit.py SHARED_DATA MODEL OUTPUT [--lists FILE] [--bundle]

MODEL is a sentence-transformers folder, or several, whose weights are averaged; OUTPUT gets the
int8 model folder with the bundled prefilter, whose weights stay as they are. Calibration,
interpolation and the prefilter's margins are fitted on development questions of three kinds in
equal shares, none of them trained on: half of NQ dev (`nq-dev-*`; the other half is for reporting),
the development questions of TyDi QA and BoolQ, and questions about paragraphs (SQuAD's style) that
`search_lists.py` did not draw. Their candidates are what hybrid search finds in one index of all
their passages and 30,000 others. `--lists` keeps these lists; `--bundle` puts the model in the
package.
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

Asked = tuple[str, str, str]
"""Kind, question and id of the passage that answers."""


def main() -> None:
    """Export, fit, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder with `qa/` and `wiki/`")
    parser.add_argument("model", type=Path, nargs="+", help="sentence-transformers folders")
    parser.add_argument("output", type=Path)
    parser.add_argument("--lists", type=Path, help="candidate lists, made where there are none")
    parser.add_argument("--bundle", action="store_true", help="put the model in the package")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = given.lists or Path(scratch) / "lists.jsonl.gz"
        if not file.is_file():
            write_candidate_lists(file, development_lists(given.shared))
        lists = list(read_candidate_lists(file))
    export(given.model, given.output)
    print(json.dumps(fit(given.output, lists), indent=2))  # noqa: T201
    if given.bundle:
        shutil.copytree(given.output, bundled_model("cross-encoder"), dirs_exist_ok=True)


def export(models: Sequence[Path], output: Path) -> None:
    """Write the int8 model folder of the mean of some models, with the bundled prefilter."""
    bundled = read_model_folder(bundled_model("cross-encoder"), kind="cross-encoder")
    texts = {name: (bundled.path / name).read_text("utf-8") for name in (CARD, LICENCE)}
    with tempfile.TemporaryDirectory() as scratch:
        exported = export_cross_encoder(
            average_weights([load_torch_folder(one, device="cpu") for one in models]),
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
    """Fit all that depends on the logits, write it into the folder, and say how good it is."""
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
        own = [at for at, one in enumerate(lists) if one.style == kind]
        report[kind] = rank_metrics(
            [lists[at] for at in own], [logits[at] for at in own], [crossed[at] for at in own]
        )
        report[f"{kind}, kept by"] = kept(
            [lists[at] for at in own], [logits[at] for at in own], combination
        )
    return report


def kept(
    lists: Sequence[CandidateList],
    logits: Sequence[NDArray[np.float64]],
    combination: ScoreInterpolation,
) -> dict[float, float]:
    """The share of the right candidates whose relevance score reaches each of `THRESHOLDS`."""
    scores = [
        combination.relevance(combination.scores(row, one.dense, one.lexical))[one.positive_rank]
        for one, row in zip(lists, logits, strict=True)
        if one.positive_rank != MISSED
    ]
    return {least: float(np.mean(np.array(scores) >= least)) for least in THRESHOLDS}


def development_lists(shared: Path) -> Iterator[CandidateList]:
    """What hybrid search finds for the development questions, the same number of each kind."""
    passages: dict[str, tuple[str, str]] = {}
    asked = list(_questions(shared, passages))
    dataset = RetrievalDataset(
        queries={str(at): question for at, (_, question, _) in enumerate(asked)},
        passages={id_: text for id_, (_, text) in passages.items()},
        titles={id_: title for id_, (title, _) in passages.items() if title},
        relevant={str(at): {id_} for at, (_, _, id_) in enumerate(asked)},
    )
    others = distractor_passages(open_source(str(shared / "wiki" / "passages-1.jsonl.gz")))
    with build_index(dataset, (p for p, _ in zip(others, range(DISTRACTORS)))) as index:  # noqa: B905
        candidates = SearchedCandidates(index, dataset)
        for at, (kind, question, id_) in enumerate(asked):
            hybrid = candidates.find(str(at), DEPTH)["hybrid"].candidates
            found = credit_near_duplicates(hybrid, dataset, str(at))
            ranks = [n for n, one in enumerate(found) if one.passage.id == id_]
            yield CandidateList(
                question,
                kind,
                headed_text(*passages[id_]),
                [one.passage.headed_text for one in found],
                ranks[0] if ranks else MISSED,
                [one.dense_score for one in found],
                [one.lexical_score for one in found],
            )


def _questions(shared: Path, passages: dict[str, tuple[str, str]]) -> Iterator[Asked]:
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
