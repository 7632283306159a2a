"""Concurrent clients: questions per second from 1, 4 and 16 clients, as one table.

Usage: python benchmarks/concurrency.py CACHE [--clients 1 4 16] [--questions 64]
           [--distractors 10000] [--only NAME ...] [--json]

Threads query one `WikiRetriever`, or LangChain's stock stack, each in its own process. HTTP clients
query the JSON API of `wikirank serve`. Each client asks its next question once the last is
answered. Corpus, weights and indexes are those of `question_latency.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import httpx
from contestants.processes import child_environment
from contestants.stacks import CANDIDATES, OURS, STOCK, K
from corpora import STACKS, Stacks
from machine import print_result
from rerank_speed import PAUSE, prepared_weights
from squad import SQUAD, load_squad, sample_questions
from timing import Timings, ask_from_threads, markdown_table, rounded

HTTP = "http"
LABELS = {
    OURS: "`WikiRetriever`, threads",
    HTTP: "`wikirank serve`, HTTP",
    STOCK: f"{STACKS[STOCK]}, threads",
}
_SECONDS = 600.0

AskAll = Callable[[Sequence[str], int], dict[str, Any]]


def main() -> None:
    """Open each contestant in turn, ask it, and print the table."""
    given = _arguments()
    weights = prepared_weights(given.cache) if STOCK in given.only else given.cache
    stacks = Stacks.prepare(given.cache, given.data, given.distractors, weights)
    drawn = sample_questions(load_squad(given.data), given.questions)
    questions = [question for question, _ in drawn]
    measured: dict[str, dict[int, dict[str, Any]]] = {}
    for name in given.only:
        with _opened(stacks, name) as ask_all:
            ask_all(questions[:2], 1)  # Warms up.
            measured[name] = {}
            for clients in given.clients:
                sleep(PAUSE)
                measured[name][clients] = ask_all(questions, clients)
                print(f"{name}, {clients} clients: done", file=sys.stderr, flush=True)
    print_result(table(measured), measured, as_json=given.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=SQUAD)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--distractors", type=int, default=10000)
    parser.add_argument("--only", nargs="+", choices=list(LABELS), default=list(LABELS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@contextmanager
def _opened(stacks: Stacks, name: str) -> Iterator[AskAll]:
    if name == HTTP:
        with _served(stacks) as address:
            yield lambda questions, clients: ask_from_threads(
                lambda: _http_client(address), questions, clients
            )
        return
    with stacks.open(name) as process:
        yield lambda questions, clients: process.ask(questions=list(questions), clients=clients)


@contextmanager
def _served(stacks: Stacks) -> Iterator[str]:
    command = [sys.executable, "-m", "wikirank", "serve", "--port", "0", "--no-open", "--index"]
    server = subprocess.Popen(
        [*command, str(stacks.index(OURS))],
        env={**child_environment(own=True), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            sys.exit("The server ended; see its output above.")
        yield line.split()[0]
    finally:
        server.terminate()
        server.communicate()


def _http_client(address: str) -> Callable[[str], object]:
    client = httpx.Client(base_url=address, timeout=_SECONDS)

    def ask(question: str) -> object:
        search = {"query": question, "k": K, "fetch_k": CANDIDATES}
        return client.post("/api/search", json=search).raise_for_status().json()

    return ask


def table(measured: dict[str, dict[int, dict[str, Any]]]) -> str:
    """Return the Markdown table.

    Args:
        measured: Results of `ask_from_threads`, by name and number of clients.

    Returns:
        The table. Ratios are to LangChain's stock stack with as many clients, if it took part, and
        to the same contestant with the fewest clients.
    """
    header = ["questions/s, × stock", "× fewest clients", "clients", "what", "questions/s"]
    header += ["p50 / p95 ms", "failed"]
    rows = []
    for name, by_clients in measured.items():
        fewest = _per_second(by_clients[min(by_clients)])
        for clients, asked in by_clients.items():
            stock = measured.get(STOCK, {}).get(clients)
            rows.append(
                [
                    "–" if stock is None else _ratio(_per_second(asked), _per_second(stock)),
                    _ratio(_per_second(asked), fewest),
                    str(clients),
                    LABELS[name],
                    rounded(_per_second(asked)),
                    Timings(asked["latencies"]).cell() if asked["latencies"] else "–",
                    f"{asked['failed']} ({asked['failure']})" if asked["failed"] else "0",
                ]
            )
    return markdown_table(header, rows)


def _per_second(asked: dict[str, Any]) -> float:
    return len(asked["latencies"]) / float(asked["seconds"])


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "–"


if __name__ == "__main__":
    main()
