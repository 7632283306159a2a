"""The model card of a cross-encoder that was trained by the wiki recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wikirank.train.fit.history import markdown_table
from wikirank.train.wiki.record import TeachingRecord, WikiRecord, few_lists


def wiki_model_card(record: WikiRecord) -> str:
    """Write the card; every figure is of the run.

    Args:
        record: The run.

    Returns:
        Markdown with YAML front matter.
    """
    sections = (
        _front_matter(record),
        _details(record),
        _usage(record),
        _evaluation(record),
        _calibration(record),
        _training(record),
        _limits(record),
        f"## Framework Versions\n\n{_list(record.versions)}",
    )
    return "\n\n".join(sections) + "\n"


def _front_matter(record: WikiRecord) -> str:
    return f"""---
tags:
- sentence-transformers
- cross-encoder
- reranker
base_model: {record.base["name"]}
pipeline_tag: text-ranking
library_name: sentence-transformers
---
# {record.model_id}"""


def _details(record: WikiRecord) -> str:
    return f"""A cross-encoder that scores how well a wiki passage answers a query, fine-tuned by
`wikirank train --recipe wiki`.

## Model Details

- {record.base["description"]}
- Output: 1 logit; trained on passages {_headings(record)} `title › section` before the text."""


def _headings(record: WikiRecord) -> str:
    return "with" if record.settings["groups"]["headings"] else "without"


def _usage(record: WikiRecord) -> str:
    return f"""## Usage

```python
from sentence_transformers import CrossEncoder

# Its head may be a module of langchain-wikirank, which is to be trusted in so many words.
model = CrossEncoder("path/to/{record.model_id.rpartition("/")[2]}", trust_remote_code=True)
scores = model.predict([(query, passage) for passage in passages])
ranks = model.rank(query, passages)
```

Without torch, the folder `onnx/`: `WikiReranker(model="path/to/onnx")`."""


def _evaluation(record: WikiRecord) -> str:
    own = ""
    if record.test_pairs:
        own = f"\n\nOn those of them that people asked (`pairs`):\n\n{_metrics(record.test_pairs)}"
    return f"""## Evaluation

{record.held_out["test"]} queries of articles that were held out from training, over the whole
corpus; the int8 model as exported; a passage that the first stage (hybrid) missed stays missed.

{_metrics(record.test)}{own}

Rank correlation (Spearman) of int8 with fp32: {record.onnx.spearman:.4f} on
{record.onnx.n_pairs} pairs."""


def _metrics(rows: Mapping[str, Mapping[str, float]]) -> str:
    names = list(next(iter(rows.values())))
    return markdown_table(
        ["ranking", *names],
        [[name, *(f"{metrics[key]:.4f}" for key in names)] for name, metrics in rows.items()],
    )


def _calibration(record: WikiRecord) -> str:
    fitted, combined = record.calibration, record.combination
    return f"""## Calibration

`relevance_score = sigmoid({fitted.scale:.4f} * logit + {fitted.shift:.4f})`, fitted (Platt) on
{record.held_out["dev"]} candidate lists of other held-out articles. Expected calibration error on
the test lists: {fitted.error:.4f}, of the plain sigmoid {fitted.error_before:.4f}. Least score from
which nine tenths of the candidates were right: {_threshold(fitted.threshold)}.

In hybrid search, where the first stage's scores are at hand, the final order and score are
`sigmoid({combined.logit:.4f} * logit + {combined.dense:.4f} * dense similarity +
{combined.lexical:.4f} * BM25 / highest BM25 + {combined.shift:.4f})`, fitted on the same lists;
five-fold cross-validation there:

{_metrics(combined.cross_validated)}

Expected calibration error of that score on the test lists: {combined.error:.4f}; least score from
which nine tenths were right: {_threshold(combined.threshold)}."""


def _threshold(score: float | None) -> str:
    return "none" if score is None else f"{score:.3f}"


def _training(record: WikiRecord) -> str:
    names = list(record.epochs[0].metrics)
    rows = [
        [f"{e.epoch:.2f}", str(e.step), f"{e.loss:.4f}", *(f"{e.metrics[n]:.4f}" for n in names)]
        for e in record.epochs
    ]
    styles = markdown_table(
        ["style of query", "groups"], [[style, str(n)] for style, n in record.styles.items()]
    )
    return f"""## Training

{record.articles:,} articles of the corpus `{record.corpus}`.

{styles}

Each group is a query, the passage that answers it, and mined hard negatives, neighbours of the
answer in its article, and random passages.{_teaching(record.teaching)}

{_list(_settings(record))}

{markdown_table(["epoch", "step", "training loss", *names], rows)}

Training took {record.seconds:.0f} seconds."""


def _settings(record: WikiRecord) -> dict[str, Any]:
    questions = record.settings.get("questions", {})
    return {
        **record.settings["groups"],
        **{f"questions: {name}": value for name, value in questions.items()},
        **record.settings["training"],
    }


def _teaching(teaching: TeachingRecord | None) -> str:
    if teaching is None:
        return ""
    rows = [
        [one.name, one.kind, f"{one.weight:.4g}", f"{one.mrr:.4f}"] for one in teaching.teachers
    ]
    weights = (
        "The weights were fitted on them (conditional logit); the last row is five-fold "
        "cross-validation."
        if teaching.fitted
        else "The weights give each teacher the same say."
    )
    return f"""

It learned how these teachers rank the groups, and the candidates of unlabelled questions (style
`question`), if any. MRR@10 is of {teaching.lists} dev lists. {weights}

{
        markdown_table(
            ["teacher", "kind", "weight", "MRR@10"],
            [*rows, ["together", "", "", f"{teaching.mrr:.4f}"]],
        )
    }"""


def _limits(record: WikiRecord) -> str:
    few = "".join(f"\n\n{line}" for line in few_lists(record.held_out))
    return f"""## What it is not for

It ranks passages of wikis like the one it was trained on; it does not judge whether a passage is
true. Made queries are simpler than people's: measure it on questions of your own
(`wikirank evaluate`) before you rely on a threshold.{few}"""


def _list(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in values.items())
