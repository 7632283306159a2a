"""A few kills of `wikirank index`; `benchmarks/kills.py` makes a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import kill_often


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:legacy embedding function config:DeprecationWarning")
def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    tally = kill_often(tmp_path, kills=5, articles=40, graph_every=40, seed=1)
    assert tally["kills"] == 5
    assert tally["with the write lock held"] >= 1
    assert tally["runs to the end, compared and equal"] >= 1
