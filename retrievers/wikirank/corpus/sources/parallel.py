"""Articles of a `RawSource` parsed in several processes, in its order and in flat memory.

A worker is a plain child on pipes, not one of `multiprocessing`: that would import the caller's
main module in it, so that a script without `if __name__ == "__main__"` would run once more. It gets
no Ctrl-C from the terminal, and ends when its input does: it does not outlive its starter, even one
that was killed. `loky`, which leaves the main module alone too, was tried (3.7): its workers stay
for ever when their starter is killed, and run a `pickle.py` of the current folder.
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
"""Of a batch, without its last article. About 250 passages, a second's work for a core: few lie
in memory at a time, and little is done twice where a worker dies."""
_ARTICLES = 128


@dataclass(frozen=True, slots=True)
class ArticleBatch:
    """Articles that follow one another in a source, as it was read.

    Attributes:
        items: Articles, or what a `RawSource` makes them of.
        skipped: At the end of a part, the pages passed over in it, by reason.
        fault: Why the reading ended here; None if it did not.
    """

    items: Sequence[Article | RawArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None

    @property
    def characters(self) -> int:
        """Length of all texts."""
        return sum(len(item.text) for item in self.items)


def read_batches(
    part: Shard | Source, items: Iterable[Article | RawArticle] | None = None
) -> Iterator[ArticleBatch]:
    """Read a part of a source, or a source as a whole.

    Args:
        part: What to read.
        items: What is left of it, where its reading has begun; None for all.

    Yields:
        Its articles; an error of the source is the last batch's `fault`.
    """
    batch: list[Article | RawArticle] = []
    characters = 0
    fault: CorpusError | None = None
    if items is None:
        items = part.read_raw() if isinstance(part, RawSource) else part
    try:
        for item in items:
            batch.append(item)
            characters += len(item.text)
            if characters >= BATCH_CHARACTERS or len(batch) == _ARTICLES:
                yield ArticleBatch(batch)
                batch, characters = [], 0
    except CorpusError as err:
        fault = err
    yield ArticleBatch(batch, dict(part.skipped), fault)


class Answer(NamedTuple):
    """The articles of a batch, as far as they could be made.

    Attributes:
        articles: The articles.
        error: What was raised in place of the next; None if all were made.
        traceback: Where that was, as text.
    """

    articles: list[Article]
    error: Exception | None = None
    traceback: str = ""


def serve() -> None:
    """Answer each batch on standard input, until that ends because the starter is done or dead."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 1
    )  # Whatever prints must not do so among the answers.
    try:
        make = pickle.load(requests)
        while True:
            answers.write(pickle.dumps(_answer(make, pickle.load(requests)), protocol=5))
            answers.flush()
    except (EOFError, pickle.UnpicklingError, BrokenPipeError):
        os._exit(0)  # What is still in a buffer has no reader.


def _answer(make: Callable[[Any], Article], batch: Iterable[Any]) -> Answer:
    articles: list[Article] = []
    try:
        for item in batch:
            articles.append(make(item))  # noqa: PERF401 - those before an error are kept
    except Exception as err:
        return Answer(articles, err, format_exc())
    return Answer(articles)


_BOOTSTRAP = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from wikirank.corpus.sources.parallel import serve; serve()"
)
_NEW_PROCESS_GROUP = 0x200  # as Windows numbers it
_APART: dict[str, Any] = (
    {"creationflags": _NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
)


class ParseWorker:
    """The process; to be used by one thread at a time, but for `kill`."""

    def __init__(self, source: RawSource) -> None:
        """Start it.

        Args:
            source: Whose articles it is to parse.

        Raises:
            CorpusError: If the system starts no more processes.
        """
        self._location = source.location
        # Isolated: else a pickle.py in the current folder would be run.
        command = [sys.executable, "-I", "-c", _BOOTSTRAP]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, **_APART)
        except OSError as err:
            how = f"cannot be started: {err}"
            raise self._fault(how) from err
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        with suppress(OSError):  # If it is dead by now, the first batch shows it.
            pickle.dump(sys.path, self._requests)
            pickle.dump(source.parse, self._requests)
            self._requests.flush()

    def parse(self, batch: ArticleBatch) -> Answer:
        """The articles of a batch, as far as they could be made; CorpusError if it died."""
        try:
            pickle.dump(batch.items, self._requests, protocol=5)
            self._requests.flush()
            answer: Answer = pickle.load(self._answers)
        except (OSError, EOFError, pickle.UnpicklingError) as err:
            self.kill()
            how = f"ended: {_exit_reason(self._process.wait())}"
            raise self._fault(how) from err
        return answer

    def kill(self) -> None:
        """End it; whoever waits for its answer gets an error."""
        self._process.kill()

    def close(self) -> None:
        """Forget it, once it is killed."""
        self._process.wait()
        with suppress(OSError):  # There may be something left that it never took.
            self._requests.close()
        self._answers.close()

    def _fault(self, how: str) -> CorpusError:
        msg = (
            f"{self._location}: a process that parses its pages {how}. "
            "What came before is kept. Run the same again, or set "
            f"{THREADS_VARIABLE}=1 to do without such processes."
        )
        return CorpusError(msg)


def _exit_reason(status: int) -> str:
    """How a process ended."""
    if status == -getattr(signal, "SIGKILL", 9):
        return "killed by SIGKILL, as where memory runs out"
    if status < 0:
        return f"killed by signal {-status}"
    return f"exit status {status}, see its error output"


_PARSED_HERE = 2**21  # characters; about half a second, twice what a process takes to start
_MOST_PROCESSES = 8  # what one process can read, that many have their hands full with
_AHEAD = 2  # batches for each process that are read, or made, before they are wanted


def parsed_articles(source: RawSource) -> Generator[Article, None, None]:
    """Parse the articles of a source; most of them elsewhere, if there are many.

    There are as many processes as worker threads (`WIKIRANK_THREADS`, else the usable cores), 8 at
    most, and none for a source of under 2 million characters or with one thread. What is skipped
    is counted as pages are read, which is up to two batches of articles for each process ahead.

    Args:
        source: The source.

    Yields:
        The articles in its order. To close it ends the processes.

    Raises:
        CorpusError: In place of the article that cannot be read, or if a process dies.
    """
    processes = min(thread_count(), _MOST_PROCESSES) if _has_interpreter() else 1
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
    waiting: deque[tuple[ArticleBatch, Future[Answer]]] = deque()
    with _ParsePool(source, processes) as pool:
        while True:
            while _has_room(waiting, processes) and (batch := next(batches, None)):
                waiting.append((batch, pool.submit(batch)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            answer = future.result()
            yield from answer.articles
            if answer.error:
                raise answer.error from RuntimeError(f"in another process:\n{answer.traceback}")
            if batch.fault:
                raise batch.fault


def _has_interpreter() -> bool:
    """Whether there is a Python to start; a frozen program would start itself."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _has_room(waiting: deque[tuple[ArticleBatch, Any]], processes: int) -> bool:
    """Whether more may be read: by number, and by length as one page may be longer than all."""
    most = _AHEAD * processes
    characters = sum(batch.characters for batch, _ in waiting)
    return len(waiting) < most and characters < most * BATCH_CHARACTERS


class _ParsePool(Closing):
    """Processes, each with a thread of this one that talks to it."""

    def __init__(self, source: RawSource, processes: int) -> None:
        self._all: list[ParseWorker] = []
        self._idle: SimpleQueue[ParseWorker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="wikirank-parse")
        try:
            for _ in range(processes):
                self._all.append(ParseWorker(source))
                self._idle.put(self._all[-1])
        except BaseException:
            self.close()
            raise

    def submit(self, batch: ArticleBatch) -> Future[Answer]:
        """Have the articles of a batch parsed."""
        return self._threads.submit(self._parse, batch)

    def _parse(self, batch: ArticleBatch) -> Answer:
        worker = self._idle.get()
        try:
            return worker.parse(batch)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.close()
