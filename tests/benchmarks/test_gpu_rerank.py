"""What the benchmark on a GPU makes of times and logits, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from squad import Candidates

pytest.importorskip("torch", reason="needs the [torch] extra")

pytestmark = pytest.mark.train


def test_quality_by_hand() -> None:
    from gpu_rerank import quality

    sample = [Candidates("q", ["a", "b", "c"], 1), Candidates("r", ["a", "b", "c"], None)]
    logits = [np.array([3.0, 2.0, 1.0]), np.array([0.0, -1.0, -2.0])]
    found, agreement = quality(sample, logits, [2 * scores + 1 for scores in logits])
    assert found == pytest.approx(1 / math.log2(3) / 2)  # second of one list, missed in the other
    assert agreement == pytest.approx(1.0)


def test_ratios_are_of_pairs_per_second() -> None:
    from gpu_rerank import REFERENCE, table

    seconds = {
        REFERENCE: {10: [1.0, 1.0], 50: [3.0, 3.0]},
        "ours": {10: [0.5, 0.5], 50: [0.5, 0.5]},
    }
    lines = table(seconds, dict.fromkeys(seconds, (0.9, 1.0))).splitlines()
    assert lines[2].split(" | ")[:3] == ["| 1.00", REFERENCE, "15"]  # 120 pairs in 8 s
    assert lines[3].split(" | ")[:4] == ["| 4.00", "ours", "60", "500 / 500"]
