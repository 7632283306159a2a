"""Metrics of the server in the format of Prometheus."""

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
    """Counts requests and their times. Safe to use from several threads.

    Args:
        queue: Queue whose length to report.
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
        """Count a request by path and HTTP status, and the seconds that it took."""
        bucket = next((i for i, limit in enumerate(_BUCKETS) if seconds <= limit), len(_BUCKETS))
        with self._lock:
            self._requests[path, status] += 1
            self._seconds[path] += seconds
            self._buckets[path][bucket] += 1

    def add_stages(self, timings_ms: Mapping[str, float]) -> None:
        """Add the milliseconds of each stage of a search or reranking, except `total`."""
        with self._lock:
            for stage, ms in timings_ms.items():
                if stage != "total":
                    seconds, count = self._stages.get(stage, (0.0, 0))
                    self._stages[stage] = seconds + ms / 1000, count + 1

    @contextmanager
    def observe(self, step: SearchStep) -> Iterator[None]:
        """Add the stages of a search step when it ends."""
        yield
        self.add_stages(step.timings)

    def add_documents(self, count: int) -> None:
        """Count documents reranked for clients."""
        with self._lock:
            self._documents += count

    def render(self) -> str:
        """Return all metrics in the text format of Prometheus."""
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
            for limit, count in zip((*_BUCKETS, "+Inf"), buckets, strict=True):
                total += count
                yield f'wikirank_request_seconds_bucket{{path="{path}",le="{limit}"}} {total}'
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
        yield from _head("wikirank_queue_running", "gauge", "Requests that are running.")
        yield f"wikirank_queue_running {queue.running}"
        yield from _head("wikirank_queue_waiting", "gauge", "Requests that are waiting.")
        yield f"wikirank_queue_waiting {queue.waiting}"
        yield from _head("wikirank_queue_refused_total", "counter", "Requests answered with 429.")
        yield f"wikirank_queue_refused_total {queue.refused}"
        yield from _head("wikirank_queue_abandoned_total", "counter", "Clients that disconnected.")
        yield f"wikirank_queue_abandoned_total {queue.abandoned}"


class MetricsMiddleware:
    """ASGI middleware that counts every request.

    Args:
        app: The application behind this middleware.
        metrics: The metrics to add the requests to.
        paths: Paths to count separately; all others count as `other`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = perf_counter()

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            path = scope["path"] if scope["path"] in self._paths else _OTHER
            self._metrics.add_request(path, status, perf_counter() - started)


def _head(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {name} {description}", f"# TYPE {name} {kind}"
