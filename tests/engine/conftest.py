"""A tiny wiki written for the tests, and an index of it with the real embedder and Chroma."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wikirank.corpus import open_source
from wikirank.index import WikiIndex

TINY_WIKI = Path(__file__).resolve().parents[1] / "data" / "tiny-wiki.jsonl"


@pytest.fixture(scope="session")
def tiny_wiki() -> Path:
    return TINY_WIKI


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WikiIndex]:
    """An index of the tiny wiki that no test may write to."""
    with WikiIndex.create(tmp_path_factory.mktemp("tiny") / "index") as index:
        index.add_source(open_source(str(TINY_WIKI)))
        yield index
