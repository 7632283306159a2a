"""Parse, split and embed on many machines with Ray. Needs the [ray] extra.

Ray Data streams a pipeline of two steps: tasks read shards of the source, then actors with the
embedding model prepare the articles. The process that started the pipeline receives the articles
in source order, and it alone writes the index. So an index is as safe with Ray as without.
"""

from __future__ import annotations

from wikirank.cluster.ray_workers import RayWorkers

__all__ = ["RayWorkers"]
