"""Articles of a `RawSource` made in several processes, in its order and in flat memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from typing import Any

from wikirank.closing import Closing
from wikirank.corpus.sources.groups import GROUP_CHARACTERS, ReadGroup, read_groups
from wikirank.corpus.sources.maker import Maker
from wikirank.corpus.sources.maker_process import Answer
from wikirank.corpus.sources.parts import RawSource
from wikirank.runtime.workers import thread_count
from wikirank.types import Article

_MADE_HERE = 2**21  # characters; about half a second, twice what a process takes to start
_MOST_PROCESSES = 8  # what one process can read, that many have their hands full with
_AHEAD = 2  # groups for each process that are read, or made, before they are wanted


def made_articles(source: RawSource) -> Generator[Article, None, None]:
    """Make the articles of a source; most of them elsewhere, if there are many.

    There are as many processes as worker threads (`WIKIRANK_THREADS`, else the usable cores), 8 at
    most, and none for a source of under 2 million characters or with one thread. What is skipped
    is counted as pages are read, which is up to two groups of articles for each process ahead.

    Args:
        source: The source.

    Yields:
        The articles in its order. To close it ends the processes.

    Raises:
        CorpusError: In place of the article that cannot be read, or if a process dies.
    """
    processes = min(thread_count(), _MOST_PROCESSES) if _has_interpreter() else 1
    with closing(source.raw()) as items:
        made = 0
        for item in items:
            yield source.article(item)
            made += len(item.text)
            if made >= _MADE_HERE and processes > 1:
                groups = read_groups(source, items)
                yield from _made_elsewhere(source, groups, processes)
                return


def _made_elsewhere(
    source: RawSource, groups: Iterator[ReadGroup], processes: int
) -> Generator[Article, None, None]:
    waiting: deque[tuple[ReadGroup, Future[Answer]]] = deque()
    with _Makers(source, processes) as makers:
        while True:
            while _has_room(waiting, processes) and (group := next(groups, None)):
                waiting.append((group, makers.submit(group)))
            if not waiting:
                return
            group, future = waiting.popleft()
            answer = future.result()
            yield from answer.articles
            if answer.error:
                raise answer.error from RuntimeError(f"in another process:\n{answer.traceback}")
            if group.fault:
                raise group.fault


def _has_interpreter() -> bool:
    """Whether there is a Python to be started anew; a frozen program would start itself."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _has_room(waiting: deque[tuple[ReadGroup, Any]], processes: int) -> bool:
    """Whether more may be read: by number, and by length as one page may be longer than all."""
    most = _AHEAD * processes
    characters = sum(group.characters for group, _ in waiting)
    return len(waiting) < most and characters < most * GROUP_CHARACTERS


class _Makers(Closing):
    """Processes, each with a thread of this one that talks to it."""

    def __init__(self, source: RawSource, processes: int) -> None:
        self._all: list[Maker] = []
        self._idle: SimpleQueue[Maker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="wikirank-maker")
        try:
            for _ in range(processes):
                self._all.append(Maker(source))
                self._idle.put(self._all[-1])
        except BaseException:
            self.close()
            raise

    def submit(self, group: ReadGroup) -> Future[Answer]:
        """Have the articles of a group made."""
        return self._threads.submit(self._make, group)

    def _make(self, group: ReadGroup) -> Answer:
        maker = self._idle.get()
        try:
            return maker.make(group)
        finally:
            self._idle.put(maker)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for maker in self._all:
            maker.kill()
        self._threads.shutdown(cancel_futures=True)
        for maker in self._all:
            maker.close()
