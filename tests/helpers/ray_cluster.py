"""A Ray cluster of separate processes on this machine, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

_LONGEST_WAIT = 300  # seconds, on a machine that is busy with other things
_NODE_ARGS = {"object_store_memory": 2**27}
# Tests need no dashboard, no autoscaling and no log monitor.
_HEAD_ARGS = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False}

_Result = TypeVar("_Result")

RAY_MARKS = [
    pytest.mark.slow,
    # Caused by Ray: deprecated settings, and sockets and files that it leaves open.
    pytest.mark.filterwarnings("ignore:.use_\\w+. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@contextmanager
def ray_cluster(nodes: int, *, head_cpus: int = 0) -> Iterator[Any]:
    """Start a head node and nodes of one CPU each, and set RAY_ADDRESS."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_register_timeout_seconds", str(_LONGEST_WAIT))
        head = {**_NODE_ARGS, **_HEAD_ARGS, "num_cpus": head_cpus}
        cluster = _retried(lambda: Cluster(initialize_head=True, head_node_args=head))
        try:
            patch.setenv("RAY_ADDRESS", cluster.address)
            for _ in range(nodes):
                add_node(cluster)
            yield cluster
        finally:
            cluster.shutdown()


def add_node(cluster: Any) -> None:
    """Add a node of one CPU to a cluster."""
    _retried(lambda: cluster.add_node(wait=False, num_cpus=1, **_NODE_ARGS))
    cluster.wait_for_nodes(timeout=_LONGEST_WAIT)


def _retried(start: Callable[[], _Result], attempts: int = 10) -> _Result:
    # Ray gives a node 15 seconds to start, whatever the settings; a busy machine may need more.
    try:
        return start()
    except Exception as err:
        if attempts == 1 or "timed out during startup" not in str(err):
            raise
    return _retried(start, attempts - 1)


def busy_workers(node: Any) -> list[int]:
    """Return the ids of a node's processes that read articles or hold the model."""
    raylet = node.all_processes["raylet"][0].process.pid
    workers = []
    for pid in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        if title.startswith(b"ray::") and b"MapBatches" in title:
            workers.append(int(pid))
    return workers
