"""How far the exported int8 model agrees with the fp32 model that it was made from."""

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
    """Score pairs with both models and correlate the logits by rank.

    Args:
        export: What was exported from the model.
        model: Its `predict` gives raw logits.
        pairs: Two or more; those that do not fit in the window are left out.

    Returns:
        The comparison.
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
