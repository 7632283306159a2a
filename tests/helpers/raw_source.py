"""A source whose articles are parsed by other processes, and ways to find these processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wikirank.corpus.sources.parallel import parsed_articles
from wikirank.types import Article


@dataclass(frozen=True)
class Line:
    """The raw form of an article."""

    text: str


@dataclass
class Lines:
    """A `RawSource`. Some texts are commands to the process that parses the article."""

    lines: list[str]
    read: int = 0
    location: str = "/wiki/lines"
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Article]:
        return parsed_articles(self)

    def read_raw(self) -> Generator[Line, None, None]:
        for text in self.lines:
            self.read += 1
            yield Line(text)

    def parse(self, raw: Line) -> Article:
        if raw.text == "KILLED":
            os.kill(os.getpid(), signal.SIGKILL)
        if raw.text == "EXIT":
            os._exit(3)
        if raw.text == "RAISE":
            message = "no such line"
            raise KeyError(message)
        if raw.text == "PRINT":
            os.write(1, b"among the answers")
            print("so is this", flush=True)  # noqa: T201
        return Article(raw.text[:20], raw.text)


def parse_workers(parent: int) -> set[int]:
    """Return the ids of the processes that parse articles for a parent process."""
    workers = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if status[0] != "Z" and int(status[1]) == parent and "sources.parallel" in command:
            workers.add(int(folder.name))
    return workers


def alive(processes: set[int], seconds: float = 20) -> set[int]:
    """Wait for processes to end; return those that still run after some seconds."""
    deadline = time.monotonic() + seconds
    while (left := set(filter(_runs, processes))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _runs(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
