"""Compare an exported int8 model with its fp32 model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers import CrossEncoder

from wikirank.metrics.ranking import spearman
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.train.export.int8 import ExportReport
from wikirank.train.fit.history import LabelledPair, OnnxRecord


def compare_with_torch(
    export: ExportReport, model: CrossEncoder, pairs: Sequence[LabelledPair]
) -> OnnxRecord:
    """Score pairs with a model and its export, and compute the rank correlation of the logits.

    Expects two or more pairs. Pairs that are longer than the export reads are left out.
    """
    onnx = load_cross_encoder(export.path)
    fitting = [
        (pair.query, pair.passage)
        for pair in pairs
        if len(onnx.tokenizer.encode(pair.query, pair.passage).ids) <= onnx.max_length
    ]
    torch_logits = model.predict(fitting, batch_size=16, show_progress_bar=False)
    onnx_logits = [score_passages(onnx, query, [passage])[0] for query, passage in fitting]
    correlation = spearman(np.asarray(torch_logits, dtype=np.float64), onnx_logits)
    return OnnxRecord(export.sha256, export.size, round(correlation, 4), len(fitting))
