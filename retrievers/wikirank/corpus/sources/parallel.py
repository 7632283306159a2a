"""Parse the articles of a `RawSource` in several processes, in order and in constant memory.

A worker is a plain child process on pipes. `multiprocessing` would import the caller's main module
in each worker, so a script without `if __name__ == "__main__"` would run again. Our worker ignores
Ctrl-C in the terminal and ends when its input ends, so it does not outlive its parent, even one
that was killed. `loky` 3.7 leaves the main module alone too, but its workers stay for ever when
their parent is killed, and they run a `pickle.py` of the current folder.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from traceback import format_exc
from typing import IO, Any, NamedTuple, cast

from wikirank._util import Closing
from wikirank.corpus.source import RawArticle, RawSource, Shard, Source
from wikirank.errors import CorpusError, WikirankError
from wikirank.runtime.workers import THREADS_VARIABLE, thread_count
from wikirank.types import Article

BATCH_CHARACTERS = 2**17
"""Size of a batch without its last article: about 250 passages, a second's work for one core. This
keeps memory low, and little work is repeated if a worker dies."""
_MAX_ARTICLES = 128


@dataclass(frozen=True, slots=True)
class ArticleBatch:
    """Consecutive articles of a source.

    Attributes:
        items: Articles, or the raw articles of a `RawSource`.
        skipped: Number of skipped pages by reason; set only in the last batch of a shard.
        fault: The error that ended the iteration with this batch, or None.
    """

    items: Sequence[Article | RawArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None

    @property
    def characters(self) -> int:
        """Length of all texts."""
        return sum(len(item.text) for item in self.items)


def read_batches(
    shard: Shard | Source, items: Iterable[Article | RawArticle] | None = None
) -> Iterator[ArticleBatch]:
    """Read a shard or a whole source in batches.

    Args:
        shard: The shard or source.
        items: The remaining items if the shard has been read in part; None reads all.

    Yields:
        The batches; a CorpusError becomes the `fault` of the last one.
    """
    batch: list[Article | RawArticle] = []
    characters = 0
    fault: CorpusError | None = None
    if items is None:
        items = shard.read_raw() if isinstance(shard, RawSource) else shard
    try:
        for item in items:
            batch.append(item)
            characters += len(item.text)
            if characters >= BATCH_CHARACTERS or len(batch) == _MAX_ARTICLES:
                yield ArticleBatch(batch)
                batch, characters = [], 0
    except CorpusError as err:
        fault = err
    yield ArticleBatch(batch, dict(shard.skipped), fault)


class ParsedBatch(NamedTuple):
    """The parsed articles of a batch, up to the first error.

    Attributes:
        articles: The articles.
        error: The error raised by the next article; None if all were parsed.
        traceback: Traceback of the error, as text.
    """

    articles: list[Article]
    error: Exception | None = None
    traceback: str = ""


def serve() -> None:
    """Parse each batch on standard input, until the parent closes it or dies."""
    requests, responses = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Printed text must not get among the responses.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        parse = pickle.load(requests)
        while True:
            responses.write(pickle.dumps(_parse_batch(parse, pickle.load(requests)), protocol=5))
            responses.flush()
    except (EOFError, pickle.UnpicklingError, BrokenPipeError):
        os._exit(0)  # Nobody reads what is still in a buffer.


def _parse_batch(parse: Callable[[Any], Article], batch: Iterable[Any]) -> ParsedBatch:
    articles: list[Article] = []
    try:
        for item in batch:
            articles.append(parse(item))  # noqa: PERF401 - keeps the articles before an error
    except Exception as err:
        return ParsedBatch(articles, err, format_exc())
    return ParsedBatch(articles)


_BOOTSTRAP = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from wikirank.corpus.sources.parallel import serve; serve()"
)
_NEW_PROCESS_GROUP = 0x200  # CREATE_NEW_PROCESS_GROUP of Windows
# Keeps the terminal's Ctrl-C away from the worker.
_DETACHED: dict[str, Any] = (
    {"creationflags": _NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
)


class ParseWorker:
    """A process that parses articles. Only `kill` may be called while another call is running."""

    def __init__(self, source: RawSource) -> None:
        """Start the process.

        Args:
            source: Its `parse` is called for each raw article.

        Raises:
            CorpusError: If the process cannot be started.
        """
        self._location = source.location
        # -I (isolated): otherwise a pickle.py in the current folder would be run.
        command = [sys.executable, "-I", "-c", _BOOTSTRAP]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, **_DETACHED)
        except OSError as err:
            what = f"cannot be started: {err}"
            raise self._error(what) from err
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._responses = cast("IO[bytes]", self._process.stdout)
        with suppress(OSError):  # If it has died already, `parse` raises the error.
            pickle.dump(sys.path, self._requests)
            pickle.dump(source.parse, self._requests)
            self._requests.flush()

    def parse(self, batch: ArticleBatch) -> ParsedBatch:
        """Parse a batch; CorpusError if the process has died."""
        try:
            pickle.dump(batch.items, self._requests, protocol=5)
            self._requests.flush()
            parsed: ParsedBatch = pickle.load(self._responses)
        except (OSError, EOFError, pickle.UnpicklingError) as err:
            self.kill()
            what = f"ended: {_exit_reason(self._process.wait())}"
            raise self._error(what) from err
        return parsed

    def kill(self) -> None:
        """Kill the process; a running `parse` raises CorpusError."""
        self._process.kill()

    def close(self) -> None:
        """Release the killed process and its pipes."""
        self._process.wait()
        with suppress(OSError):  # The buffer may hold data that was never sent.
            self._requests.close()
        self._responses.close()

    def _error(self, what: str) -> CorpusError:
        msg = (
            f"{self._location}: a process that parses its pages {what}. "
            "The articles before are kept. Run the same command again, or set "
            f"{THREADS_VARIABLE}=1 to parse in one process."
        )
        return CorpusError(msg)


def _exit_reason(status: int) -> str:
    if status == -getattr(signal, "SIGKILL", 9):
        return "killed by SIGKILL, perhaps because memory ran out"
    if status < 0:
        return f"killed by signal {-status}"
    return f"exit status {status}, see its error output"


_PARSED_HERE = 2**21  # characters; about half a second, twice the time a process takes to start
_MAX_PROCESSES = 8  # one reading process cannot keep more of them busy
_BATCHES_AHEAD = 2  # batches per process that are read or parsed in advance


def parsed_articles(source: RawSource) -> Generator[Article, None, None]:
    """Parse the articles of a source, in several processes if there are many.

    The number of processes is that of worker threads (`WIKIRANK_THREADS`, otherwise the usable
    cores), at most 8. With one thread, and for the first 2 million characters, this process parses
    alone. Reading, and so the counts in `source.skipped`, may be two batches per process ahead.

    Args:
        source: The source.

    Yields:
        The articles in the source's order. Closing the generator ends the processes.

    Raises:
        CorpusError: If an article cannot be read (after the ones before it), or a process dies.
    """
    processes = min(thread_count(), _MAX_PROCESSES) if _has_interpreter() else 1
    with closing(source.read_raw()) as items:
        parsed = 0
        for item in items:
            yield source.parse(item)
            parsed += len(item.text)
            if parsed >= _PARSED_HERE and processes > 1:
                batches = read_batches(source, items)
                yield from _parsed_in_workers(source, batches, processes)
                return


def _parsed_in_workers(
    source: RawSource, batches: Iterator[ArticleBatch], processes: int
) -> Generator[Article, None, None]:
    pending: deque[tuple[ArticleBatch, Future[ParsedBatch]]] = deque()
    with _ParsePool(source, processes) as pool:
        while True:
            while _has_room(pending, processes) and (batch := next(batches, None)):
                pending.append((batch, pool.submit(batch)))
            if not pending:
                return
            batch, future = pending.popleft()
            parsed = future.result()
            yield from parsed.articles
            if parsed.error:
                raise parsed.error from RuntimeError(f"in another process:\n{parsed.traceback}")
            if batch.fault:
                raise batch.fault


def _has_interpreter() -> bool:
    """Whether there is a Python to start; a frozen program would start itself."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _has_room(pending: deque[tuple[ArticleBatch, Any]], processes: int) -> bool:
    """Whether to read another batch. Limits characters too, because one page may be huge."""
    limit = _BATCHES_AHEAD * processes
    characters = sum(batch.characters for batch, _ in pending)
    return len(pending) < limit and characters < limit * BATCH_CHARACTERS


class _ParsePool(Closing):
    """Worker processes, each served by a thread of this process."""

    def __init__(self, source: RawSource, processes: int) -> None:
        self._workers: list[ParseWorker] = []
        self._idle: SimpleQueue[ParseWorker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="wikirank-parse")
        try:
            for _ in range(processes):
                self._workers.append(ParseWorker(source))
                self._idle.put(self._workers[-1])
        except BaseException:
            self.close()
            raise

    def submit(self, batch: ArticleBatch) -> Future[ParsedBatch]:
        """Parse a batch in an idle worker."""
        return self._threads.submit(self._parse, batch)

    def _parse(self, batch: ArticleBatch) -> ParsedBatch:
        worker = self._idle.get()
        try:
            return worker.parse(batch)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Kill the processes, even busy ones."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()
