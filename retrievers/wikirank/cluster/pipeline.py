"""The pipeline on a Ray cluster, as run by the process that is connected to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank.cluster.groups import PreparedGroup, pack_row, unpack
from wikirank.cluster.steps import PrepareActor, PrepareSettings, read_shard
from wikirank.corpus.source import DividedSource, Shard, Source
from wikirank.errors import ClusterError, WikirankError

# Ray passes blocks of rows from step to step. With this limit each row, a group of articles, is its
# own block, so that any actor can have it as soon as it is read.
_BLOCK_BYTES = 1
# Fractions of a CPU: one actor and one reading task fit on one CPU. They differ so that Ray does
# not fuse the two steps, because then a single actor would embed a source of one shard.
_CPUS_TO_READ, _CPUS_TO_EMBED = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Request:
    """A source to prepare.

    Attributes:
        source: The source.
        settings: How to prepare its articles.
        hints: `digest_hints` of the articles that the index already has.
    """

    source: Source
    settings: PrepareSettings
    hints: NDArray[np.uint64]


def connect() -> None:
    """Connect to the cluster in `RAY_ADDRESS`, or start one on this machine.

    Raises:
        ClusterError: If there is no cluster at that address.
    """
    import ray
    from ray.data import DataContext

    with _translate_errors():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = _BLOCK_BYTES
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def prepare_groups(request: Request) -> Iterator[PreparedGroup]:
    """Prepare a source on the cluster that this process is connected to.

    Args:
        request: The source and how to prepare it.

    Yields:
        The articles in source order. A `WikirankError` is the `fault` of the last group.
    """
    try:
        source = request.source
        shards: Sequence[Shard | Source] = [source]
        if isinstance(source, DividedSource):
            shards = list(source.shards())
            yield PreparedGroup([], dict(source.skipped))
        if not shards:
            return
        with _translate_errors():
            dataset = _build_dataset(shards, request)
            for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield from unpack(table)
    except WikirankError as err:
        yield PreparedGroup([], fault=err)


def _build_dataset(shards: Sequence[Shard | Source], request: Request) -> Any:
    """Build the pipeline: tasks read the shards of the source, actors prepare the articles."""
    import ray

    cpus = int(ray.cluster_resources().get("CPU", 1))
    readers = max(1, min(len(shards), max(2, cpus // 4)))  # Reading is quick.
    # Rows instead of tables, because Ray would inspect each table in a task.
    rows = ray.data.from_items(list(map(pack_row, shards)), override_num_blocks=len(shards))
    return rows.map_batches(
        read_shard,
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=_CPUS_TO_READ,
        compute=ray.data.TaskPoolStrategy(size=readers),
    ).map_batches(
        PrepareActor,
        fn_constructor_args=(request.settings, ray.put(request.hints)),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=_CPUS_TO_EMBED,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, cpus)),
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise Ray's errors as `ClusterError`."""
    from ray.data.exceptions import ExecutionTimeoutError, SystemException
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, ExecutionTimeoutError, SystemException, ConnectionError) as err:
        reason = str(err).strip().rpartition("\n")[2]
        msg = (
            f"The Ray cluster failed ({reason}). Everything written so far is kept. Check that the "
            "cluster runs (`ray status`; RAY_ADDRESS names it), and run the same command again."
        )
        raise ClusterError(msg) from err
