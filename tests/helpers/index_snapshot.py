"""The full content of an index, to compare two indexes."""

from __future__ import annotations

from typing import Any

import numpy as np

from wikirank.index import WikiIndex


def snapshot(index: WikiIndex) -> dict[str, Any]:
    """Return passages, ledger, Chroma records and lexical hits of an index."""
    connection = index.store.connection
    records = index.dense.get(list(index.dense.ids()))
    passages = index.store.get(list(records))
    return {
        "passages": sorted(connection.execute("SELECT * FROM passages").fetchall()),
        "articles": sorted(connection.execute("SELECT * FROM articles").fetchall()),
        "pending": connection.execute("SELECT * FROM pending").fetchall(),
        "chroma": {
            id_: (record.text, record.metadata, np.round(record.vector, 5).tolist())
            for id_, record in records.items()
        },
        "lexical": index.lexical.count(),
        "lexical hits": {
            id_: dict(index.lexical.search(passage.text, 1000)).keys()
            for id_, passage in passages.items()
        },
    }
