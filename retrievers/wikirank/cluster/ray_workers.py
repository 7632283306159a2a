"""Use the workers of a Ray cluster from the process that writes an index."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from wikirank._extras import require_extra
from wikirank._util import Closing
from wikirank.corpus.source import ChangingSource, RawSource, Source
from wikirank.embed import Embedder, load_embedder
from wikirank.errors import InvalidArgumentError
from wikirank.index.ingest_workers import IngestJob, PreparedArticle

if TYPE_CHECKING:
    from wikirank.cluster.driver_process import DriverProcess
    from wikirank.cluster.pipeline import Request


class RayWorkers(Closing):
    """Parses, splits and embeds sources on a Ray cluster. Pass it to `WikiIndex.add_source`.

    `RAY_ADDRESS` names the cluster; without it, Ray starts one on this machine. A child process
    connects to the cluster at first use, so that this process survives any failure of the cluster.
    Use it as a context manager, which disconnects at the end.
    """

    def __init__(self, *, make_embedder: Callable[[], Embedder] = load_embedder) -> None:
        """Check that Ray is installed; this does not connect yet.

        Args:
            make_embedder: Opens the embedder of the index in a worker. It must be picklable, and
                importable there. The default opens the bundled embedder.

        Raises:
            MissingExtraError: If Ray is not installed.
        """
        require_extra("ray", "--ray", ["ray", "pyarrow"])
        self._make_embedder = make_embedder
        self._driver: DriverProcess | None = None

    def count(self, source: Source) -> int | None:
        """Count the articles of a source; None if this process would have to read all of it."""
        return None if isinstance(source, RawSource) else source.count()

    def prepare(self, job: IngestJob) -> Generator[PreparedArticle, None, None]:
        """Prepare the articles of a source in its order, see `IngestWorkers`."""
        if isinstance(job.source, ChangingSource):
            msg = (
                f"Expected files with --ray, got the live wiki {job.source.location}. Leave --ray "
                "out: only one client may read a wiki, at its pace."
            )
            raise InvalidArgumentError(msg)
        done = False
        try:
            for group in self._connect().prepare_groups(self._request(job)):
                yield from group.articles
                job.skipped.update(group.skipped)
                if group.fault:
                    raise group.fault
            done = True
        finally:
            if not done:
                self.close()  # Otherwise the cluster would keep working.

    def _connect(self) -> DriverProcess:
        from wikirank.cluster.driver_process import DriverProcess

        if self._driver is None:
            self._driver = DriverProcess()
        return self._driver

    def _request(self, job: IngestJob) -> Request:
        from wikirank.cluster.pipeline import Request
        from wikirank.cluster.steps import PrepareSettings, digest_hints

        settings = PrepareSettings.for_source(
            job.source, job.splitter, job.model_id, self._make_embedder
        )
        return Request(job.source, settings, digest_hints(job.known))

    def close(self) -> None:
        """Disconnect from the cluster and stop its work for this process."""
        if self._driver:
            self._driver.close()
            self._driver = None
