"""The workers of a Ray cluster, as the process that writes an index sees them."""

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
    """Reads, cuts and embeds sources on a Ray cluster; give it to `WikiIndex.add_source`.

    `RAY_ADDRESS` says which cluster; without it Ray starts one on this machine. A process of its
    own connects to it when that is first needed, so that whatever becomes of the cluster, this
    process lives. A context manager that disconnects.
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
        self._driver: DriverProcess | None = None

    def count(self, source: Source) -> int | None:
        """Number of articles of a source; None where to know it, this process had to read all."""
        return None if isinstance(source, RawSource) else source.count()

    def prepare(self, job: IngestJob) -> Generator[PreparedArticle, None, None]:
        """Make a source's articles ready, in its order; see `IngestWorkers`."""
        if isinstance(job.source, ChangingSource):
            msg = (
                f"{job.source.location} is a live wiki, which one polite client reads and which "
                "sets the pace; there is nothing to spread. Leave --ray out."
            )
            raise InvalidArgumentError(msg)
        done = False
        try:
            for group in self._connected().answers(self._request(job)):
                yield from group.articles
                job.skipped.update(group.skipped)
                if group.fault:
                    raise group.fault
            done = True
        finally:
            if not done:
                self.close()  # It would go on working for nobody.

    def _connected(self) -> DriverProcess:
        from wikirank.cluster.driver_process import DriverProcess

        if self._driver is None:
            self._driver = DriverProcess()
        return self._driver

    def _request(self, job: IngestJob) -> Request:
        from wikirank.cluster.pipeline import Request
        from wikirank.cluster.steps import Settings, digest_hints

        settings = Settings.of(job.source, job.splitter, job.model_id, self._make_embedder)
        return Request(job.source, settings, digest_hints(job.known))

    def close(self) -> None:
        """Disconnect from the cluster, and stop what it still does for this process."""
        if self._driver:
            self._driver.close()
            self._driver = None
