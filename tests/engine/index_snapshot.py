"""All that an index holds, in each of its three parts, for comparing two of them."""

from __future__ import annotations

from typing import Any

import chromadb
import numpy as np

from wikirank.index import WikiIndex


def snapshot(index: WikiIndex) -> dict[str, Any]:
    """Passages, ledger, Chroma records and lexical hits of an index."""
    connection = index.store.connection
    chroma = chromadb.PersistentClient(
        str(index.path / "chroma"), chromadb.Settings(anonymized_telemetry=False)
    ).get_collection("wikirank", embedding_function=None)
    records = chroma.get(include=["embeddings", "documents", "metadatas"])
    passages = index.store.get(records["ids"])
    return {
        "passages": sorted(connection.execute("SELECT * FROM passages").fetchall()),
        "articles": sorted(connection.execute("SELECT * FROM articles").fetchall()),
        "pending": connection.execute("SELECT * FROM pending").fetchall(),
        "chroma": {
            id_: (text, metadata, np.round(vector, 5).tolist())
            for id_, text, metadata, vector in zip(
                records["ids"],
                records["documents"] or [],
                records["metadatas"] or [],
                np.asarray(records["embeddings"]),
                strict=True,
            )
        },
        "lexical": index.lexical.count(),
        "lexical hits": {
            id_: dict(index.lexical.search(passage.text, 1000)).keys()
            for id_, passage in passages.items()
        },
    }
