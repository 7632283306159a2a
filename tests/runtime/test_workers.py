"""The shared pool keeps order, passes errors on, and serves many callers at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.workers import map_ordered, thread_count


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.01 if number % 5 == 0 else 0)
        return number * number

    assert list(map_ordered(slow_first, range(50))) == [number**2 for number in range(50)]


def test_nothing_gives_nothing() -> None:
    assert list(map_ordered(len, [])) == []


def test_an_error_comes_through_and_what_has_not_begun_is_cancelled() -> None:
    begun: list[int] = []

    def fails_at_three(number: int) -> None:
        begun.append(number)
        if number == 3:
            message = "three"
            raise KeyError(message)

    with pytest.raises(KeyError, match="three"):
        list(map_ordered(fails_at_three, range(10_000)))
    assert len(begun) <= 4 + 2 * thread_count()


def test_items_are_drawn_as_there_is_room_for_them() -> None:
    finished = 0
    lock = threading.Lock()
    ahead: list[int] = []

    def items() -> Iterator[int]:
        for number in range(200):
            ahead.append(number - finished)
            yield number

    def finish(_: int) -> None:
        nonlocal finished
        with lock:
            finished += 1

    list(map_ordered(finish, items()))
    assert max(ahead) <= 2 * thread_count()


def test_many_threads_may_call_at_once() -> None:
    with ThreadPoolExecutor(16) as callers:
        sums = callers.map(lambda n: sum(map_ordered(lambda i: i + n, range(40))), range(64))
        assert list(sums) == [780 + 40 * n for n in range(64)]


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²"])
def test_an_invalid_thread_count_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WIKIRANK_THREADS", value)
    with pytest.raises(InvalidArgumentError, match="WIKIRANK_THREADS"):
        thread_count()


def test_the_thread_count_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKIRANK_THREADS", " 3 ")
    assert thread_count() == 3
    monkeypatch.setenv("WIKIRANK_THREADS", "")
    assert 1 <= thread_count() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_gets_a_pool_of_its_own() -> None:
    # In a new process, because forking this one, which has threads, may hang.
    program = """
import os, warnings
from wikirank.runtime.workers import map_ordered
list(map_ordered(abs, [-1, -2]))
warnings.simplefilter("ignore", DeprecationWarning)
child = os.fork()
if child == 0:
    os._exit(0 if list(map_ordered(abs, [-3, -4])) == [3, 4] else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == 0
