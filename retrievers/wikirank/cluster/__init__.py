"""Reading, cutting and embedding on many machines, with Ray; needs the [ray] extra.

One pipeline of two steps, which Ray Data streams: tasks read parts of the source, actors with the
model make its articles ready. The process that started it receives them in the source's order and
is the only one that writes, so that what makes an index safe is the same with Ray and without.
"""

from __future__ import annotations

from wikirank.cluster.ray_workers import RayWorkers

__all__ = ["RayWorkers"]
