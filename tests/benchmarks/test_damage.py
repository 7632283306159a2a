"""`benchmarks/damage.py`: damaged index files, and how search, verify and repair react."""

from __future__ import annotations

from pathlib import Path

import damage
import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("only", "stride"),
    [
        ("chroma/.*/(header|link_lists).bin", 8),
        ("chroma/.*/data_level0.bin", 4),
        ("chroma/.*/length.bin", 4),
        ("chroma/.*(pickle|sqlite3)", 8),
        ("lexical/.*(json|lock|fast|fieldnorm)", 8),
        ("lexical/.*(term|idx|pos|store)", 8),
        (r"^(wikirank|chroma\.|write)", 8),
    ],
)
def test_each_file_damaged_in_some_ways(tmp_path: Path, only: str, stride: int) -> None:
    assert len(damage.KINDS) % 2  # An odd number, so that successive files get different kinds.
    found = list(damage.outcomes(tmp_path, articles=6, only=only, stride=stride))
    assert len({outcome.kind for outcome in found}) >= 2
    assert [outcome for outcome in found if not damage.is_sound(outcome)] == []
    assert damage.markdown(found).count("\n") > 2
