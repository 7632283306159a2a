"""The workers of a Ray cluster, as the process that writes an index sees them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

from wikirank.closing import Closing
from wikirank.corpus import ChangingSource, DividedSource, RawSource, Source
from wikirank.embed import Embedder, load_embedder
from wikirank.errors import ClusterError, InvalidArgumentError
from wikirank.extras import require_extra
from wikirank.index.prepared import Job, PreparedArticle

# Ray passes blocks of rows from step to step. With so small ones each row, a group of articles, is
# a block of its own, so that any actor can have it as soon as it is read.
_BLOCK_BYTES = 1
# Shares of a CPU: one actor and one reading task fit on a single one. They are unlike each other so
# that Ray does not make one step of both, in which one actor would embed a source of one part.
_SHARE_TO_READ, _SHARE_TO_EMBED = 0.1, 0.9


class RayWorkers(Closing):
    """Reads, cuts and embeds sources on a Ray cluster; give it to `WikiIndex.add_source`.

    `RAY_ADDRESS` says which cluster; without it Ray starts one on this machine. It is connected to
    when it is first needed. A context manager that disconnects.
    """

    def __init__(self, *, make_embedder: Callable[[], Embedder] = load_embedder) -> None:
        """Connect to nothing yet.

        Args:
            make_embedder: Opens the index's model in a worker; must be importable there.

        Raises:
            MissingExtraError: If Ray is not installed.
        """
        require_extra("ray", "--ray", ["ray", "pyarrow"])
        self._make_embedder = make_embedder
        self._connected = False

    def count(self, source: Source) -> int | None:
        """Number of articles of a source; None where to know it, this process had to read all."""
        return None if isinstance(source, RawSource) else source.count()

    def prepare(self, job: Job) -> Generator[PreparedArticle, None, None]:
        """Make a source's articles ready, in its order; see `Workers`.

        Args:
            job: What to do.

        Yields:
            The articles.

        Raises:
            CorpusError: In place of the article that cannot be read.
            InvalidArgumentError: If the source is a live wiki.
            ClusterError: If there is no cluster, or it fails for good.
        """
        if isinstance(job.source, ChangingSource):
            msg = (
                f"{job.source.location} is a live wiki, which one polite client reads and which "
                "sets the pace; there is nothing to spread. Leave --ray out."
            )
            raise InvalidArgumentError(msg)
        from wikirank.cluster.groups import PreparedGroup, unpacked

        self._connect()
        with closing(self._tables(job)) as tables:
            for table in tables:
                group: PreparedGroup
                for group in unpacked(table):
                    yield from group.articles
                    job.skipped.update(group.skipped)
                    if group.fault:
                        raise group.fault

    def _tables(self, job: Job) -> Generator[Any, None, None]:
        with _ray_failures():
            with _quiet_context():
                batches = iter(
                    _dataset(job, self._make_embedder).iter_batches(
                        batch_size=None, batch_format="pyarrow"
                    )
                )
            with closing(batches):  # Else Ray would go on working for nobody.
                yield from batches

    def _connect(self) -> None:
        # Ray reports usage to its makers unless told not to; a library must not.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if ray.is_initialized():
            return
        with _ray_failures():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        self._connected = True

    def close(self) -> None:
        """Disconnect from the cluster, if it was not connected to before."""
        if self._connected:
            import ray

            ray.shutdown()
            self._connected = False


def _dataset(job: Job, make_embedder: Callable[[], Embedder]) -> Any:
    """The pipeline: the parts of the source, read by tasks, made ready by actors."""
    import pyarrow as pa
    import ray

    from wikirank.cluster.groups import packed
    from wikirank.cluster.steps import PreparingActor, Settings, digest_hints, read_part

    if isinstance(job.source, DividedSource):
        parts = list(job.source.parts())
        job.skipped.update(job.source.skipped)
    else:
        parts = [job.source]
    cpus = int(ray.cluster_resources().get("CPU", 1))
    readers = max(1, min(len(parts), max(2, cpus // 4)))  # Reading is quick.
    hints = ray.put(digest_hints(job.known))
    settings = Settings.of(job.source, job.splitter, job.model_id, make_embedder)
    return (
        ray.data.from_arrow([packed(part) for part in parts] or [pa.table({})])
        .map_batches(
            read_part,
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=_SHARE_TO_READ,
            compute=ray.data.TaskPoolStrategy(size=readers),
        )
        .map_batches(
            PreparingActor,
            fn_constructor_args=(settings, hints),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=_SHARE_TO_EMBED,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, cpus)),
        )
    )


@contextmanager
def _quiet_context() -> Iterator[None]:
    """Ray Data's settings for a dataset made within, while others of this process keep theirs."""
    import ray
    from ray.data import DataContext

    context = DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.target_max_block_size = _BLOCK_BYTES
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    with ray.data.DataContext.current(context):
        yield


@contextmanager
def _ray_failures() -> Iterator[None]:
    """Make errors of ours of what Ray raises; not of what a consumer does meanwhile."""
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
