"""`benchmarks/damage.py`: files of an index damaged, and what search, verify and repair do."""

from __future__ import annotations

from pathlib import Path

import damage
import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "only",
    [
        "chroma/.*/(header|link_lists).bin",
        "chroma/.*/data_level0.bin",
        "chroma/.*/length.bin",
        "chroma/.*(pickle|sqlite3)",
        "lexical/.*(json|lock|fast|fieldnorm)",
        "lexical/.*(term|idx|pos|store)",
        r"^(wikirank|chroma\.|write)",
    ],
)
def test_each_file_damaged_in_every_eighth_way(tmp_path: Path, only: str) -> None:
    assert len(damage.KINDS) % 2  # So that one file's ways are those that the next one's are not.
    found = list(damage.outcomes(tmp_path, articles=6, only=only, stride=8))
    assert found
    assert [outcome for outcome in found if not damage.is_sound(outcome)] == []
    assert damage.markdown(found).count("\n") > 2
