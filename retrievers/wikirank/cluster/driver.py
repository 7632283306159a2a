"""The process connected to a Ray cluster, a child of the process that writes the index.

Ray calls such a process a driver. Ray may end it at any moment, for example when the head of the
cluster is lost; Ray also takes over its signals and prints to its output. So another process writes
the index. `DriverProcess` starts the driver, which reads requests from standard input and writes
the groups of `prepare_groups` for each, then None, to standard output. It ends when its input ends.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from queue import SimpleQueue
from threading import Event, Thread
from typing import BinaryIO

from wikirank.cluster.pipeline import Request, connect, prepare_groups
from wikirank.errors import ClusterError


def main() -> None:
    """Answer requests until standard input ends."""
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)  # Ray's own prints must not get into the output.
        requests: SimpleQueue[Request | None] = SimpleQueue()
        busy = Event()
        Thread(target=_read_requests, args=(requests, busy), daemon=True).start()
        while request := requests.get():
            _answer(request, output)
            busy.clear()
            _write(None, output)
    import ray

    ray.shutdown()


def _read_requests(requests: SimpleQueue[Request | None], busy: Event) -> None:
    """Put requests into the queue. End the process if its parent goes away during a request."""
    try:
        while True:
            request = pickle.load(sys.stdin.buffer)
            busy.set()
            requests.put(request)
    except EOFError:
        if not busy.is_set():
            requests.put(None)
            return
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)  # Ray then stops the work of this driver on all nodes.


def _answer(request: Request, output: BinaryIO) -> None:
    import ray

    from wikirank.cluster.groups import PreparedGroup

    try:
        if not ray.is_initialized():
            connect()
    except ClusterError as err:
        _write(PreparedGroup([], fault=err), output)
        return
    for group in prepare_groups(request):
        _write(group, output)


def _write(value: object, output: BinaryIO) -> None:
    pickle.dump(value, output)
    output.flush()


if __name__ == "__main__":
    main()
