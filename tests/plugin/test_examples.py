"""Each example runs as a user runs it, offline, and prints what it should show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from locations import EXAMPLES

EXPECTED = {
    "01_rerank_documents.py": ["  Ada Lovelace: "],
    "02_retriever.py": [
        "1. ",
        "Coffee › History  https://en.wikipedia.org/wiki/Coffee",
        "leaves of Camellia",
    ],
    "03_rag_chain.py": [
        "SCRIPTED",
        "About 8 minutes and 20 seconds [1], as all books say.\n[1] Sunlight",
        "removed: [7]",
        "→  How old is the Sun?\nAnswer: About 4.6 billion years [1].\n[1] Sun ",
        "The wiki does not answer this question. (abstained: True)",
    ],
    "04_agent_with_tools.py": [
        "SCRIPTED",
        "→ wiki_search",
        "«The Chelyabinsk meteor was an asteroid about 18 metres",
        '"named" stands nowhere on "Chelyabinsk meteor".',
        "Answer: It was about 18 metres across [1]",
    ],
    "05_agent_with_middleware.py": [
        "SCRIPTED",
        "added [1] Olympus Mons",
        "Answer: It is 21.9 km high [1].",
        "Messages in the history: 6, none of them a passage.",
    ],
    "06_mcp_client.py": [
        "wiki_search, wiki_read, wiki_find",
        "«Halley's Comet returns every 75 to 77 years.",
        "[1] Halley's Comet",
    ],
    "07_own_corpus.py": [
        "3 articles added",
        "Deploying › Rollback: To undo a release, run ship back.",
        "1 changed, 2 unchanged",
        "Deploying › Rollback: To undo a release, run ship undo --last.",
    ],
    "08_train_your_own.py": [
        "8 articles, 24 passages",
        "README.md, calibration.svg",
        " is a river that rises in ",
    ],
    "09_own_models.py": [
        "0.67  A cooper makes barrels",
        "  Barrels: a robot makes barrels.",
    ],
    "10_german_wiki.py": [
        "Language of the index: de",
        "Elbphilharmonie: Die Elbphilharmonie",
        "Schlösser: König Ludwig II.",
        "not the language of this question (German)",
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
