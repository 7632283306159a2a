"""A tiny wiki written for the tests, and an index of it with the real embedder and Chroma."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mediawiki_wiki import WIKI_PAGES, Wiki, skip_without_mediawiki

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


@pytest.fixture(scope="session")
def filled_wiki(tmp_path_factory: pytest.TempPathFactory) -> Wiki:
    """A MediaWiki with a few pages, which tests copy."""
    skip_without_mediawiki()
    wiki = Wiki.install(tmp_path_factory.mktemp("mediawiki") / "wiki")
    with wiki:
        for title, text in WIKI_PAGES.items():
            wiki.edit(title, text)
        wiki.run_jobs()
    return wiki


@pytest.fixture
def wiki(filled_wiki: Wiki, tmp_path: Path) -> Iterator[Wiki]:
    """A MediaWiki of a test's own, being served."""
    with filled_wiki.copy(tmp_path / "wiki") as wiki:
        yield wiki


@pytest.fixture(scope="module")
def pair_model(minilm: Path) -> Any:
    """MiniLM under a new pair head, in torch, always the same."""
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import starting_model

    return starting_model(find_base(str(minilm)), seed=3, max_length=128)
