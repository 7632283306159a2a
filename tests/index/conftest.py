"""What an undisturbed run leaves, for tests of disturbed ones."""

from __future__ import annotations

from typing import Any

import pytest
from index_snapshot import snapshot
from wiki_versions import write

from wikirank.corpus import open_source
from wikirank.index import WikiIndex


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Snapshot of an index of the third version."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with WikiIndex.create(folder / "index") as index:
        index.add_source(open_source(write(folder / "wiki.jsonl", 3)))
        return snapshot(index)
