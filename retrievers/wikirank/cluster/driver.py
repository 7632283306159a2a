"""The process that is connected to a Ray cluster, a child of the one that writes the index.

Ray calls such a process a driver, and may end it at any moment, as it does when the cluster's head
is lost. It also takes over signals, and prints. So the index is not in it. Started by
`DriverProcess`, it reads requests from its standard input and writes to its standard output what
`prepared_groups` makes of each, then None. When its input ends, so does it.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from queue import SimpleQueue
from threading import Event, Thread
from typing import BinaryIO

from wikirank.cluster.pipeline import Request, connect, prepared_groups
from wikirank.errors import ClusterError


def main() -> None:
    """Answer requests until there are no more."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # What Ray prints must not get between the answers.
        requests: SimpleQueue[Request | None] = SimpleQueue()
        busy = Event()
        Thread(target=_listen, args=(requests, busy), daemon=True).start()
        while request := requests.get():
            _answer(request, answers)
            busy.clear()
            _write(None, answers)
    import ray

    ray.shutdown()


def _listen(requests: SimpleQueue[Request | None], busy: Event) -> None:
    """Hand on what is asked; end the process if its parent goes away in the middle."""
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
    os._exit(1)  # Ray stops, on all nodes, what a driver that is gone has started.


def _answer(request: Request, answers: BinaryIO) -> None:
    import ray

    from wikirank.cluster.groups import PreparedGroup

    try:
        if not ray.is_initialized():
            connect()
    except ClusterError as err:
        _write(PreparedGroup([], fault=err), answers)
        return
    for group in prepared_groups(request):
        _write(group, answers)


def _write(thing: object, answers: BinaryIO) -> None:
    pickle.dump(thing, answers)
    answers.flush()


if __name__ == "__main__":
    main()
