"""Cross-encoders: the protocol, an ONNX and a torch backend, and scoring of texts of any length."""

from __future__ import annotations

from wikirank.rank.load import load_cross_encoder
from wikirank.rank.onnx_cross_encoder import OnnxCrossEncoder
from wikirank.rank.protocol import CrossEncoder
from wikirank.rank.score import RankedTexts, best_first, rank_texts, score_passages
from wikirank.runtime.calibration import Calibration

__all__ = [
    "Calibration",
    "CrossEncoder",
    "OnnxCrossEncoder",
    "RankedTexts",
    "best_first",
    "load_cross_encoder",
    "rank_texts",
    "score_passages",
]
