"""Each example runs as a user runs it, offline, and prints what it is there to show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXPECTED = {
    "01_rerank_documents.py": ["  Ada Lovelace: "],
    "02_retriever.py": [
        "1. ",
        "Coffee › History  https://en.wikipedia.org/wiki/Coffee",
        "leaves of Camellia",
    ],
    "03_rag_chain.py": ["SCRIPTED", "About 8 minutes and 20 seconds [1].", "[1] Sunlight"],
    "04_agent_with_tools.py": [
        "SCRIPTED",
        "→ wiki_search",
        '<passage id="1">\nThe Chelyabinsk meteor was an asteroid about 18 metres',
        '"named" stands nowhere on "Chelyabinsk meteor".',
        "Answer: It was about 18 metres across [1]",
    ],
}


def test_each_example_is_tested_and_listed() -> None:
    files = {file.name for file in EXAMPLES.glob("[0-9]*.py")}
    assert files == EXPECTED.keys()
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(name in readme for name in files)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_example(name: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if "WIKIRANK" not in key}
    run = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for expected in EXPECTED[name]:
        assert expected in run.stdout
    assert list(tmp_path.iterdir()) == []
