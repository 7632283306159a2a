"""The pipeline on a Ray cluster, in the process that is connected to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank.cluster.groups import PreparedGroup, row, unpacked
from wikirank.cluster.steps import PreparingActor, Settings, read_part
from wikirank.corpus.source import DividedSource, Shard, Source
from wikirank.errors import ClusterError, WikirankError

# Ray passes blocks of rows from step to step. With so small ones each row, a group of articles, is
# a block of its own, so that any actor can have it as soon as it is read.
_BLOCK_BYTES = 1
# Shares of a CPU: one actor and one reading task fit on a single one. They are unlike each other so
# that Ray does not make one step of both, in which one actor would embed a source of one part.
_SHARE_TO_READ, _SHARE_TO_EMBED = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Request:
    """A source to be made ready.

    Attributes:
        source: The source.
        settings: How.
        hints: The `digest_hints` of what the index has of it.
    """

    source: Source
    settings: Settings
    hints: NDArray[np.uint64]


def connect() -> None:
    """Connect to the cluster that `RAY_ADDRESS` names, or start one on this machine.

    Raises:
        ClusterError: If there is none at that address.
    """
    import ray
    from ray.data import DataContext

    with _ray_failures():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = _BLOCK_BYTES
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def prepared_groups(request: Request) -> Iterator[PreparedGroup]:
    """Make a source ready on the cluster that this process is connected to.

    Args:
        request: What to do.

    Yields:
        Its articles, in its order; an error of ours is the last group's `fault`.
    """
    try:
        source = request.source
        parts: Sequence[Shard | Source] = [source]
        if isinstance(source, DividedSource):
            parts = list(source.shards())
            yield PreparedGroup([], dict(source.skipped))
        if not parts:
            return
        with _ray_failures():
            dataset = _dataset(parts, request)
            for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield from unpacked(table)
    except WikirankError as err:
        yield PreparedGroup([], fault=err)


def _dataset(parts: Sequence[Shard | Source], request: Request) -> Any:
    """The pipeline: the parts of the source, read by tasks, made ready by actors."""
    import ray

    cpus = int(ray.cluster_resources().get("CPU", 1))
    readers = max(1, min(len(parts), max(2, cpus // 4)))  # Reading is quick.
    # Of tables, in place of rows, Ray would have a task look at each one.
    rows = ray.data.from_items([row(part) for part in parts], override_num_blocks=len(parts))
    return rows.map_batches(
        read_part,
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=_SHARE_TO_READ,
        compute=ray.data.TaskPoolStrategy(size=readers),
    ).map_batches(
        PreparingActor,
        fn_constructor_args=(request.settings, ray.put(request.hints)),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=_SHARE_TO_EMBED,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, cpus)),
    )


@contextmanager
def _ray_failures() -> Iterator[None]:
    """Make errors of ours of what Ray raises."""
    from ray.data.exceptions import ExecutionTimeoutError, SystemException
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, ExecutionTimeoutError, SystemException, ConnectionError) as err:
        reason = str(err).strip().rpartition("\n")[2]
        msg = (
            f"The Ray cluster failed ({reason}). What was written is kept. See that the cluster "
            "runs (`ray status`; RAY_ADDRESS names it), and run the same again."
        )
        raise ClusterError(msg) from err
