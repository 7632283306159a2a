"""What the server did, as Prometheus reads it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wikirank.search.steps import SearchStep
from wikirank.serve.queue import WorkQueue

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OTHER = "other"


class Metrics:
    """Counts requests and the time they took; threads may share it.

    Args:
        queue: Whose length to tell.
    """

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int], int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._stages: dict[str, tuple[float, int]] = {}
        self._documents = 0

    def add_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request to one of a few paths, its HTTP status, and the seconds to its end."""
        bucket = next((i for i, most in enumerate(_BUCKETS) if seconds <= most), len(_BUCKETS))
        with self._lock:
            self._requests[path, status] += 1
            self._seconds[path] += seconds
            self._buckets[path][bucket] += 1

    def add_stages(self, timings_ms: Mapping[str, float]) -> None:
        """Count the milliseconds by stage of a search or reranking, without `total`."""
        with self._lock:
            for stage, ms in timings_ms.items():
                if stage != "total":
                    seconds, count = self._stages.get(stage, (0.0, 0))
                    self._stages[stage] = seconds + ms / 1000, count + 1

    @contextmanager
    def observe(self, step: SearchStep) -> Iterator[None]:
        """Count the stages of a search, step by step."""
        yield
        self.add_stages(step.timings)

    def add_documents(self, count: int) -> None:
        """Count documents that were reranked for clients."""
        with self._lock:
            self._documents += count

    def render(self) -> str:
        """Everything in Prometheus' text format."""
        with self._lock:
            lines = [*self._request_lines(), *self._stage_lines(), *self._queue_lines()]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> Iterator[str]:
        yield from _head("wikirank_requests_total", "counter", "Requests answered.")
        for (path, status), count in sorted(self._requests.items()):
            yield f'wikirank_requests_total{{path="{path}",status="{status}"}} {count}'
        yield from _head("wikirank_request_seconds", "histogram", "Seconds until the answer.")
        for path, buckets in sorted(self._buckets.items()):
            total = 0
            for most, count in zip((*_BUCKETS, "+Inf"), buckets, strict=True):
                total += count
                yield f'wikirank_request_seconds_bucket{{path="{path}",le="{most}"}} {total}'
            yield f'wikirank_request_seconds_sum{{path="{path}"}} {self._seconds[path]:.6f}'
            yield f'wikirank_request_seconds_count{{path="{path}"}} {total}'

    def _stage_lines(self) -> Iterator[str]:
        yield from _head("wikirank_stage_seconds", "summary", "Seconds of each stage.")
        for stage, (seconds, count) in sorted(self._stages.items()):
            yield f'wikirank_stage_seconds_sum{{stage="{stage}"}} {seconds:.6f}'
            yield f'wikirank_stage_seconds_count{{stage="{stage}"}} {count}'
        yield from _head("wikirank_documents_total", "counter", "Documents reranked for clients.")
        yield f"wikirank_documents_total {self._documents}"

    def _queue_lines(self) -> Iterator[str]:
        queue = self._queue
        yield from _head("wikirank_queue_running", "gauge", "Requests being worked on.")
        yield f"wikirank_queue_running {queue.running}"
        yield from _head("wikirank_queue_waiting", "gauge", "Requests that wait.")
        yield f"wikirank_queue_waiting {queue.waiting}"
        yield from _head("wikirank_queue_refused_total", "counter", "Requests answered with 429.")
        yield f"wikirank_queue_refused_total {queue.refused}"
        yield from _head("wikirank_queue_abandoned_total", "counter", "Clients that hung up.")
        yield f"wikirank_queue_abandoned_total {queue.abandoned}"


class Measured:
    """ASGI middleware that counts every request.

    Args:
        app: What answers the requests.
        metrics: Where to count.
        paths: The paths to tell apart; all others are counted as one.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path = scope["path"] if scope["path"] in self._paths else _OTHER
            self._metrics.add_request(path, status, perf_counter() - started)


def _head(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"
