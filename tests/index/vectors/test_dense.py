"""The dense index finds what an exact search finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wikirank.index.vectors.server import ServerVectors, embedded_client
from wikirank.types import Passage


def test_top_50_is_nearly_the_exact_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Clusters, as texts form them, and queries apart from them, as questions are from passages:
    # Chroma's own graph settings find less than nine tenths here.
    centres = rng.normal(size=(40, 384))
    vectors = centres[rng.integers(40, size=4000)] + rng.normal(size=(4000, 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    queries = rng.normal(size=(60, 384)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    index = ServerVectors.open(embedded_client(tmp_path), "recall", create=True)
    index.upsert([Passage(id=str(n), text=f"text {n}") for n in range(4000)], vectors)
    found, similarities = 0, 0.0
    for query in queries:
        hits = index.search(query, 50)
        exact = np.argsort(-(vectors @ query))[:50]
        found += len({int(id_) for id_, _ in hits} & set(exact.tolist()))
        similarities = max(similarities, abs(hits[0][1] - float(vectors[exact[0]] @ query)))
    assert found / (50 * len(queries)) >= 0.99
    assert similarities < 1e-5
